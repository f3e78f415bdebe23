"""A database with as many requests as wanted: some that were really asked for, and their copies.

A copy is its rows, its histories and its card, under other ids. All of them are tied into
the audit trail, and shown, and due in ten years: a bot that starts on them has nothing to catch up
with, which would be in the figures. Some can be *late*: asked for so long ago that approvers
have to be reminded of them, or that they have expired, as soon as they are said to be due.
"""

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.domain.item import State
from bot.sandbox.practice import CAROL, Practice
from bot.sandbox.slack import Message
from bot.store import Store
from tests.bench.caller import signed
from tests.bench.people import ask, click, click_body, workspace

TO_REMIND, TO_EXPIRE = 0x40000000, 0x80000000
"""The numbers of the first copies that are late."""

AGES = {TO_REMIND: timedelta(hours=3), TO_EXPIRE: timedelta(days=2)}
ID_LENGTH = 36
COPIED = "printf('%08x-0000-4000-8000-%012x', n, n)"
NUMBERS = (
    "WITH RECURSIVE of(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM of "
    "WHERE n + 1 < :first + :count)"
)


@dataclass(frozen=True)
class Stored:
    """A practice workspace whose database has many requests that wait for an approval."""

    practice: Practice
    card: Message
    path: Path
    _undecided: Iterator[int]

    def clicks(self, count: int) -> list[bytes]:
        """*Approve*, by Carol, each for another request, anywhere among them."""
        slack = self.practice.slack.workspace
        pressed = click(self.practice, CAROL, self.card, "approve")
        (action,) = pressed["actions"]
        own, at, body = action["value"][:ID_LENGTH], action["action_ts"], click_body(pressed)
        ids = [copied_id(next(self._undecided)) for _ in range(count)]
        bodies = (body.replace(own, each).replace(at, slack.new_ts()) for each in ids)
        return [signed(slack.signing_secret, each) for each in bodies]

    async def approved(self) -> int:
        """How many are approved by now: a click that was refused is acknowledged, too."""
        store = await Store.open(self.practice.environment()["UPGRADE_BOT_DATABASE_URL"])
        try:
            return (await store.lists.by_state()).get(State.APPROVED, 0)
        finally:
            await store.close()

    def make_due(self, ids: list[str]) -> None:
        """Say that it is time to attend to these late requests."""
        with closing(sqlite3.connect(self.path)) as database, database:
            due = "UPDATE requests SET due_at = datetime('now', '-1 minute') WHERE id = ?"
            database.executemany(due, [(each,) for each in ids])

    def settle(self, ids: list[str]) -> None:
        """Nothing is left to do about these requests."""
        with closing(sqlite3.connect(self.path)) as database, database:
            database.executemany(f"{SETTLED_REQUEST} WHERE id = ?", [(each,) for each in ids])


SETTLED_REQUEST = (
    "UPDATE requests SET due_at = datetime('now', '+10 years'), tied_version = version, "
    "shown_revision = revision"
)
SETTLED_ITEM = "UPDATE items SET due_at = NULL, tied_version = version"
SETTLED_CARD = "UPDATE cards SET card_revision = revision, told_revision = revision FROM requests"


def copied_id(number: int) -> str:
    """The id of a copied request."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


@asynccontextmanager
async def stored(count: int, *, late: int = 0) -> AsyncIterator[Stored]:
    """So many requests, and so many late ones of each kind; and no bot yet."""
    async with workspace() as practice:
        path = practice.folder / "upgrade-bot.db"
        originals = []
        for first, age in AGES.items() if late else ():
            practice.clock.move(-age)
            _, id = await asked(practice, path)
            practice.clock.move(age)
            originals.append((id, first, late))
        card, id = await asked(practice, path)
        for original in [*originals, (id, 1, count)]:
            await asyncio.to_thread(copy_request, path, *original)
        await asyncio.to_thread(_sync, path)
        anywhere = random.Random(7).sample(range(1, count + 1), count)  # noqa: S311 - no secret
        yield Stored(practice, card, path, iter(anywhere))


async def asked(practice: Practice, path: Path) -> tuple[Message, str]:
    """One request, asked for with a bot in this process: its card and its id. It is settled."""
    bot = await practice.start_bot()
    card = await ask(practice)
    await bot.quiet()
    await practice.stop_bot()
    with closing(sqlite3.connect(path)) as database, database:
        ((id,),) = database.execute("SELECT id FROM requests ORDER BY rowid DESC LIMIT 1")
        database.execute(f"{SETTLED_REQUEST} WHERE id = ?", [id])
        database.execute(f"{SETTLED_ITEM} WHERE request_id = ?", [id])
        database.execute(f"{SETTLED_CARD} WHERE id = request_id AND id = ?", [id])
    return card, id


TABLES = (
    ("requests", "id"),
    ("items", "id"),
    ("item_history", "item_id"),
    ("request_history", "request_id"),
    ("cards", "request_id"),
)
"""What is copied, and the column that finds it: a single item has the id of its request."""

WITH_IDS = ("id", "request_id", "item_id", "body")


def copy_request(path: Path, original: str, first: int, count: int) -> None:
    """Copy a request of one item to so many ids, beginning with that of a number."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("synchronous=OFF", "journal_mode=OFF", "cache_size=-400000"):
            database.execute(f"PRAGMA {pragma}")
        values = {"original": original, "first": first, "count": count}
        database.execute("BEGIN")
        for table, key in TABLES:
            _copy(database, table, key, values)
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode=WAL")


def _sync(path: Path) -> None:
    """What the copies left to be written would be written while the bot waits for its commits."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _copy(database: sqlite3.Connection, table: str, key: str, values: dict[str, object]) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    copied = ", ".join(
        f"replace({column}, :original, {COPIED})" if column in WITH_IDS else column
        for column in columns
    )
    database.execute(
        f"{NUMBERS} INSERT INTO {table} SELECT {copied} FROM {table}, of "  # noqa: S608 - our own names
        f"WHERE {key} = :original",
        values,
    )
