"""A bot in a process of its own that kills itself, really, at the await that it was told; or stands
still there, until it is thawed."""

import asyncio
import importlib
import logging
import multiprocessing
import os
import signal
import types
from collections.abc import Coroutine, Generator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

import structlog

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["bot.app"])
"""The program is loaded once; every bot is a fork of it, and starts in a tenth of a second."""


class MortalBot:
    """Starts and ends bots on the same variables. `kill_at` counts awaits from readiness on."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: ForkServerProcess | None = None
        self._line: Connection | None = None
        self._dead = asyncio.Event()
        self.deaths = 0

    async def start(
        self,
        kill_at: int | None = None,
        *,
        freeze: bool = False,
        sabotage: str = "",
        grace: float = 25,
        counted: bool = True,
    ) -> int:
        """Start a bot and wait until it is ready, or dead already; returns its port.

        With `freeze` it does not die but stand still. `sabotage` (`module:function`) is called in
        its process before; `grace` is how many seconds it takes to stop. One whose awaits are not
        `counted` is faster.
        """
        here, there = FORKS.Pipe()
        self._line = here
        self._process = FORKS.Process(
            target=_live,
            args=(
                self._environment,
                Life(kill_at, freeze=freeze) if counted else None,
                sabotage,
                grace,
                there,
            ),
            daemon=True,
        )
        await asyncio.to_thread(self._process.start)
        there.close()
        self._dead = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._note_death)
        with suppress(EOFError):
            return int(await asyncio.to_thread(here.recv))
        return 0

    @property
    def is_dead(self) -> bool:
        """Whether there is no bot any more."""
        return self._process is None or self._dead.is_set()

    async def died(self) -> None:
        """Wait for its end; one that was never started needs none."""
        if self._process:
            await self._dead.wait()
            self._process.join()

    def _note_death(self) -> None:
        assert self._process
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self.deaths += 1
        self._dead.set()

    def freeze(self) -> None:
        """Let it stand still, as a machine does that is overloaded or being moved."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if nothing had been."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        assert self._process.pid
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it at once, if it lives."""
        if self._process and self._process.is_alive():
            self._process.kill()

    async def stop(self) -> int:
        """Ask it to stop; returns how many awaits it lived through. One that stands still on its
        way out is thawed."""
        assert self._process
        assert self._line
        self._process.terminate()
        with suppress(EOFError):
            while not await asyncio.to_thread(self._line.poll, 0.5):
                if self._process.is_alive():
                    self.thaw()
            return int(self._line.recv())
        return 0


def _live(
    environment: dict[str, str], life: "Life | None", sabotage: str, grace: float, line: Connection
) -> None:
    if sabotage:
        module, _, function = sabotage.partition(":")
        getattr(importlib.import_module(module), function)()
    os.environ.clear()
    os.environ.update(environment)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(_run(environment, life, grace, line))


async def _run(
    environment: dict[str, str], life: "Life | None", grace: float, line: Connection
) -> None:
    from bot.app import Bot
    from bot.cli import calm_the_collector
    from bot.config.settings import load

    bot = Bot(*load(environment), retry_pause=0.02)
    await bot.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if life:
        loop.set_task_factory(life.task)
    calm_the_collector()
    line.send(bot.http.port)
    await stop.wait()
    await bot.stop(grace)
    line.send(life.awaits if life else 0)


class Life:
    """Counts every await of every task, and ends the process at the one that was told."""

    def __init__(self, kill_at: int | None, *, freeze: bool = False) -> None:
        self.awaits = 0
        self._kill_at = kill_at
        self._signal = signal.SIGSTOP if freeze else signal.SIGKILL

    def task(self, loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        """A task whose awaits are counted."""
        return asyncio.Task(_as_coroutine(self._counted(work)), loop=loop, **more)

    def _tick(self) -> None:
        if self.awaits == self._kill_at:
            os.kill(os.getpid(), self._signal)
        self.awaits += 1

    @types.coroutine
    def _counted(self, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Drive `work` as the loop would, with a tick before every part of it."""
        send, value = work.send, None
        while True:
            self._tick()
            try:
                waits_for = send(value)
            except StopIteration as ended:
                return ended.value
            try:
                send, value = work.send, (yield waits_for)
            except BaseException as thrown:
                send, value = work.throw, thrown


async def _as_coroutine(work: Any) -> Any:
    return await work
