"""The programs that are measured: the bot as an operator starts it, and the stock apps, each in a
process of its own.

What they say is thrown away, as reading it would take this process's time. So they are given a
port that was free a moment ago, and are asked on it whether they are ready.
"""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bot.sandbox.practice import Practice

BOT = ("-m", "bot", "run")
STOCK = ("-m", "tests.bench.stock")
READY_WITHIN = 120.0
LOOK_EVERY = 0.005


@dataclass(frozen=True)
class Program:
    """A running one. `started_in`: seconds from its start until it was ready."""

    process: Process
    port: int
    started_in: float

    @property
    def megabytes(self) -> float:
        """The memory that it holds just now."""
        statm = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def kill(self) -> None:
        """End it at once."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


def environment(practice: Practice, **more: str) -> dict[str, str]:
    """All that a program knows: where the practice workspace is."""
    trust = practice.partner_center.write_certificate(practice.folder)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "SSL_CERT_FILE": str(trust),
        "UPGRADE_BOT_LOG": "json",
        **practice.environment(),
        **more,
    }


@asynccontextmanager
async def bot(practice: Practice, **more: str) -> AsyncIterator[Program]:
    """The bot on a practice workspace, and with `more` variables; killed at the end."""
    started = await _start(BOT, environment(practice, **more), says_ready)
    practice.slack.request_url = events_of(started.port) if practice.http_mode else None
    try:
        yield started
    finally:
        await started.kill()


@asynccontextmanager
async def together(
    *starting: AbstractAsyncContextManager[Program],
) -> AsyncIterator[list[Program]]:
    """Several, started at once."""
    async with AsyncExitStack() as stack:
        yield await asyncio.gather(*(stack.enter_async_context(each) for each in starting))


@asynccontextmanager
async def stock(practice: Practice) -> AsyncIterator[Program]:
    """The stock app on a practice workspace, in its mode; killed at the end."""

    async def is_linked(_port: int) -> bool:
        return practice.slack.delivery.connections > 0

    how, is_ready = ("http", listens) if practice.http_mode else ("socket", is_linked)
    started = await _start((*STOCK, how), environment(practice), is_ready)
    try:
        yield started
    finally:
        await started.kill()


def events_of(port: int) -> str:
    """Where Slack calls an app."""
    return f"http://127.0.0.1:{port}/slack/events"


async def _start(
    what: tuple[str, ...],
    variables: dict[str, str],
    is_ready: Callable[[int], Awaitable[bool]],
) -> Program:
    """Start it and wait until it is ready. Raises RuntimeError when it never is."""
    port = free_port()
    variables["UPGRADE_BOT_HTTP"] = f"127.0.0.1:{port}"
    began = perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, *what, env=variables, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        while process.returncode is None and perf_counter() - began < READY_WITHIN:
            if await is_ready(port):
                return Program(process, port, perf_counter() - began)
            await asyncio.sleep(LOOK_EVERY)
        raise RuntimeError(f"{' '.join(what)} never got ready")
    except BaseException:
        if process.returncode is None:
            process.kill()
        raise


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def listens(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def says_ready(port: int) -> bool:
    """Whether the bot there says of itself that it is ready."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
