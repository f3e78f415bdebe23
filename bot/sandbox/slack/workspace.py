"""The state of the practice workspace: people, channels, messages, files, forms, tokens."""

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.slack.installed import Installed

TRIGGER_LASTS = timedelta(seconds=3)
RESPONSE_URL_LASTS, RESPONSE_URL_USES = timedelta(minutes=30), 5
DEEPEST = 3
"""Forms that may lie upon each other."""

Json = dict[str, Any]


@dataclass
class User:
    """Somebody, as `users.info` tells it."""

    id: str
    name: str
    real_name: str
    team_id: str
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    tz: str = "Europe/Amsterdam"
    locale: str = "en-US"
    email: str = ""


@dataclass
class Channel:
    """A channel, or with `is_im` the direct messages of the app with one person."""

    id: str
    name: str
    members: set[str]
    is_private: bool = False
    is_archived: bool = False
    is_im: bool = False


@dataclass
class File:
    """A file. `secret` is in its upload address; it is of nobody until it is `shared`."""

    id: str
    name: str
    length: int
    secret: str
    title: str = ""
    content: bytes | None = None
    shared: bool = False


@dataclass(eq=False)
class Message:
    """A message as it is now. `only_for` makes it ephemeral; `user` is empty for Slack itself."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    only_for: str | None = None
    edited: bool = False
    files: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    broadcast: bool = False


@dataclass
class View:
    """A form that is open before one person, or their Home tab."""

    id: str
    user: str
    content: Json
    hash: str
    errors: dict[str, str] = field(default_factory=dict)
    offered: dict[str, list[Json]] = field(default_factory=dict)
    """By block id: the options that a field has offered while somebody typed."""


@dataclass
class Trigger:
    user: str
    issued_at: datetime
    used: bool = False


@dataclass
class ResponseUrl:
    user: str
    channel: str
    message_ts: str | None
    issued_at: datetime
    uses: int = 0


@dataclass(frozen=True)
class Happened:
    """Something that a person can see: kind is `message`, `edited`, `deleted`, `form`,
    `form_changed`, `form_errors`, `form_closed`, `home`."""

    kind: str
    message: Message | None = None
    view: View | None = None


class Workspace:
    """One team with one app installed. `clock` is the time that everything is judged by."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.url = ""
        """Where people open it: with `archives/<channel>/p<time>` behind it, a message's link."""
        self.files_url = ""
        """Where files are sent to, and fetched from by the app."""
        self.team_id = "T0PRACTICE"
        self.app_id = "A0UPGRADE"
        self.bot = User("U0UPGRADEBOT", "upgrade-bot", "upgrade-bot", self.team_id, is_bot=True)
        self.bot_token = f"xoxb-practice-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{self.app_id}-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.app = Installed()
        self.users: dict[str, User] = {self.bot.id: self.bot}
        self.groups: dict[str, set[str]] = {}
        self.group_handles: dict[str, str] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: list[Message] = []
        self.files: dict[str, File] = {}
        self.views: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.watchers: list[Callable[[Happened], None]] = []
        self._by_ts: dict[tuple[str, str], Message] = {}
        self._numbers = itertools.count(1)

    @property
    def scopes(self) -> set[str]:
        """What the app may do."""
        return self.app.scopes

    def add_user(self, user_id: str, name: str, real_name: str, **more: Any) -> User:
        """Let somebody join. `more`: fields of `User`."""
        user = User(user_id, name, real_name, **{"team_id": self.team_id, **more})
        self.users[user_id] = user
        return user

    def add_channel(self, channel_id: str, name: str, members: set[str], **more: Any) -> Channel:
        """Open a channel. `more`: fields of `Channel`."""
        channel = Channel(channel_id, name, members, **more)
        self.channels[channel_id] = channel
        return channel

    def add_group(self, group_id: str, handle: str, members: set[str]) -> None:
        """Make a user group."""
        self.groups[group_id] = members
        self.group_handles[group_id] = handle

    def direct_messages(self, user_id: str) -> Channel:
        """The app's direct messages with somebody."""
        channel_id = "D" + user_id[1:]
        if channel_id not in self.channels:
            self.add_channel(channel_id, user_id, {user_id, self.bot.id}, is_im=True)
        return self.channels[channel_id]

    def post(
        self,
        channel: str,
        user: str,
        text: str,
        blocks: list[Json] | None = None,
        thread_ts: str | None = None,
        only_for: str | None = None,
        **more: Any,
    ) -> Message:
        """Put a message into a channel, for all or for one person. `more`: fields of `Message`."""
        message = Message(
            channel, self.new_ts(), user, text, self._numbered(blocks), thread_ts, only_for, **more
        )
        self.messages.append(message)
        self._by_ts[channel, message.ts] = message
        self.happened("message", message=message)
        return message

    def edit(self, message: Message, text: str, blocks: list[Json] | None) -> None:
        """Change a message in place."""
        message.text, message.blocks = text, self._numbered(blocks)
        message.edited = not blocks
        self.happened("edited", message=message)

    def delete(self, message: Message) -> None:
        """Take a message away."""
        if self._by_ts.pop((message.channel, message.ts), None):
            self.messages.remove(message)
        self.happened("deleted", message=message)

    def find(self, channel: str, ts: str) -> Message | None:
        """The message at that time in that channel."""
        return self._by_ts.get((channel, ts))

    def new_file(self, name: str, length: int) -> File:
        """A file that is to be uploaded."""
        file = File(f"F{next(self._numbers):08}", name, length, secrets.token_urlsafe(18))
        self.files[file.id] = file
        return file

    def new_view(self, user: str, content: Json) -> View:
        """A form or Home tab that nobody sees yet."""
        return View(f"V{next(self._numbers):06}", user, _numbered_view(content), new_hash())

    def open_view(self, user: str, content: Json) -> View:
        """Put a form before somebody, on top of what is open."""
        view = self.new_view(user, content)
        self.views.setdefault(user, []).append(view)
        self.happened("form", view=view)
        return view

    def change_view(self, view: View, content: Json) -> None:
        """Show other content in an open form, or in a Home tab."""
        view.content, view.hash, view.errors = _numbered_view(content), new_hash(), {}
        self.happened("home" if content["type"] == "home" else "form_changed", view=view)

    def close_view(self, view: View) -> None:
        """Take the form away."""
        self.views[view.user].remove(view)
        self.happened("form_closed", view=view)

    def publish_home(self, user: str, content: Json) -> View:
        """What somebody sees in the app's Home tab from now on."""
        if home := self.homes.get(user):
            self.change_view(home, content)
            return home
        self.homes[user] = self.new_view(user, content)
        self.happened("home", view=self.homes[user])
        return self.homes[user]

    def new_trigger(self, user: str) -> str:
        """A trigger id for somebody's click: good once, for three seconds."""
        trigger_id = f"{next(self._numbers)}.{secrets.token_hex(8)}"
        self.triggers[trigger_id] = Trigger(user, self.clock())
        return trigger_id

    def new_response_url(self, user: str, channel: str, message_ts: str | None) -> str:
        """The secret part of a response URL: good five times, for half an hour."""
        secret = secrets.token_urlsafe(18)
        self.response_urls[secret] = ResponseUrl(user, channel, message_ts, self.clock())
        return secret

    def new_ts(self) -> str:
        """A message's time, unique."""
        return f"{int(self.clock().timestamp())}.{next(self._numbers):06}"

    def permalink(self, message: Message) -> str:
        """The link that opens a message."""
        return f"{self.url}archives/{message.channel}/p{message.ts.replace('.', '')}"

    def happened(
        self, kind: str, *, message: Message | None = None, view: View | None = None
    ) -> None:
        """Tell everybody who watches."""
        for watch in list(self.watchers):
            watch(Happened(kind, message, view))

    def _numbered(self, blocks: list[Json] | None) -> list[Json]:
        """Slack gives every block an id."""
        return [{"block_id": f"b{next(self._numbers)}", **block} for block in blocks or []]


def new_hash() -> str:
    """The name of one version of a view."""
    return secrets.token_hex(6)


def _numbered_view(content: Json) -> Json:
    """A block without an id gets that of its place: it stays the same when the view changes."""
    blocks = [
        {"block_id": f"v{place}", **block} for place, block in enumerate(content.get("blocks", []))
    ]
    return {**content, "blocks": blocks}
