"""Serves the page: what one person sees, and what they do.

The page learns by server-sent events that something has changed, and then asks for the state.
"""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.practice import Practice
from bot.sandbox.slack import Message, View

STATIC = Path(__file__).parent / "static"
OURSELVES = frozenset({"127.0.0.1", "localhost"})


class Page:
    """One page for everybody; `?as=<user id>` says who is looking."""

    def __init__(self, practice: Practice) -> None:
        self._practice = practice
        self._slack = practice.slack.workspace
        self._watchers: set[asyncio.Event] = set()
        self._runner: web.AppRunner | None = None
        self.port = 0
        self._slack.watchers.append(lambda _happened: self._changed())

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1 only. Raises OSError when the port is taken."""
        app = web.Application(middlewares=[_only_this_machine])
        app.add_routes(
            [
                web.get("/", _index),
                web.static("/static", STATIC),
                web.get("/api/state", self._state),
                web.get("/api/events", self._events),
                web.post("/api/type", self._type),
                web.post("/api/click", self._click),
                web.post("/api/submit", self._submit),
                web.post("/api/suggest", self._suggest),
                web.post("/api/cancel", self._cancel),
                web.post("/api/restart", self._restart),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    async def _state(self, request: web.Request) -> web.Response:
        user = request.query.get("as", "")
        here = [c for c in self._slack.channels.values() if user in c.members]
        visible = {channel.id for channel in here}
        return web.json_response(
            {
                "bot": self._slack.bot.id,
                "running": self._practice.bot is not None,
                "people": [
                    {"id": u.id, "name": u.name, "real_name": u.real_name, "is_bot": u.is_bot}
                    for u in self._slack.users.values()
                ],
                "groups": self._slack.group_handles,
                "channels": [
                    {"id": c.id, "name": self._name(c.name), "is_im": c.is_im} for c in here
                ],
                "messages": [
                    _told(message)
                    for message in self._slack.messages
                    if message.channel in visible and message.only_for in (None, user)
                ],
                "views": [_told_view(view) for view in self._slack.views.get(user, [])],
            }
        )

    def _name(self, name: str) -> str:
        return self._slack.users[name].name if name in self._slack.users else name

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        watcher = asyncio.Event()
        self._watchers.add(watcher)
        try:
            while True:
                await response.write(b"data: changed\n\n")
                await watcher.wait()
                watcher.clear()
        except ConnectionError:
            return response
        finally:
            self._watchers.discard(watcher)

    async def _type(self, request: web.Request) -> web.Response:
        """A slash command, or just words."""
        body = await request.json()
        user, channel, text = body["as"], body["channel"], body["text"]
        if text.startswith("/"):
            command, _, rest = text.partition(" ")
            if command == "/upgrade":
                await self._practice.slack.interactions.command(user, channel, command, rest)
            else:
                said = f"{command} is not a valid command. In this workspace there is /upgrade."
                self._slack.post(channel, "", said, only_for=user)
        elif text.strip():
            self._slack.post(channel, user, text, thread_ts=body.get("thread_ts"))
        return web.json_response({})

    async def _click(self, request: web.Request) -> web.Response:
        body = await request.json()
        message = self._slack.find(body["channel"], body["ts"])
        if message is None:
            raise web.HTTPNotFound
        interactions = self._practice.slack.interactions
        payload = interactions.click_payload(body["as"], message, body["element"])
        await interactions.deliver_click(payload)
        return web.json_response({})

    async def _submit(self, request: web.Request) -> web.Response:
        body = await request.json()
        await self._practice.slack.interactions.submit(self._view(body), body["values"])
        return web.json_response({})

    async def _suggest(self, request: web.Request) -> web.Response:
        body = await request.json()
        interactions = self._practice.slack.interactions
        found = await interactions.suggestions(self._view(body), body["block"], body["typed"])
        return web.json_response(found)

    async def _cancel(self, request: web.Request) -> web.Response:
        self._practice.slack.interactions.cancel(self._view(await request.json()))
        return web.json_response({})

    async def _restart(self, _request: web.Request) -> web.Response:
        await self._practice.stop_bot(grace=0)
        self._changed()
        await self._practice.start_bot()
        self._changed()
        return web.json_response({})

    def _view(self, body: dict[str, Any]) -> View:
        for view in self._slack.views.get(body["as"], []):
            if view.id == body["view"]:
                return view
        raise web.HTTPNotFound


def _told(message: Message) -> dict[str, Any]:
    return asdict(message)


def _told_view(view: View) -> dict[str, Any]:
    return {"id": view.id, "content": view.content, "errors": view.errors}


async def _index(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


@web.middleware
async def _only_this_machine(request: web.Request, handler: Any) -> web.StreamResponse:
    """No other site may use the page through somebody's browser: the host must be ours, and
    what changes something must be JSON, which a foreign page cannot send unasked."""
    if request.url.host not in OURSELVES:
        raise web.HTTPForbidden
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    response: web.StreamResponse = await handler(request)
    if not response.prepared:
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
    return response
