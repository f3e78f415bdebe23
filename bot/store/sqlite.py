"""The rows in a file, for one bot: nothing to install, durable after every commit."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from bot.errors import Unavailable
from bot.store.database import NEWEST, T, Work, migrate, revision
from bot.store.queue import Queue
from bot.store.tables import UtcDateTime
from bot.telemetry import metrics

log = structlog.get_logger()

COPY_AFTER = 0.5
"""Seconds from a commit until it is looked whether there is enough to copy."""

ENOUGH = 4 * 1024 * 1024
"""Bytes of SQLite's log (the write-ahead log) from which on it is copied into the file."""

PAGE = 2048
"""Bytes. Where a vote does not fit into what is left of a page, SQLite moves the requests beside it
too. With its usual 4096 that was so for ordinary requests, of which two fill a page, and a vote
wrote thirty kilobytes; with half of that it was fourteen at most, with reasons of any length up to
1,500. A file keeps what it was made with."""

TOO_MUCH = 4 * ENOUGH // PAGE
"""Pages of the log from which on a commit copies what is left of it: while one commit follows the
other without a pause, whoever copies beside them never comes to the end."""

AWAY = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""What passes when somebody has seen to the disk, or lets go of the file:
https://sqlite.org/rescode.html"""

End = Callable[[asyncio.Future[Any]], None]
"""Tells whoever waits for it how some work ended."""


class Sqlite:
    """One writer in a thread of its own, because SQLite has only one, and one reader beside it:
    more threads would only take Python's time from each other."""

    is_shared = False

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._writer = _Lane(engine, "store-writer", "IMMEDIATE")
        self._reader = _Lane(engine, "store-reader", "DEFERRED")
        self._copier = ThreadPoolExecutor(1, "store-copier")
        self._copying: asyncio.Task[None] | None = None
        self.queue = Queue()

    @classmethod
    async def open(
        cls, path: Path, clock: Callable[[], datetime], *, only_if_new: bool = False
    ) -> "Sqlite":
        """Open the file, or make it, and `migrate` it. Raises OSError, SQLAlchemyError,
        Unavailable and NewerTables."""
        path.parent.mkdir(parents=True, exist_ok=True)
        database = cls(_engine(path), clock)
        try:
            if not only_if_new and await database._is_older():
                await database.close()
                await _if_it_can_be_used(asyncio.to_thread(_migrate_in_place, path))
                database = cls(_engine(path), clock)
            await database.write(partial(migrate, only_if_new=only_if_new))
        except BaseException:
            await database.close()
            raise
        return database

    async def _is_older(self) -> bool:
        return "" < await self.read(revision) < NEWEST

    def now(self, connection: sa.Connection) -> datetime:  # noqa: ARG002 - the other one asks it
        """The clock of the process: there is no other."""
        return self._clock()

    def now_column(self, *, ago: timedelta = timedelta()) -> sa.ColumnElement[datetime]:
        """It as a column."""
        return sa.literal(self._clock() - ago, UtcDateTime())

    async def time(self) -> datetime:
        """It without a visit to the file."""
        return self._clock()

    async def read(self, work: Work[T]) -> T:
        """Run `work` beside the writer, on what was committed last."""
        metrics.TRANSACTIONS.labels("read").inc()
        return await _if_it_can_be_used(self._reader.run(work))

    async def write(self, work: Work[T], attend: Sequence[str] = ()) -> T:
        """Run `work` as if alone. What is left undone in the queue is found in the rows."""
        metrics.TRANSACTIONS.labels("write").inc()
        result = await _if_it_can_be_used(self._writer.run(work))
        self.queue.put_soon(attend)
        if self._copying is None:
            self._copying = asyncio.create_task(self._copy_soon(), name="copying the log")
        return result

    async def execute(self, statement: sa.Executable) -> int:
        """Execute it as `write` does."""
        return await self.write(lambda connection: connection.execute(statement).rowcount)

    async def close(self) -> None:
        """Let what has begun come to its end."""
        if self._copying:
            self._copying.cancel()  # whoever closes the file last copies everything
        copied = asyncio.to_thread(self._copier.shutdown)
        await asyncio.gather(self._writer.close(), self._reader.close(), copied)
        self._engine.dispose()

    async def _copy_soon(self) -> None:
        """Every commit goes into a log, and from there into the file. SQLite would have one commit
        in a hundred do that, for ten milliseconds; this way nobody waits for it."""
        try:
            await asyncio.sleep(COPY_AFTER)
            await asyncio.get_running_loop().run_in_executor(self._copier, self._copy)
        except (sa.exc.DBAPIError, sqlite3.Error, OSError) as error:  # the next commit tries again
            log.warning("store.log_not_copied", trouble=str(error))
        finally:
            self._copying = None

    def _copy(self) -> None:
        """What is enough of it; beside the writer and the reader, which go on."""
        length = Path(f"{self._engine.url.database}-wal").stat().st_size
        if length > ENOUGH:
            with closing(self._engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")


async def _if_it_can_be_used(running: Awaitable[T]) -> T:
    """Raises Unavailable where it is the file or its disk, and not the work, that is the matter."""
    try:
        return await running
    except Unavailable as error:
        log.warning("store.unavailable", trouble=str(error))
        raise
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF not in AWAY:
            raise
        log.warning("store.unavailable", trouble=str(error.orig))
        raise Unavailable from error


class _Lane:
    """A thread through which transactions of one kind (SQLite's `BEGIN …`) go one after the other.

    A whole transaction is one visit to the thread; a driver that visits it for every statement
    costs three times as much. What waits together is one transaction, so that many clicks at once
    wait for one sync of the disk and not for one each.
    """

    def __init__(self, engine: sa.Engine, name: str, kind: str) -> None:
        self._engine = engine
        self._kind = kind
        self._thread = ThreadPoolExecutor(1, name)
        self._connection: sa.Connection | None = None
        self._waiting: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._running: asyncio.Task[None] | None = None

    async def run(self, work: Work[T]) -> T:
        """Run `work` in a transaction, whole or not at all. Whoever waits may be cancelled; what
        has begun comes to its end."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run_what_waits(), name="transactions")
        return await done

    async def close(self) -> None:
        """Wait for the thread."""
        if self._running:
            await asyncio.wait({self._running})
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._thread.shutdown()
        if self._connection:
            self._connection.close()

    async def _run_what_waits(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                works = [work for work, _ in group]
                try:
                    ends = await loop.run_in_executor(self._thread, self._together, works)
                except Exception as error:  # the thread has ended
                    ends = [methodcaller("set_exception", error)] * len(works)
                _tell([done for _, done in group], ends)
        finally:
            self._running = None

    def _together(self, works: list[Work[Any]]) -> list[End]:
        """One transaction for all, in which each is whole or not at all; how each ended.

        A savepoint for each costs as much as two statements, and hardly any fails; so they get one
        only when one has failed, and everything is done again.
        """
        try:
            try:
                return self._transaction(partial(_straight, works))
            except _OneFailed as failed:
                if len(works) == 1:
                    return [methodcaller("set_exception", failed.__cause__)]
                return self._transaction(partial(_each_apart, works))
        except Exception as error:  # not one of them: the transaction itself
            self._forget_connection()
            return [methodcaller("set_exception", error)] * len(works)

    def _transaction(self, work: Work[T]) -> T:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.execution_options(sqlite_begin=self._kind)
        with self._connection.begin():
            return work(self._connection)

    def _forget_connection(self) -> None:
        """Nobody knows in which state it is."""
        if self._connection:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _tell(waiting: list[asyncio.Future[Any]], ends: list[End]) -> None:
    """Tell everybody how theirs has ended; whatever happens, nobody waits for ever."""
    try:
        for done, end in zip(waiting, ends, strict=True):
            if not done.done():
                end(done)
    finally:
        for done in waiting:
            if not done.done():
                done.set_exception(RuntimeError("nobody knows how it ended"))


class _OneFailed(Exception):
    """Some work in a transaction has failed; the cause is why."""


def _straight(works: list[Work[Any]], connection: sa.Connection) -> list[End]:
    try:
        return [methodcaller("set_result", work(connection)) for work in works]
    except Exception as error:
        raise _OneFailed from error


def _each_apart(works: list[Work[Any]], connection: sa.Connection) -> list[End]:
    ends = []
    for work in works:
        ends.append(_apart(work, connection))
        if not _is_open(connection):
            raise Unavailable("SQLite has rolled back everything, and not only what failed")
    return ends


def _is_open(connection: sa.Connection) -> bool:
    """Where disk or memory is full SQLite ends the whole transaction by itself, and the next
    savepoint would silently begin another: https://sqlite.org/lang_transaction.html"""
    raw = connection.connection.dbapi_connection
    return raw is not None and bool(raw.in_transaction)


def _apart(work: Work[Any], connection: sa.Connection) -> End:
    try:
        with connection.begin_nested():
            return methodcaller("set_result", work(connection))
    except Exception as error:  # whoever waits for it is told
        return methodcaller("set_exception", error)


def _engine(path: Path, journal: str = "WAL") -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", partial(_prepare, journal=journal))
    sa.event.listen(engine, "begin", _begin)
    return engine


def _migrate_in_place(path: Path) -> None:
    """Migrates a file without the write-ahead log, in which SQLite searches long for a page once a
    transaction has changed gigabytes: a million requests took four minutes, and take one and a
    half (2026-11-28)."""
    engine = _engine(path, journal="DELETE")
    try:
        alone = engine.execution_options(sqlite_begin="IMMEDIATE")
        with alone.begin() as connection:
            migrate(connection)
    finally:
        engine.dispose()


def _prepare(connection: Any, _record: Any, *, journal: str) -> None:
    """Durable after every commit, readers beside the writer, transactions as we say, and what is
    forgotten is overwritten."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"page_size={PAGE}",
        f"journal_mode={journal}",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={TOO_MUCH}",
        f"journal_size_limit={ENOUGH}",
        "busy_timeout=10000",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")
