"""The Web API: who may call which method, how often, and Slack's own words for a no.

https://docs.slack.dev/reference/methods
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slack import chat, conversations, files, people, views
from bot.sandbox.slack.refusal import Answer, Arguments, SlackError, needs
from bot.sandbox.slack.workspace import Workspace

__all__ = ["METHODS", "Called", "Limits", "SlackError", "Trouble", "WebApi"]


@dataclass(frozen=True)
class Trouble:
    """What happens to the next call of a method: an HTTP status, or an error word with 200.

    With `after` the call takes effect first and only its answer is lost. `cut` breaks the
    connection instead of answering; `delay` is how many seconds it takes.
    """

    error: str = ""
    status: int = 200
    retry_after: int | None = None
    after: bool = False
    cut: bool = False
    delay: float = 0

    @property
    def is_a_refusal(self) -> bool:
        """Whether the call gets another answer than its own."""
        return self.cut or bool(self.error) or self.status != 200


@dataclass(frozen=True)
class Called:
    """A call as it came in, for tests and the curious."""

    method: str
    arguments: Arguments
    answer: Answer


@dataclass(frozen=True)
class Method:
    """A method: what the app needs for it, how often a minute it may be called, what it does."""

    scope: str | None
    a_minute: int
    run: Callable[[Workspace, Arguments], Answer]


SPECIAL = 300
"""Calls a minute of methods that Slack limits in ways of their own: several hundred."""

METHODS: dict[str, Method] = {
    "auth.test": Method(None, SPECIAL, people.auth_test),
    "chat.postMessage": Method("chat:write", SPECIAL, chat.post_message),
    "chat.postEphemeral": Method("chat:write", 100, chat.post_ephemeral),
    "chat.update": Method("chat:write", 50, chat.update),
    "chat.delete": Method("chat:write", 50, chat.delete),
    "chat.getPermalink": Method(None, SPECIAL, chat.get_permalink),
    "views.open": Method(None, 100, views.open_),
    "views.push": Method(None, 100, views.push),
    "views.update": Method(None, 100, views.update),
    "views.publish": Method(None, 100, views.publish),
    "files.getUploadURLExternal": Method("files:write", 100, files.get_upload_url),
    "files.completeUploadExternal": Method("files:write", 100, files.complete_upload),
    "users.info": Method("users:read", 100, people.info),
    "usergroups.list": Method("usergroups:read", 20, people.groups),
    "usergroups.users.list": Method("usergroups:read", 20, people.group_members),
    "conversations.info": Method(None, 50, conversations.info),
    "conversations.members": Method(None, 100, conversations.members),
    "users.conversations": Method(None, 50, conversations.of_the_app),
    "conversations.open": Method("im:write", 50, conversations.open_),
    "conversations.history": Method(None, 50, conversations.history),
    "conversations.replies": Method(None, 50, conversations.replies),
}
"""Where the scope is None, the method needs none or asks for it by the kind of channel."""

CONNECTIONS_OPEN = "apps.connections.open"
A_BURST = 20
"""Messages that one channel takes at once; in the long run it takes one a second."""


class Limits:
    """How often the app may call: each method so often a minute, one message a second a channel."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._calls: dict[str, deque[float]] = {}

    def wait(self, method: str, arguments: Arguments) -> int:
        """Seconds until the app may call; 0 counts the call."""
        counted = [(method, METHODS[method].a_minute, 60.0)]
        if method == "chat.postMessage":
            counted.append((f"to {arguments.get('channel')}", A_BURST, float(A_BURST)))
        now = self._seconds()
        for name, most, within in counted:
            calls = self._calls.setdefault(name, deque())
            while calls and now - calls[0] >= within:
                calls.popleft()
            if len(calls) >= most:
                return int(within - (now - calls[0])) + 1
        for name, _, _ in counted:
            self._calls[name].append(now)
        return 0


class WebApi:
    """Calls of the app on its workspace. `connect` makes the address of a new WebSocket."""

    def __init__(self, workspace: Workspace, connect: Callable[[], str]) -> None:
        self._workspace = workspace
        self._connect = connect
        self.limits: Limits | None = None
        """With them, who calls too often is told to wait."""
        self.calls: list[Called] = []
        self.troubles: dict[str, deque[Trouble]] = {}

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
        if method == CONNECTIONS_OPEN:
            if token != self._workspace.app_token:
                raise SlackError("invalid_auth")
            return {"url": self._connect()}
        if method not in METHODS:
            raise SlackError("unknown_method", req_method=method)
        if token != self._workspace.bot_token:
            raise SlackError("invalid_auth")
        if self.limits and (seconds := self.limits.wait(method, arguments)):
            raise SlackError("ratelimited", retry_after=seconds)
        if scope := METHODS[method].scope:
            needs(self._workspace, scope)
        return METHODS[method].run(self._workspace, arguments)
