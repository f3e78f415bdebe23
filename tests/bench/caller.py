"""Whoever calls an app over HTTP: raw connections that are kept open, and bytes made beforehand.

A client library would take longer for a call than the bot does, and the figure would be of the
library. Each call is stamped where it is written and where its answer is whole, so that what this
process does in between is not in it.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter
from typing import cast

from bot.sandbox.slack.server import signature

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
GOOD = b"200"
TIMED_OUT = 60.0

SETTLED_AFTER = 0.05
"""Seconds in which an app has taken new connections. Slack's are kept open, too."""


class NotAcknowledged(Exception):
    """The app answered with another status, or hung up: there is no figure of that."""


def signed(secret: str, body: str, kind: str = "application/x-www-form-urlencoded") -> bytes:
    """One of Slack's calls, as bytes, signed now: an app takes it for five minutes."""
    stamp = str(int(time.time()))
    head = (
        "POST /slack/events HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {kind}",
        f"X-Slack-Request-Timestamp: {stamp}",
        f"X-Slack-Signature: {signature(secret, stamp, body)}",
        f"Content-Length: {len(body.encode())}",
    )
    return "\r\n".join((*head, "", body)).encode()


class Connection(asyncio.Protocol):
    """One connection that makes one call after the other: `go`, and then look at `took`."""

    def __init__(self) -> None:
        self.took: list[float] = []
        """Seconds from each call to its whole answer."""
        self._transport: asyncio.Transport
        self._answer = b""
        self._began = 0.0
        self._calls: Iterator[bytes] = iter(())
        self._done: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's."""
        self._fail(f"the connection was closed: {exc}")

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        self._answer += data
        end = self._answer.find(END_OF_HEAD)
        if end < 0 or len(self._answer) < end + len(END_OF_HEAD) + self._length(end):
            return
        self.took.append(perf_counter() - self._began)
        status, self._answer = self._answer[9:12], b""
        if status != GOOD:
            self._fail(f"the status is {status.decode()}")
            return
        self._next()

    def go(self, calls: Iterator[bytes]) -> "asyncio.Future[None]":
        """Make calls until there are none left. Several connections may share them."""
        self._done = asyncio.get_running_loop().create_future()
        self._calls = calls
        self._next()
        return self._done

    def close(self) -> None:
        """Hang up."""
        self._done = None
        self._transport.close()

    def _next(self) -> None:
        call = next(self._calls, None)
        if call is None:
            if self._done and not self._done.done():
                self._done.set_result(None)
            return
        self._began = perf_counter()
        self._transport.write(call)

    def _length(self, end: int) -> int:
        head = self._answer[:end].lower()
        at = head.find(LENGTH)
        return int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0

    def _fail(self, why: str) -> None:
        if self._done and not self._done.done():
            self._done.set_exception(NotAcknowledged(why))


@asynccontextmanager
async def connected(count: int, *ports: int) -> AsyncIterator[list[Connection]]:
    """So many connections to an app on this machine, or to its replicas in turns."""
    loop = asyncio.get_running_loop()
    made: list[Connection] = []
    try:
        for number in range(count):
            port = ports[number % len(ports)]
            _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
            made.append(connection)
        await asyncio.sleep(SETTLED_AFTER)
        yield made
    finally:
        for connection in made:
            connection.close()


async def make(connection: Connection, call: bytes) -> None:
    """One call, until it is answered."""
    await asyncio.wait_for(connection.go(iter([call])), TIMED_OUT)


async def one_by_one(port: int, calls: Iterable[bytes], pause: float = 0) -> list[float]:
    """Seconds of each call, one after the other, with a pause in which the app does what it does
    behind an acknowledgement."""
    async with connected(1, port) as (connection,):
        for call in calls:
            with undisturbed():
                await make(connection, call)
            await asyncio.sleep(pause)
        return connection.took


async def at_once(calls: Iterable[bytes], how_many: int, *ports: int) -> tuple[list[float], float]:
    """Seconds of each call, and of all of them, when so many are always under way."""
    async with connected(how_many, *ports) as connections:
        shared = iter(calls)
        with undisturbed():
            began = perf_counter()
            going = asyncio.gather(*(each.go(shared) for each in connections))
            await asyncio.wait_for(going, TIMED_OUT)
            whole = perf_counter() - began
        return [took for each in connections for took in each.took], whole


def lasting(seconds: float, calls: Iterable[bytes]) -> Iterator[bytes]:
    """As many of the calls as are made in so many seconds."""
    ends = perf_counter() + seconds
    for call in calls:
        if perf_counter() >= ends:
            return
        yield call


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without this process's own collections of garbage, which are none of the app's."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
