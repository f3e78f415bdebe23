"""The Web API methods that the practice Slack speaks, with Slack's own refusals.

https://docs.slack.dev/reference/methods
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.workspace import TRIGGER_LASTS, Channel, Message, Workspace

Arguments = dict[str, Any]
Answer = dict[str, Any]


class SlackError(Exception):
    """An answer with `ok: false`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer = {"ok": False, "error": error, **more}


@dataclass(frozen=True)
class Trouble:
    """What happens to the next call of a method: an HTTP status, or an error word with 200.

    With `after` the call takes effect first and only its answer is lost.
    """

    error: str = ""
    status: int = 200
    retry_after: int | None = None
    after: bool = False


@dataclass(frozen=True)
class Called:
    """A call as it came in, for tests and the curious."""

    method: str
    arguments: Arguments
    answer: Answer


class WebApi:
    """Calls of the app on its workspace. `connect` makes the address of a new WebSocket."""

    def __init__(self, workspace: Workspace, connect: Callable[[], str]) -> None:
        self._workspace = workspace
        self._connect = connect
        self.calls: list[Called] = []
        self.troubles: dict[str, deque[Trouble]] = {}
        self._methods: dict[str, tuple[str | None, Callable[[Arguments], Answer]]] = {
            "auth.test": (None, self._auth_test),
            "chat.postMessage": ("chat:write", self._post_message),
            "chat.postEphemeral": ("chat:write", self._post_ephemeral),
            "chat.update": ("chat:write", self._update),
            "chat.delete": ("chat:write", self._delete),
            "views.open": (None, self._views_open),
            "users.info": ("users:read", self._users_info),
            "users.conversations": ("channels:read", self._own_channels),
            "usergroups.users.list": ("usergroups:read", self._group_members),
            "conversations.info": ("channels:read", self._channel_info),
            "conversations.members": ("channels:read", self._channel_members),
        }

    def call(self, method: str, token: str | None, arguments: Arguments) -> Answer:
        """The answer to one call; refusals have `ok: false` and Slack's error word."""
        try:
            answer = {"ok": True, **self._dispatch(method, token, arguments)}
        except SlackError as error:
            answer = error.answer
        self.calls.append(Called(method, arguments, answer))
        return answer

    def _dispatch(self, method: str, token: str | None, arguments: Arguments) -> Answer:
        if not token:
            raise SlackError("not_authed")
        if method == "apps.connections.open":
            return self._connections_open(token)
        if method not in self._methods:
            raise SlackError("unknown_method", req_method=method)
        if token != self._workspace.bot_token:
            raise SlackError("invalid_auth")
        scope, run = self._methods[method]
        if scope and scope not in self._workspace.scopes:
            provided = ",".join(sorted(self._workspace.scopes))
            raise SlackError("missing_scope", needed=scope, provided=provided)
        return run(arguments)

    def _connections_open(self, token: str) -> Answer:
        if token != self._workspace.app_token:
            raise SlackError("invalid_auth")
        return {"url": self._connect()}

    def _auth_test(self, _arguments: Arguments) -> Answer:
        bot = self._workspace.bot
        return {
            "url": "https://practice.slack.example/",
            "team": "Practice",
            "team_id": self._workspace.team_id,
            "user": bot.name,
            "user_id": bot.id,
            "bot_id": "B0UPGRADE",
        }

    def _post_message(self, arguments: Arguments) -> Answer:
        channel = self._channel_to_post(arguments)
        text, blocks = self._content(arguments, text_limit=40_000)
        thread_ts = arguments.get("thread_ts")
        if thread_ts is not None:
            parent = self._workspace.find(channel.id, thread_ts)
            if parent is None or parent.only_for or parent.thread_ts:
                raise SlackError("thread_not_found")
        bot = self._workspace.bot.id
        message = self._workspace.post(channel.id, bot, text, blocks, thread_ts)
        return {"channel": channel.id, "ts": message.ts, "message": _told(message)}

    def _post_ephemeral(self, arguments: Arguments) -> Answer:
        channel = self._channel_to_post(arguments)
        user = arguments.get("user", "")
        if user not in channel.members:
            raise SlackError("user_not_in_channel")
        text, blocks = self._content(arguments, text_limit=40_000)
        bot = self._workspace.bot.id
        message = self._workspace.post(
            channel.id, bot, text, blocks, arguments.get("thread_ts"), only_for=user
        )
        return {"message_ts": message.ts}

    def _update(self, arguments: Arguments) -> Answer:
        message = self._own_message(arguments, "cant_update_message")
        text, blocks = self._content(arguments, text_limit=4000)
        self._workspace.edit(message, text, blocks)
        channel, ts = message.channel, message.ts
        return {"channel": channel, "ts": ts, "text": text, "message": _told(message)}

    def _delete(self, arguments: Arguments) -> Answer:
        message = self._own_message(arguments, "cant_delete_message")
        self._workspace.delete(message)
        return {"channel": message.channel, "ts": message.ts}

    def _own_message(self, arguments: Arguments, otherwise: str) -> Message:
        channel = self._workspace.channels.get(arguments.get("channel", ""))
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.is_archived:
            raise SlackError("is_inactive")
        message = self._workspace.find(channel.id, arguments.get("ts", ""))
        if message is None or message.only_for:
            raise SlackError("message_not_found")
        if message.user != self._workspace.bot.id:
            raise SlackError(otherwise)
        return message

    def _views_open(self, arguments: Arguments) -> Answer:
        trigger = self._workspace.triggers.get(arguments.get("trigger_id", ""))
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._workspace.clock() - trigger.issued_at > TRIGGER_LASTS:
            raise SlackError("expired_trigger_id")
        content = _parsed(arguments.get("view"))
        if problems := block_kit.view_problems(content):
            raise SlackError("invalid_arguments", response_metadata={"messages": problems})
        trigger.used = True
        if len(self._workspace.views.get(trigger.user, [])) >= 3:
            raise SlackError("push_limit_reached")
        view = self._workspace.open_view(trigger.user, content)
        return {"view": {"id": view.id, "hash": view.hash, **content}}

    def _users_info(self, arguments: Arguments) -> Answer:
        user = self._workspace.users.get(arguments.get("user", ""))
        if user is None:
            raise SlackError("user_not_found")
        told = {
            "id": user.id,
            "name": user.name,
            "real_name": user.real_name,
            "team_id": user.team_id,
            "deleted": user.deleted,
            "is_bot": user.is_bot,
            "is_restricted": user.is_restricted,
            "is_ultra_restricted": False,
            "tz": user.tz,
        }
        if arguments.get("include_locale") in (True, "1", "true", 1):
            told["locale"] = user.locale
        return {"user": told}

    def _group_members(self, arguments: Arguments) -> Answer:
        members = self._workspace.groups.get(arguments.get("usergroup", ""))
        if members is None:
            raise SlackError("no_such_subteam")
        return {"users": sorted(members)}

    def _channel_info(self, arguments: Arguments) -> Answer:
        channel = self._workspace.channels.get(arguments.get("channel", ""))
        if channel is None or (channel.is_private and not self._is_in(channel)):
            raise SlackError("channel_not_found")
        facts = {"id": channel.id, "name": channel.name, "is_archived": channel.is_archived}
        member = {} if channel.is_im else {"is_member": self._is_in(channel)}
        return {"channel": {**facts, "is_im": channel.is_im, **member}}

    def _channel_members(self, arguments: Arguments) -> Answer:
        channel = self._workspace.channels.get(arguments.get("channel", ""))
        if channel is None or (channel.is_private and not self._is_in(channel)):
            raise SlackError("channel_not_found")
        limit = int(arguments.get("limit") or 100)
        start = int(arguments.get("cursor") or 0)
        members = sorted(channel.members)
        more = str(start + limit) if start + limit < len(members) else ""
        return {
            "members": members[start : start + limit],
            "response_metadata": {"next_cursor": more},
        }

    def _own_channels(self, _arguments: Arguments) -> Answer:
        there = [c for c in self._workspace.channels.values() if not c.is_im and self._is_in(c)]
        return {"channels": [{"id": channel.id, "name": channel.name} for channel in there]}

    def _channel_to_post(self, arguments: Arguments) -> Channel:
        channel_id = arguments.get("channel", "")
        if channel_id in self._workspace.users:
            return self._workspace.direct_messages(channel_id)
        channel = self._workspace.channels.get(channel_id)
        if channel is None or (channel.is_private and not self._is_in(channel)):
            raise SlackError("channel_not_found")
        if channel.is_archived:
            raise SlackError("is_archived")
        if not self._is_in(channel):
            raise SlackError("not_in_channel")
        return channel

    def _is_in(self, channel: Channel) -> bool:
        return self._workspace.bot.id in channel.members

    @staticmethod
    def _content(arguments: Arguments, text_limit: int) -> tuple[str, list[dict[str, Any]] | None]:
        text, blocks = arguments.get("text") or "", _parsed(arguments.get("blocks"))
        if not text and not blocks:
            raise SlackError("no_text")
        if len(text) > text_limit:
            raise SlackError("msg_too_long")
        if blocks is not None:
            if problems := block_kit.message_problems(blocks):
                raise SlackError("invalid_blocks", response_metadata={"messages": problems})
            if block_kit.text_size(blocks) > block_kit.ALL_TEXT:
                raise SlackError("msg_blocks_too_long")
        return text, blocks


def _parsed(value: Any) -> Any:
    """Blocks and views come as JSON, or as a JSON string inside a form."""
    return json.loads(value) if isinstance(value, str) else value


def _told(message: Message) -> Answer:
    return {"type": "message", "ts": message.ts, "user": message.user, "text": message.text}
