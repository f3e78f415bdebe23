"""The connections to Slack in Socket Mode, and a watch over them.

There are several, because Slack takes each down every few hours, and gives each delivery to any one
of them. The SDK connects anew by itself, but it tries a one-time address for ever when its first
use failed, and can believe in a connection that is none. So whoever was not heard of since it was
connected gets a new address, and after a while is made anew.
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.telemetry import metrics

log = structlog.get_logger()

WATCH_EVERY = 15.0
"""Seconds between two looks at each connection."""

PATIENCE = 4
"""Looks in a row that find no connection, until it is made anew."""


def _only_a_warning(record: logging.LogRecord) -> bool:
    """A connection that breaks is no mistake of ours, and is made again."""
    if record.levelno >= logging.ERROR:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


_sdk = logging.getLogger("slack_sdk.socket_mode")
_sdk.setLevel(logging.WARNING)
_sdk.addFilter(_only_a_warning)


class Socket:
    """One connection."""

    def __init__(self, app: AsyncApp, token: str, ping_every: float) -> None:
        self._handler = AsyncSocketModeHandler(app, token, logger=_sdk, ping_interval=ping_every)
        self._client = self._handler.client
        self._client.on_message_listeners.append(self._hear)
        self._heard: object | None = None
        self.missed = 0
        """Looks in a row that found it not connected."""

    async def connect(self) -> None:
        """Return once it is connected, however long that takes."""
        await self._handler.connect_async()  # type: ignore[no-untyped-call]

    async def is_connected(self) -> bool:
        """Whether it is there, and Slack has said hello on it."""
        session = self._client.current_session
        there = session is not None and self._heard is session
        return there and await self._client.is_connected()

    def forget_address(self) -> None:
        """Have the SDK ask Slack for another address before it tries again."""
        self._client.wss_uri = None

    async def close(self) -> None:
        """For good."""
        await self._handler.close_async()  # type: ignore[no-untyped-call]

    async def _hear(self, _message: object) -> None:
        self._heard = self._client.current_session


class SocketMode:
    """`connect` them, and they stay; `close` them at the end. `ping_every` and `watch_every` are in
    seconds."""

    def __init__(
        self,
        app: AsyncApp,
        token: str,
        count: int,
        *,
        ping_every: float = 5,
        watch_every: float = WATCH_EVERY,
    ) -> None:
        self._app = app
        self._token = token
        self._ping_every = ping_every
        self._watch_every = watch_every
        self._sockets = [self._new() for _ in range(count)]
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        """Return once the first is connected; the others follow."""
        connecting = [self._start(socket.connect()) for socket in self._sockets]
        self._start(self._watch())
        await asyncio.wait(connecting, return_when=asyncio.FIRST_COMPLETED)

    async def connected(self) -> int:
        """How many there are just now."""
        return sum([await socket.is_connected() for socket in self._sockets])

    async def close(self) -> None:
        """Take no more deliveries."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(socket.close() for socket in self._sockets))

    def _new(self) -> Socket:
        return Socket(self._app, self._token, self._ping_every)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("socket_mode.failed", exc_info=error)

    async def _watch(self) -> None:
        while True:
            jitter = 0.75 + secrets.randbelow(500) / 1000  # not all bots at once after an outage
            await asyncio.sleep(self._watch_every * jitter)
            for number, socket in enumerate(self._sockets):
                if await socket.is_connected():
                    socket.missed = 0
                    continue
                socket.missed += 1
                log.warning("socket_mode.not_connected", missed=socket.missed)
                socket.forget_address()
                if socket.missed >= PATIENCE:
                    self._sockets[number] = self._new()
                    metrics.RECONNECTIONS.inc()
                    self._start(self._sockets[number].connect())
                    await socket.close()
