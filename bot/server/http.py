"""The bot's own HTTP server: health and figures for whoever watches it, and in HTTP mode Slack's
calls.

Whatever comes in is doubted before Bolt sees it: who takes too long is dropped, what is too long is
not read, and of what is not signed by Slack only the size is logged.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier
from yarl import URL

from bot.telemetry import metrics

log = structlog.get_logger()

LARGEST_BODY = 1024 * 1024
"""Bytes. Slack's payloads stay far below."""

PATIENCE = 10.0
"""Seconds that somebody may take to send a request, and a connection may stay idle."""

NO_DELIVERY = (ValueError, TypeError, AttributeError, RecursionError)
"""What is raised over something that is Slack's, and still nothing that anybody can read."""

OK = "ok"
"""What is said of a part that is as it must be."""


class HttpServer:
    """Serves `/healthz`, `/readyz`, `/metrics` and, given a `slack` app and the secret that Slack
    signs with, `/slack/events`. `parts` says how each part of the bot is; `measure` brings the
    figures up to date."""

    def __init__(
        self,
        address: tuple[str, int],
        parts: Callable[[], Awaitable[Mapping[str, str]]],
        measure: Callable[[], Awaitable[None]],
        slack: tuple[AsyncApp, str] | None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._address = address
        self._parts = parts
        self._measure = measure
        self._slack = slack[0] if slack else None
        self._signature = SignatureVerifier(slack[1]) if slack else None
        self._patience = patience
        self._runner: web.AppRunner | None = None
        self.port = address[1]

    async def start(self) -> None:
        """Listen. With port 0 the one that was found is in `port`. Raises OSError."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._readiness)
        app.router.add_get("/metrics", self._metrics)
        if self._slack:
            app.router.add_post("/slack/events", self._events)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=self._patience,
            lingering_time=self._patience,
            auto_decompress=False,  # Slack packs nothing, and others would fail before any doubt
        )
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
        parts = dict(await self._parts())
        ready = all(each == OK for each in parts.values())
        said = {"status": "ready" if ready else "not ready", "parts": parts}
        return web.json_response(said, status=200 if ready else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        await self._measure()
        return web.Response(body=metrics.text(), headers={"Content-Type": metrics.TEXT})

    async def _events(self, request: web.Request) -> web.Response:
        """Slack's calls."""
        try:
            async with asyncio.timeout(self._patience):
                body = await request.read()
        except TimeoutError:
            log.warning("http.too_slow")
            refused = web.Response(status=408)
            refused.force_close()
            return refused
        if b"ssl_check=1" in body.split(b"&"):  # Slack looks at our certificate, without signing
            return web.Response()
        if not self._is_slacks(request, body):
            metrics.BAD_SIGNATURES.inc()
            log.warning("http.bad_signature", bytes=len(body))
            return web.Response(status=401)
        assert self._slack is not None  # noqa: S101 - the route exists only with it
        try:
            # To Bolt it is like a delivery over a socket: read already, and not to be doubted
            # again. It gets no headers, which nobody has signed.
            delivery = AsyncBoltRequest(body=read(body), mode="socket_mode")
        except NO_DELIVERY:
            log.error("http.unreadable", bytes=len(body))
            return web.Response(status=400)
        answer = await self._slack.async_dispatch(delivery)
        kind = "application/json" if answer.body.startswith("{") else "text/plain"
        return web.Response(status=answer.status, text=answer.body, content_type=kind)

    def _is_slacks(self, request: web.Request, body: bytes) -> bool:
        """Whether Slack has signed it in the last five minutes."""
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12 and signature.isascii()):
            return False
        assert self._signature is not None  # noqa: S101 - as above
        try:
            return self._signature.is_valid(body, stamp, signature)
        except UnicodeDecodeError:  # Slack sends no such body
            return False


def read(body: bytes) -> dict[str, Any]:
    """What Slack has sent: fields of a form, of which one can hold all in JSON, or JSON itself.
    Raises ValueError.

    By yarl, because the form of a click is long: `urllib` takes more time for it than Bolt for all
    the rest.
    """
    text = body.decode()
    if text.startswith("{"):
        return _as_object(text)
    fields = dict(URL.build(query_string=text, encoded=True).query)
    return _as_object(fields["payload"]) if "payload" in fields else fields


def _as_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
