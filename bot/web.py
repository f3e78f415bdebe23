"""The bot's own HTTP server: health for whoever watches it, and in HTTP mode Slack's calls."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

LARGEST_BODY = 1024 * 1024
"""Bytes. Slack's payloads stay far below."""


class Web:
    """Serves `/healthz`, `/readyz` and, given a `slack` app, `/slack/events`."""

    def __init__(
        self, address: tuple[str, int], ready: Callable[[], Awaitable[bool]], slack: AsyncApp | None
    ) -> None:
        self._address = address
        self._ready = ready
        self._slack = slack
        self._runner: web.AppRunner | None = None
        self.port = address[1]

    async def start(self) -> None:
        """Listen. With port 0 the one that was found is in `port`. Raises OSError."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._readiness)
        if self._slack:
            app.router.add_post("/slack/events", self._events)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, *self._address).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readiness(self, _request: web.Request) -> web.Response:
        ready = await self._ready()
        status = 200 if ready else 503
        return web.json_response({"status": "ready" if ready else "not ready"}, status=status)

    async def _events(self, request: web.Request) -> web.Response:
        """Slack's calls. Bolt verifies the signature; it fails on a timestamp that is no number."""
        if not request.headers.get("X-Slack-Request-Timestamp", "").isdecimal():
            return web.Response(status=401)
        assert self._slack is not None  # noqa: S101 - the route exists only with it
        try:
            bolt_request = await to_bolt_request(request)
        except ValueError:  # Bolt parses the body before it looks at the signature
            return web.Response(status=400)
        return await to_aiohttp_response(await self._slack.async_dispatch(bolt_request))
