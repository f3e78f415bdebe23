"""How payloads reach the app: over Socket Mode, or by calls to its address.

https://docs.slack.dev/apis/events-api/using-socket-mode
https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import hashlib
import hmac
import json
import random
import secrets
import time
from collections import deque
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from bot.sandbox.slack.interactions import new_envelope_id
from bot.sandbox.slack.payloads import Payload
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.traffic import Exchange, Traffic

ACK_WITHIN = 3.0
MOST_CONNECTIONS = 10
EVENT_PAUSES = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))
"""So long after its first time an event comes again that was not acknowledged."""

LOOK_EVERY = 0.05
"""Seconds between two looks at a clock that can be moved."""


class Outcome(NamedTuple):
    """What came of one delivery: the acknowledgement, or why there was none."""

    ack: Payload | None
    status: int | str
    reason: str = ""
    again: bool = True


class Delivery:
    """The ways to the app. With a `request_url` HTTP is taken, otherwise any open socket."""

    def __init__(self, workspace: Workspace, traffic: Traffic) -> None:
        self._workspace = workspace
        self._traffic = traffic
        self.request_url: str | None = None
        self.deliveries = 1
        """How often every payload is delivered; the person sees the first acknowledgement."""
        self.held_up: deque[float] = deque()
        """Seconds that the next payloads are held up, one each; those behind overtake them."""
        self.ack_within = ACK_WITHIN
        self.socket_mode = True
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[Payload]] = {}
        self._telling: set[asyncio.Task[bool]] = set()

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)

    async def stop(self) -> None:
        """Close all connections, and give up what was to come again."""
        for task in list(self._telling):
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)
        for socket in list(self._sockets):
            await socket.close()

    async def deliver(self, kind: str, payload: Payload) -> Payload | None:
        """Bring a payload to the app, as often as `deliveries` says."""
        if self.held_up:
            await asyncio.sleep(self.held_up.popleft())
        first, *_again = await asyncio.gather(
            *(self._attempt(kind, payload) for _ in range(self.deliveries))
        )
        return first.ack

    def tell(self, kind: str, payload: Payload) -> asyncio.Task[bool]:
        """Bring something that nobody waits for; an event until it is acknowledged."""
        task = asyncio.create_task(self._tell(kind, payload), name=f"delivering {kind}")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return task

    async def _tell(self, kind: str, payload: Payload) -> bool:
        if kind != "events_api":
            return await self.deliver(kind, payload) is not None
        begun = self._workspace.clock()
        outcome = await self._attempt(kind, payload)
        for number, pause in enumerate(EVENT_PAUSES, start=1):
            if outcome.ack is not None or not outcome.again:
                break
            while self._workspace.clock() < begun + pause:  # noqa: ASYNC110 - a clock that moves tells nobody
                await asyncio.sleep(LOOK_EVERY)
            outcome = await self._attempt(kind, payload, number, outcome.reason)
        return outcome.ack is not None

    async def _attempt(
        self, kind: str, payload: Payload, retry: int = 0, reason: str = ""
    ) -> Outcome:
        exchange = self._traffic.begins(
            "payload", _name(kind, payload), sent=payload, url=self.request_url or "Socket Mode"
        )
        send = self._by_http if self.request_url else self._by_socket
        try:
            outcome = await send(kind, payload, (retry, reason), exchange)
        except BaseException:
            self._traffic.ends(exchange, status="cancelled", failed=True)
            raise
        lost = outcome.ack is None
        self._traffic.ends(exchange, status=outcome.status, answered=outcome.ack, failed=lost)
        return outcome

    async def _by_socket(
        self, kind: str, payload: Payload, retry: tuple[int, str], exchange: Exchange
    ) -> Outcome:
        """To any one of the open connections, as Slack does."""
        if not self._sockets:
            return Outcome(None, "no connection", "connection_failed")
        envelope: Payload = {
            "envelope_id": new_envelope_id(),
            "type": kind,
            "accepts_response_payload": kind != "events_api",
            "payload": payload,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry[0], "retry_reason": retry[1]}
        exchange.more["envelope"] = {k: v for k, v in envelope.items() if k != "payload"}
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = answer
        try:
            await random.choice(self._sockets).send_json(envelope)  # noqa: S311 - no secret
            return Outcome(await asyncio.wait_for(answer, self.ack_within), "acknowledged")
        except TimeoutError:
            return Outcome(None, "not acknowledged", "timeout")
        except ConnectionError:
            return Outcome(None, "connection lost", "connection_failed")
        finally:
            self._waiting.pop(envelope["envelope_id"], None)

    async def _by_http(
        self, kind: str, payload: Payload, retry: tuple[int, str], exchange: Exchange
    ) -> Outcome:
        content_type, body = _body(kind, payload)
        headers = self._signed(body, content_type)
        if retry[0]:
            headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
        exchange.headers.update(headers)
        exchange.more["body"] = body
        try:
            status, content, answered = await self._post(body, headers)
        except TimeoutError:
            return Outcome(None, "not acknowledged", "http_timeout")
        except aiohttp.ClientError:
            return Outcome(None, "no connection", "connection_failed")
        if status != 200:
            again = answered.get("x-slack-no-retry") != "1"
            return Outcome(None, status, "http_error", again)
        return Outcome(json.loads(content) if content.startswith(b"{") else {}, status)

    async def _post(self, body: str, headers: dict[str, str]) -> tuple[int, bytes, Any]:
        timeout = aiohttp.ClientTimeout(total=self.ack_within)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(str(self.request_url), data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.read(), answer.headers

    def _signed(self, body: str, content_type: str) -> dict[str, str]:
        stamp = str(int(time.time()))
        return {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self._workspace.signing_secret, stamp, body),
        }

    async def verify_address(self) -> bool:
        """Whether the app answers as Slack wants it when its address is entered."""
        challenge = secrets.token_hex(8)
        body = json.dumps({"token": "deprecated", "challenge": challenge, "type": VERIFICATION})
        status, content, _ = await self._post(body, self._signed(body, "application/json"))
        if status != 200:
            return False
        told = json.loads(content) if content.startswith(b"{") else content.decode()
        return bool(challenge in (told, told.get("challenge") if isinstance(told, dict) else None))

    async def check_certificate(self) -> int:
        """The status with which the app answers Slack's `ssl_check`, which is not signed."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, _ = await self._post(
            urlencode({"ssl_check": "1", "token": "deprecated"}), headers
        )
        return status

    def new_ticket(self) -> str:
        """The name of a connection to come: good once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Close every connection, as Slack does from time to time: `warning` says that it will,
        `refresh_requested` does it, `link_disabled` does it when Socket Mode is switched off."""
        sockets = list(self._sockets)
        for socket in sockets:
            told = {"type": "disconnect", "reason": reason, "debug_info": {"host": "practice"}}
            await socket.send_json(told)
        if reason == "link_disabled":
            self.socket_mode = False
        if reason != "warning":
            await asyncio.gather(*(socket.close() for socket in sockets))

    async def link(self, request: web.Request) -> web.StreamResponse:
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
                "connection_info": {"app_id": self._workspace.app_id},
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


VERIFICATION = "url_verification"


def signature(secret: str, stamp: str, body: str) -> str:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
    return f"v0={digest.hexdigest()}"


def _body(kind: str, payload: Payload) -> tuple[str, str]:
    """Content type and body: a form for a command, JSON for an event, JSON in a form otherwise."""
    if kind == "events_api":
        return "application/json", json.dumps(payload)
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return "application/x-www-form-urlencoded", urlencode(form)


def _name(kind: str, payload: Payload) -> str:
    """What a person would call it: the command, the button, the form."""
    if kind == "slash_commands":
        return f"{payload['command']} {payload['text']}".strip()
    if kind == "events_api":
        return str(payload["event"]["type"])
    about = payload.get("callback_id") or payload.get("view", {}).get("callback_id") or ""
    if actions := payload.get("actions"):
        about = actions[0]["action_id"]
    return f"{payload['type']} {payload.get('action_id', about)}".strip()
