"""Work that goes on after a click was acknowledged. No task dies unseen, none is lost at a stop,
and two that are about the same thing take turns."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any
from weakref import WeakValueDictionary

import structlog

log = structlog.get_logger()

PATIENCE = 0.25
"""Seconds that other work lets people go first. Somebody may wait for a form meanwhile, and one
click can wait two seconds for Slack."""

PAUSE = 0.003
"""Seconds without anybody waiting after which the rush is over: of many who click at once, each
waits for so short a time that there is a moment between two in which nobody does."""


MOST_LATER = 1000
"""Things that are left to do after a rush."""


class KeyedLock:
    """One at a time for each name: `async with turns[name]`."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __getitem__(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


class Rush:
    """People who wait for an acknowledgement go first: `with rush` while one does; `await
    rush.over()` before work that nobody waits for, or `rush.afterwards(…)` for what is short."""

    def __init__(self) -> None:
        self._waiting = 0
        self._over = asyncio.Event()
        self._over.set()
        self._last_left = 0.0
        self._looking: asyncio.TimerHandle | None = None
        self._later: list[tuple[Context, Callable[[], None]]] = []

    def __enter__(self) -> None:
        self._waiting += 1
        self._over.clear()

    def __exit__(self, *_: object) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._last_left = asyncio.get_running_loop().time()
            self._looking = self._looking or self._look_in(PAUSE)

    def _look_in(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._looking = None
        left = self._last_left + PAUSE - asyncio.get_running_loop().time()
        if self._waiting:
            return  # whoever leaves last looks again
        if left > 0:
            self._looking = self._look_in(left)
        else:
            self._over.set()
            self._do_what_is_later()

    def afterwards(self, do: Callable[[], None]) -> None:
        """Do it when the rush is over, in the context of now; or when very much is left to do."""
        self._later.append((copy_context(), do))
        if len(self._later) > MOST_LATER:
            self._do_what_is_later()

    def _do_what_is_later(self) -> None:
        later, self._later = self._later, []
        for context, do in later:
            try:
                context.run(do)
            except Exception:
                log.exception("tasks.not_done")

    async def over(self) -> None:
        """Wait until nobody waits, but not for long."""
        if not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._over.wait()


class Tasks:
    """Begins tasks when the `rush` is over, keeps them alive, reports the ones that fail, and waits
    for them at the end."""

    def __init__(self, rush: Rush) -> None:
        self._rush = rush
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run `work` soon, beside everything else."""
        task = asyncio.create_task(self._after_the_rush(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        task.add_done_callback(lambda _task: work.close())  # it may never have begun

    async def _after_the_rush(self, work: Coroutine[Any, Any, Any]) -> None:
        await self._rush.over()
        await work

    async def quiet(self) -> None:
        """Wait until nothing is running."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def drain(self, seconds: float) -> None:
        """Wait for what is running, at most so long; then cancel the rest."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while self._tasks and (left := ends - loop.time()) > 0:
            await asyncio.wait(set(self._tasks), timeout=left)  # what they begin is waited for, too
        await self.cancel()

    async def cancel(self) -> None:
        """End everything at once, as a crash would."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("tasks.task_died", task=task.get_name(), exc_info=error)
