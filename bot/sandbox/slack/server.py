"""The practice Slack on HTTP: Web API, response URLs, and Socket Mode; or calls to the app.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import hashlib
import hmac
import json
import random
import secrets
import time
from collections import deque
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.interactions import Interactions, Payload, new_envelope_id
from bot.sandbox.slack.web_api import Trouble, WebApi
from bot.sandbox.slack.workspace import (
    RESPONSE_URL_LASTS,
    RESPONSE_URL_USES,
    ResponseUrl,
    Workspace,
)

ACK_WITHIN = 3.0
MOST_CONNECTIONS = 10


class SlackServer:
    """Serves one workspace on loopback. After `start`, `api_url` is its Web API."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.api = WebApi(workspace, self._new_address)
        self.request_url: str | None = None
        """Where the app listens in HTTP mode; None for Socket Mode."""
        self.deliveries = 1
        """How often every payload is delivered; the person sees the first acknowledgement."""
        self.interactions: Interactions
        self.api_url = ""
        self._base = ""
        self._runner: web.AppRunner | None = None
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[Payload]] = {}

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link", self._link)
        app.router.add_post("/response/{secret}", self._response)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.api_url = f"{self._base}/api"
        self.interactions = Interactions(self.workspace, self, self._base)

    async def stop(self) -> None:
        """Close all connections."""
        for socket in list(self._sockets):
            await socket.close()
        if self._runner:
            await self._runner.cleanup()

    def trouble(self, method: str, trouble: Trouble) -> None:
        """Let the next call of a Web API method go wrong."""
        self.api.troubles.setdefault(method, deque()).append(trouble)

    async def deliver(self, kind: str, payload: Payload) -> Payload | None:
        """Bring a payload to the app, as often as `deliveries` says."""
        send = self._deliver_http if self.request_url else self._deliver_socket
        first, *_again = await asyncio.gather(
            *(send(kind, payload) for _ in range(self.deliveries))
        )
        return first

    async def _deliver_socket(self, kind: str, payload: Payload) -> Payload | None:
        """To any one of the open connections, as Slack does."""
        if not self._sockets:
            return None
        envelope_id = new_envelope_id()
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "accepts_response_payload": True,
            "payload": payload,
        }
        try:
            await random.choice(self._sockets).send_json(envelope)  # noqa: S311 - no secret
            return await asyncio.wait_for(answer, ACK_WITHIN)
        except (TimeoutError, ConnectionError):
            return None
        finally:
            self._waiting.pop(envelope_id, None)

    async def _deliver_http(self, kind: str, payload: Payload) -> Payload | None:
        form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        body = urlencode(form)
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self.workspace.signing_secret, stamp, body),
        }
        timeout = aiohttp.ClientTimeout(total=ACK_WITHIN)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(str(self.request_url), data=body, headers=headers) as answer,
            ):
                content = await answer.read()
                if answer.status != 200:
                    return None
                return json.loads(content) if content.startswith(b"{") else {}
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        try:
            arguments = await _arguments(request)
        except ConnectionError:  # the app died in the middle of its call: there is no call
            return web.Response(status=400)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = token or str(arguments.pop("token", ""))
        trouble = self._next_trouble(method)
        if trouble and not trouble.after:
            return _troubled(trouble)
        answer = self.api.call(method, token, arguments)
        if trouble:
            return _troubled(trouble)
        scopes = ",".join(sorted(self.workspace.scopes))
        headers = {"x-oauth-scopes": scopes} if token == self.workspace.bot_token else {}
        return web.json_response(answer, headers=headers)

    def _next_trouble(self, method: str) -> Trouble | None:
        waiting = self.api.troubles.get(method)
        return waiting.popleft() if waiting else None

    def _new_address(self) -> str:
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return f"{self._base.replace('http', 'ws')}/link?ticket={ticket}"

    async def _link(self, request: web.Request) -> web.StreamResponse:
        """Socket Mode: a ticket is good once."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404)
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._sockets) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            return socket
        self._sockets.append(socket)
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self._sockets),
                "connection_info": {"app_id": self.workspace.app_id},
                "debug_info": {"host": "practice", "approximate_connection_time": 3600},
            }
        )
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledged(json.loads(frame.data))
        finally:
            self._sockets.remove(socket)
        return socket

    def _acknowledged(self, answer: Payload) -> None:
        waiting = self._waiting.get(answer.get("envelope_id", ""))
        if waiting and not waiting.done():
            waiting.set_result(answer.get("payload") or {})

    async def _response(self, request: web.Request) -> web.Response:
        """A response URL: five uses within thirty minutes."""
        there = self.workspace.response_urls.get(request.match_info["secret"])
        if there is None:
            return web.Response(status=404, text="no_such_url")
        if self.workspace.clock() - there.issued_at > RESPONSE_URL_LASTS:
            return web.Response(status=404, text="expired_url")
        if there.uses >= RESPONSE_URL_USES:
            return web.Response(status=404, text="used_url")
        content = await request.json()
        blocks = content.get("blocks")
        if blocks is not None and block_kit.message_problems(blocks):
            return web.Response(status=400, text="invalid_blocks")
        if blocks is not None and block_kit.text_size(blocks) > block_kit.ALL_TEXT:
            return web.Response(status=400, text="msg_blocks_too_long")
        there.uses += 1
        self._respond(there, content)
        return web.Response(text="ok")

    def _respond(self, there: ResponseUrl, content: dict[str, Any]) -> None:
        original = self.workspace.find(there.channel, there.message_ts or "")
        if content.get("delete_original") and original:
            self.workspace.delete(original)
        elif content.get("replace_original") and original:
            self.workspace.edit(original, content.get("text", ""), content.get("blocks"))
        else:
            in_channel = content.get("response_type") == "in_channel"
            self.workspace.post(
                there.channel,
                self.workspace.bot.id,
                content.get("text", ""),
                content.get("blocks"),
                content.get("thread_ts"),
                only_for=None if in_channel else there.user,
            )


def signature(secret: str, stamp: str, body: str) -> str:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
    return f"v0={digest.hexdigest()}"


async def _arguments(request: web.Request) -> dict[str, Any]:
    """Slack takes arguments in the query, in a form, and as JSON."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        arguments |= await request.json() if request.can_read_body else {}
    elif request.can_read_body:
        arguments |= dict(await request.post())
    return arguments


def _troubled(trouble: Trouble) -> web.Response:
    headers = {"Retry-After": str(trouble.retry_after)} if trouble.retry_after else {}
    answer = {"ok": False, "error": trouble.error or "internal_error"}
    return web.json_response(answer, status=trouble.status, headers=headers)
