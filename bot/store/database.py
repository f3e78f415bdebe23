"""What the store needs of a database: transactions, a clock, and a queue beside the rows.

The same rows stand in SQLite, for one bot, and in PostgreSQL, for any number of them. Work in a
transaction is a plain function over SQLAlchemy's `Connection`; each database runs it in its own
way without holding up the event loop.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa

from bot.store.queue import Queue

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

MIGRATIONS = Path(__file__).parent / "migrations"


class Database(Protocol):
    """SQLite or PostgreSQL. Every method raises Unavailable while it cannot be reached."""

    queue: Queue
    """The jobs. Those that a transaction puts there are there when it is committed."""

    is_shared: bool
    """Whether other bots may work on the same rows."""

    def now(self, connection: sa.Connection) -> datetime:
        """The time that decides what is late."""

    def now_column(self, *, ago: timedelta = timedelta()) -> sa.ColumnElement[datetime]:
        """The same, or so long ago, as a column: it costs no query of its own."""

    async def time(self) -> datetime:
        """The same, outside of any work."""

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that changes nothing."""

    async def write(self, work: Work[T], attend: Sequence[str] = ()) -> T:
        """Run `work` in one transaction, whole or not at all, and put a job for each name in
        `attend` into the queue with it.

        Whoever waits for it may be cancelled; what has begun always comes to its end.
        """

    async def execute(self, statement: sa.Executable) -> int:
        """Execute one statement, which is a transaction by itself; returns how many rows it
        changed."""

    async def close(self) -> None:
        """Let what has begun come to its end, then close every connection."""


NEWEST = max(path.stem[:4] for path in (MIGRATIONS / "versions").glob("0*"))
"""The revision of the tables that this version of the program works with."""


class NewerTables(Exception):
    """The tables are of a newer version of the program; the message is their revision."""


def migrate(connection: sa.Connection, *, only_if_new: bool = False) -> None:
    """Bring the database to this version; with `only_if_new` only an empty one. Alembic is large,
    so a database that is there already is not made to load it. Raises NewerTables."""
    there = revision(connection)
    if there > NEWEST:
        raise NewerTables(there)
    if there == NEWEST or (there and only_if_new):
        return
    from alembic import command  # needed once, at start, and large
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def revision(connection: sa.Connection) -> str:
    """The revision of the tables that are there; empty when there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
