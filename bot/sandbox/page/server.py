"""Serves the page: what one person sees, and what they do.

A page asks for the state once, and then learns by server-sent events what has changed.
"""

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox import switches
from bot.sandbox.page import seen
from bot.sandbox.page.changes import Changes
from bot.sandbox.practice import Practice
from bot.sandbox.slack import Message, View, Workspace
from bot.sandbox.slack.payloads import element_of
from bot.sandbox.slack.workspace import Happened
from bot.sandbox.traffic import Exchange

STATIC = Path(__file__).parent / "static"
OURSELVES = frozenset({"127.0.0.1", "localhost", "::1"})
BREATH = 15.0
"""Seconds after which a quiet stream says that it is still there."""

Doing = Callable[[dict[str, Any]], Awaitable[Any]]


class Page:
    """One page for everybody; `?as=<user id>` says who is looking."""

    def __init__(self, practice: Practice, host: str = "127.0.0.1") -> None:
        self._practice = practice
        self._host = host
        self._changes = Changes()
        self._told_around: dict[str, Any] = {}
        self._runner: web.AppRunner | None = None
        self.port = 0
        practice.on_reset.append(self._begin)
        self._begin(tell=False)

    @property
    def _slack(self) -> Workspace:
        return self._practice.slack.workspace

    @property
    def address(self) -> str:
        """Where people open it."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}/"

    async def start(self, port: int) -> None:
        """Listen; on this machine only, unless another host was given. Raises OSError when the
        port is taken."""
        app = web.Application(middlewares=[self._only_for_us])
        app.on_response_prepare.append(_careful)
        app.add_routes(
            [
                web.get("/", _index),
                web.get("/archives/{channel}/{message}", _index),
                web.static("/static", STATIC),
                web.get("/api/state", self._state),
                web.get("/api/events", self._events),
                web.get("/api/files/{file}", self._file),
                web.get("/api/exchanges/{number}", self._exchange),
                *(web.post(f"/api/{name}", _told(do)) for name, do in self._doings().items()),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, port).start()
        self.port = int(self._runner.addresses[0][1])
        self._slack.url = self.address

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    def _doings(self) -> dict[str, Doing]:
        return {
            "type": self._type,
            "use": self._use,
            "shortcut": self._shortcut,
            "submit": self._submit,
            "suggest": self._suggest,
            "cancel": self._cancel,
            "clear": self._clear,
            "open_app": self._open_app,
            "stop": self._stop_bot,
            "start": self._start_bot,
            "restart": self._restart,
            "reset": self._reset,
            "clock": self._clock,
            "switch": self._switch,
            "calm": self._calm,
        }

    def _begin(self, *, tell: bool = True) -> None:
        """Watch the servers as they are now, which a reset replaces."""
        self._slack.watchers.append(self._happened)
        self._practice.traffic.watchers.append(self._exchanged)
        if tell:
            self._changes.add({"kind": "reset"})

    def _happened(self, happened: Happened) -> None:
        if message := happened.message:
            channel = self._slack.channels[message.channel]
            seen_by = {message.only_for} if message.only_for else channel.members
            kind = "deleted" if happened.kind == "deleted" else "message"
            content: dict[str, Any] = {
                "kind": kind,
                "message": seen.message(message),
                "channel": seen.channel(channel),
            }
            self._changes.add(content, seen_by)
        elif view := happened.view:
            if happened.kind == "home" or view is self._slack.homes.get(view.user):
                content = {"kind": "home", "home": seen.view(view)}
            else:
                content = {"kind": "views", "views": seen.views(self._slack, view.user)}
            self._changes.add(content, {view.user})

    def _exchanged(self, exchange: Exchange) -> None:
        self._changes.add({"kind": "exchange", "exchange": seen.exchange(exchange)})
        self._around()

    def _around(self) -> None:
        """What is the same for everybody may have changed."""
        around = seen.around(self._practice)
        if around != self._told_around:
            self._told_around = around
            self._changes.add({"kind": "around", "around": around})

    async def _state(self, request: web.Request) -> web.Response:
        user = self._who(request.query.get("as", ""))
        state = seen.state(self._practice, user)
        return web.json_response({"me": user, "number": self._changes.newest, **state})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Every change since the one that the page knows; `reset` when it was away for long."""
        user = self._who(request.query.get("as", ""))
        known = int(request.headers.get("Last-Event-ID") or request.query.get("after") or 0)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with self._changes.wait() as happened:
            while True:
                try:
                    await response.write(self._since(known, user))
                except ConnectionError:
                    return response
                known = self._changes.newest
                try:
                    await asyncio.wait_for(happened.wait(), BREATH)
                except TimeoutError:
                    continue
                happened.clear()

    def _since(self, known: int, user: str) -> bytes:
        changes = self._changes.after(known, user)
        if changes is None:
            newest = self._changes.newest
            return f'id: {newest}\ndata: {{"kind": "reset"}}\n\n'.encode()
        lines = [f"id: {c.number}\ndata: {json.dumps(c.content)}\n\n" for c in changes]
        return "".join(lines or [": still here\n\n"]).encode()

    async def _file(self, request: web.Request) -> web.Response:
        """A file, for somebody who sees the message that shares it. It is never shown by the
        browser itself."""
        user, file_id = request.query.get("as", ""), request.match_info["file"]
        file = self._slack.files.get(file_id)
        shared = (m for m in self._slack.messages if any(f["id"] == file_id for f in m.files))
        if file is None or not any(user in self._slack.channels[m.channel].members for m in shared):
            raise web.HTTPNotFound
        name = "".join(c if c.isalnum() or c in "._- " else "_" for c in file.name)
        return web.Response(
            body=file.content,
            content_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _exchange(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        found = [each for each in self._practice.traffic.exchanges if each.number == number]
        if not found:
            raise web.HTTPNotFound
        return web.json_response(seen.exchange_in_full(self._practice, found[0]))

    async def _type(self, body: dict[str, Any]) -> None:
        """A slash command, or just words."""
        user, channel = self._who(body["as"]), self._channel(body)
        text, thread_ts = str(body["text"]), body.get("thread_ts")
        command, _, rest = text.partition(" ")
        if not text.startswith("/"):
            if text.strip():
                self._slack.post(channel, user, _escaped(text), thread_ts=thread_ts)
        elif thread_ts:
            said = f"{command} is not supported in threads. Sorry!"
            self._slack.post(channel, "", said, thread_ts=thread_ts, only_for=user)
        elif command in [each.command for each in self._slack.app.commands]:
            await self._practice.slack.interactions.command(user, channel, command, rest)
        else:
            known = ", ".join(each.command for each in self._slack.app.commands)
            said = (
                f"{_escaped(command)} is not a valid command. In this workspace there is {known}."
            )
            self._slack.post(channel, "", said, only_for=user)

    async def _use(self, body: dict[str, Any]) -> None:
        """An element was used: a button pressed, something chosen or ticked."""
        hands, entry, given = self._practice.slack.interactions, body.get("entry"), body["given"]
        if "ts" in body:
            message = self._message(body)
            element = _element(message.blocks, body)
            await hands.use(self._who(body["as"]), message, element, entry, given)
        else:
            view = self._view(body)
            element = _element(view.content["blocks"], body)
            await hands.use_in_view(view, element, entry, given)

    async def _shortcut(self, body: dict[str, Any]) -> None:
        known = {each.callback_id: each for each in self._slack.app.shortcuts}
        if body["callback_id"] not in known:
            raise web.HTTPNotFound
        message = self._message(body) if "ts" in body else None
        hands = self._practice.slack.interactions
        await hands.shortcut(self._who(body["as"]), known[body["callback_id"]], message)

    async def _submit(self, body: dict[str, Any]) -> None:
        await self._practice.slack.interactions.submit(self._view(body), body["given"])

    async def _suggest(self, body: dict[str, Any]) -> Any:
        hands, typed = self._practice.slack.interactions, str(body["typed"])
        if "ts" not in body:
            return await hands.suggestions(self._view(body), body["block"], typed)
        message = self._message(body)
        element = _element(message.blocks, body)
        return await hands.suggestions_in_message(self._who(body["as"]), message, element, typed)

    async def _cancel(self, body: dict[str, Any]) -> None:
        self._practice.slack.interactions.cancel(self._view(body))

    async def _clear(self, body: dict[str, Any]) -> None:
        await self._practice.slack.interactions.clear(self._who(body["as"]))

    async def _open_app(self, body: dict[str, Any]) -> None:
        self._practice.slack.interactions.open_app(self._who(body["as"]), body["tab"])

    async def _stop_bot(self, _body: dict[str, Any]) -> None:
        await self._practice.stop_bot(grace=0)
        self._around()

    async def _start_bot(self, _body: dict[str, Any]) -> None:
        if self._practice.bot is None:
            await self._practice.start_bot()
        self._around()

    async def _restart(self, body: dict[str, Any]) -> None:
        await self._stop_bot(body)
        await self._start_bot(body)

    async def _reset(self, _body: dict[str, Any]) -> None:
        await self._practice.reset()
        self._around()

    async def _clock(self, body: dict[str, Any]) -> None:
        await self._practice.pass_time(timedelta(hours=float(body["hours"])))
        self._around()

    async def _switch(self, body: dict[str, Any]) -> None:
        try:
            await switches.throw(self._practice, body["switch"], body["choice"])
        except LookupError:
            raise web.HTTPNotFound from None
        self._around()

    async def _calm(self, _body: dict[str, Any]) -> None:
        await switches.put_all_back(self._practice)
        self._around()

    def _who(self, user: Any) -> str:
        """Somebody who is there; who is not is the first person."""
        people = [u.id for u in self._slack.users.values() if not u.is_bot]
        return user if user in people else people[0]

    def _channel(self, body: dict[str, Any]) -> str:
        channel = self._slack.channels.get(body["channel"])
        if channel is None or body["as"] not in channel.members:
            raise web.HTTPNotFound
        return channel.id

    def _message(self, body: dict[str, Any]) -> Message:
        message = self._slack.find(self._channel(body), body["ts"])
        if message is None or message.only_for not in (None, body["as"]):
            raise web.HTTPNotFound
        return message

    def _view(self, body: dict[str, Any]) -> View:
        home = self._slack.homes.get(body["as"])
        for view in [*self._slack.views.get(body["as"], []), *([home] if home else [])]:
            if view.id == body["view"]:
                return view
        raise web.HTTPNotFound

    @web.middleware
    async def _only_for_us(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """No other site may use the page through somebody's browser: the host must be ours, and
        what changes something must be JSON, which a foreign page cannot send unasked."""
        if not self._is_ours(request.url.host or ""):
            raise web.HTTPForbidden
        if request.method == "POST" and request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        return await handler(request)  # type: ignore[no-any-return]

    def _is_ours(self, host: str) -> bool:
        """Names can be made to lead here by anybody, addresses cannot."""
        if host in OURSELVES or host == self._host:
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return self._host not in OURSELVES


def _told(do: Doing) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A request whose answer is JSON."""

    async def handler(request: web.Request) -> web.Response:
        answer = await do(await request.json())
        return web.json_response({} if answer is None else answer)

    return handler


def _element(blocks: list[dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
    try:
        return element_of(blocks, body["action"], body.get("block", ""))
    except LookupError:
        raise web.HTTPNotFound from None


def _escaped(text: str) -> str:
    """What a person types is no mrkdwn of the app: Slack escapes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def _index(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


async def _careful(_request: web.Request, response: web.StreamResponse) -> None:
    """Nothing from elsewhere is loaded, run, framed or kept."""
    response.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
