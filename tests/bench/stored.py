"""A database with as many requests as wanted: one that was really asked for, and its copies.

A copy is its row, its history and where it is shown, under another id. All of them are tied into
the audit trail, and shown: a bot that starts on them has nothing to catch up with, which would be
in the figures.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.practice import CAROL, Practice
from bot.sandbox.slack import Message
from tests.bench.people import ask, click_call, workspace

ID = "printf('%08x-0000-4000-8000-%012x', n, n)"
NUMBERS = "WITH RECURSIVE of(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM of WHERE n < :count)"


@dataclass
class Stored:
    """A practice workspace whose database has many requests that wait for an approval."""

    practice: Practice
    card: Message
    path: Path
    _used: int = field(default=0)

    def clicks(self, count: int) -> list[bytes]:
        """*Approve*, by Carol, each for a request that nobody has decided about."""
        first, self._used = self._used + 1, self._used + count
        return [
            click_call(self.practice, CAROL, self.card, "approve", f"{copied_id(number)}.1.0")
            for number in range(first, first + count)
        ]


def copied_id(number: int) -> str:
    """The id of a copied request."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


@asynccontextmanager
async def stored(count: int) -> AsyncIterator[Stored]:
    """So many requests, and no bot yet."""
    async with workspace() as practice:
        bot = await practice.start_bot()
        card = await ask(practice)
        await bot.quiet()
        await practice.stop_bot()
        path = practice.folder / "upgrade-bot.db"
        await asyncio.to_thread(copy_requests, path, count)
        yield Stored(practice, card, path)


def copy_requests(path: Path, count: int) -> None:
    """Copy the only request under other ids; nobody has to be reminded of one soon."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=OFF")
        database.execute("BEGIN")
        database.execute(
            "UPDATE requests SET tied_version = version, shown_version = version, "
            "due_at = datetime(due_at, '+10 years')"
        )
        database.execute(
            "UPDATE shown SET card_version = version, told_version = version "
            "FROM requests WHERE id = request_id"
        )
        ((original,),) = database.execute("SELECT id FROM requests").fetchall()
        for table, key in (("requests", "id"), ("history", "request_id"), ("shown", "request_id")):
            _copy(database, table, key, {"original": original, "count": count})
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copy(database: sqlite3.Connection, table: str, key: str, values: dict[str, object]) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    copied = ", ".join(
        f"replace({column}, :original, {ID})" if column in (key, "body") else column
        for column in columns
    )
    database.execute(
        f"{NUMBERS} INSERT INTO {table} SELECT {copied} FROM {table}, of "  # noqa: S608 - our own names
        f"WHERE {key} = :original",
        values,
    )
