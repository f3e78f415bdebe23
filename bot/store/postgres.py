"""The rows in PostgreSQL, for any number of bots."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import sqlalchemy as sa
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import Unavailable
from bot.store.database import T, Work, migrate
from bot.store.queue import Queue
from bot.store.tables import UtcDateTime
from bot.telemetry import metrics

CONNECT_WITHIN = 5.0
ANSWER_WITHIN = 15.0
"""Seconds for the database to answer; a person who clicked waits for it."""

FROZEN_AFTER = 3000
"""Milliseconds. A bot that stands still in the middle of a transaction would hold its rows for as
long; the database ends such a transaction, as if it had never begun."""

CONNECTIONS = 10
"""How many a bot keeps. Whoever finds none free waits: another one for a moment would take longer
to make than most transactions take, and be closed again at once."""

MIGRATING = 0x75706772616465
"""The key of the lock that is held while the tables are made: two bots may start at once."""

LOST = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError, asyncpg.TooManyConnectionsError)  # fmt: skip
"""What asyncpg says when the database cannot be reached, is stopping, or is starting."""


class Postgres:
    """A pool of connections. Rows are locked where they are changed, so transactions of several
    bots wait for each other there and nowhere else."""

    is_shared = True

    def __init__(self, url: str, clock: Callable[[], datetime] | None) -> None:
        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: _connect(url),
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=ANSWER_WITHIN,
            pool_use_lifo=True,
        )
        sa.event.listen(self._engine.sync_engine, "checkout", _require_open)
        self._autocommitting = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._clock = clock
        self._writing: set[asyncio.Task[Any]] = set()
        lost = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
        self.queue = Queue(lambda: _connect(url), lost)

    @classmethod
    async def open(
        cls, url: str, clock: Callable[[], datetime] | None, *, only_if_new: bool = False
    ) -> "Postgres":
        """Open the database at `url` and `migrate` it.

        The database's clock decides what is late, or `clock` where there is one. Raises
        Unavailable, NewerTables, and SQLAlchemyError when the tables cannot be made.
        """
        database = cls(url, clock)
        try:
            await database._migrate(url, only_if_new)
        except BaseException:
            await database.close()
            raise
        return database

    def now(self, connection: sa.Connection) -> datetime:
        """The clock that all bots share."""
        if self._clock:
            return self._clock()
        shared: datetime = connection.execute(sa.select(self.now_column())).scalar_one()
        return shared

    def now_column(self, *, ago: timedelta = timedelta()) -> sa.ColumnElement[datetime]:
        """It as a column."""
        if self._clock:
            return sa.literal(self._clock() - ago, UtcDateTime())
        now = sa.func.clock_timestamp(type_=UtcDateTime())
        return sa.type_coerce(now - sa.literal(ago, sa.Interval()), UtcDateTime()) if ago else now

    async def time(self) -> datetime:
        """It, asked for by itself."""
        return self._clock() if self._clock else await self.read(self.now)

    async def read(self, work: Work[T]) -> T:
        """Run `work`, of which each statement sees what was committed before it: BEGIN and COMMIT
        would be two more ways to the server."""
        metrics.TRANSACTIONS.labels("read").inc()
        async with self._transaction(self._autocommitting) as connection:
            return await connection.run_sync(work)

    async def write(self, work: Work[T], attend: Sequence[str] = ()) -> T:
        """Run `work` and enqueue, in one transaction."""

        metrics.TRANSACTIONS.labels("write").inc()

        async def transaction() -> T:
            async with self._transaction() as connection:
                done = await connection.run_sync(work)
                if attend:
                    raw = await connection.get_raw_connection()
                    await self.queue.put(attend, raw.driver_connection)
                return done

        writing = asyncio.create_task(transaction())
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        return await asyncio.shield(writing)

    async def execute(self, statement: sa.Executable) -> int:
        """Execute it without BEGIN and COMMIT."""
        metrics.TRANSACTIONS.labels("write").inc()
        async with self._transaction(self._autocommitting) as connection:
            return (await connection.execute(statement)).rowcount

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writing:
            await asyncio.wait(self._writing)
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(
        self, engine: AsyncEngine | None = None
    ) -> AsyncIterator[AsyncConnection]:
        try:
            async with (engine or self._engine).begin() as connection:
                yield connection
        except (*LOST, PoolTimeout) as error:
            raise Unavailable from error
        except DBAPIError as error:
            cause = error.orig.__cause__ if error.orig else None
            if error.connection_invalidated or isinstance(cause, LOST):
                raise Unavailable from error
            raise

    async def _migrate(self, url: str, only_if_new: bool) -> None:
        """One bot makes the tables, the others wait until they are there."""
        try:
            alone = await _connect(url)
        except LOST as error:
            raise Unavailable from error
        try:
            await alone.execute("SELECT pg_advisory_lock($1)", MIGRATING, timeout=None)
            await self._migrate_patiently(url, only_if_new)
            queue = Queries(AsyncpgDriver(alone))
            if await queue.schema_is_installed():
                await queue.upgrade()
            else:
                await queue.install()
        finally:
            await alone.close()

    async def _migrate_patiently(self, url: str, only_if_new: bool) -> None:
        """Migrates on a connection that waits for its answers: of a million requests one statement
        takes longer than a person waits."""
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: _connect(url, is_patient=True),
            poolclass=sa.NullPool,
        )
        try:
            async with self._transaction(engine) as connection:
                await connection.run_sync(partial(migrate, only_if_new=only_if_new))
        finally:
            await engine.dispose()


def _require_open(connection: Any, _record: object, _proxy: object) -> None:
    """Has the pool replace a connection that the server has ended. The driver knows, so that this
    costs no way to the server, as a ping would."""
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


async def _connect(url: str, *, is_patient: bool = False) -> asyncpg.Connection:
    return await asyncpg.connect(
        url,
        timeout=CONNECT_WITHIN,
        command_timeout=None if is_patient else ANSWER_WITHIN,
        server_settings={"idle_in_transaction_session_timeout": str(FROZEN_AFTER)},
    )
