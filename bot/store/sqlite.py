"""The rows in a file, for one bot: nothing to install, durable after every commit."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.store.database import T, Work, migrate
from bot.store.queue import Queue

End = Callable[[asyncio.Future[Any]], None]
"""Tells whoever waits for it how some work ended."""


class Sqlite:
    """One writer in a thread of its own, because SQLite has only one, and one reader beside it:
    more threads would only take Python's time from each other.

    A whole transaction is one visit to the thread; a driver that visits it for every statement
    costs three times as much. What waits for the writer together is committed together, so that
    many clicks at once wait for one sync of the disk and not for one each.
    """

    is_shared = False

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._reader = ThreadPoolExecutor(1, "store-reader")
        self._waiting: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None
        self.queue = Queue()

    @classmethod
    async def open(
        cls, path: Path, clock: Callable[[], datetime], *, only_if_new: bool = False
    ) -> "Sqlite":
        """Open the file, or make it, and `migrate` it. Raises OSError, SQLAlchemyError and
        NewerTables."""
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(f"sqlite:///{path}")
        sa.event.listen(engine, "connect", _prepare)
        sa.event.listen(engine, "begin", _begin)
        database = cls(engine, clock)
        try:
            await database.write(partial(migrate, only_if_new=only_if_new))
        except BaseException:
            await database.close()
            raise
        return database

    def now(self, connection: sa.Connection) -> datetime:  # noqa: ARG002 - the other one asks it
        """The clock of the process: there is no other."""
        return self._clock()

    async def read(self, work: Work[T]) -> T:
        """Run `work` beside the writer, on what was committed last."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, self._transaction, "DEFERRED", work)

    async def write(self, work: Work[T], attend: Sequence[str] = ()) -> T:
        """Run `work` as if alone. What is left undone in the queue is found in the rows."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_what_waits(), name="writing")
        await done
        await self.queue.put(attend)
        return done.result()

    async def _write_what_waits(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                works = [work for work, _ in group]
                ends = await loop.run_in_executor(self._writer, self._together, works)
                for (_, done), end in zip(group, ends, strict=True):
                    if not done.done():
                        end(done)
        finally:
            self._writing = None

    async def close(self) -> None:
        """Wait for both threads."""
        if self._writing:
            await asyncio.wait({self._writing})
        await asyncio.to_thread(self._end)

    def _transaction(self, kind: str, work: Work[T]) -> T:
        with self._engine.connect() as connection:
            connection.execution_options(sqlite_begin=kind)
            with connection.begin():
                return work(connection)

    def _together(self, works: list[Work[Any]]) -> list[End]:
        """One transaction for all, in which each is whole or not at all; how each ended."""
        if len(works) == 1:
            return [self._ended(partial(self._transaction, "IMMEDIATE"), works[0])]

        def each(connection: sa.Connection) -> list[End]:
            return [self._ended(partial(_inside, connection), work) for work in works]

        try:
            return self._transaction("IMMEDIATE", each)
        except Exception as error:  # not one of them: the transaction itself
            return [methodcaller("set_exception", error)] * len(works)

    def _ended(self, run: Callable[[Work[Any]], Any], work: Work[Any]) -> End:
        try:
            return methodcaller("set_result", run(work))
        except Exception as error:  # whoever waits for it is told
            return methodcaller("set_exception", error)

    def _end(self) -> None:
        self._writer.shutdown()
        self._reader.shutdown()
        self._engine.dispose()


def _inside(connection: sa.Connection, work: Work[T]) -> T:
    with connection.begin_nested():
        return work(connection)


def _prepare(connection: Any, _record: Any) -> None:
    """Durable after every commit, readers beside the writer, transactions as we say, and what is
    forgotten is overwritten."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")
