"""A database with as many requests as wanted: some that were really asked for, and their copies.

A copy is its row, its history and where it is shown, under another id. All of them are tied into
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

from bot.domain.upgrade import State
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
            return (await store.by_state()).get(State.APPROVED, 0)
        finally:
            await store.close()

    def make_due(self, ids: list[str]) -> None:
        """Say that it is time to attend to these late ones."""
        self._set("due_at = datetime('now', '-1 minute')", ids)

    def settle(self, ids: list[str]) -> None:
        """Nothing is left to do about these."""
        self._set(SETTLED, ids)

    def _set(self, what: str, ids: list[str]) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            each = [(one,) for one in ids]
            database.executemany(f"UPDATE requests SET {what} WHERE id = ?", each)  # noqa: S608 - our own words


SETTLED = "due_at = datetime('now', '+10 years'), tied_version = version, shown_version = version"


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
        database.execute(f"UPDATE requests SET {SETTLED} WHERE id = ?", [id])  # noqa: S608 - our own words
        database.execute(
            "UPDATE shown SET card_version = version, told_version = version "
            "FROM requests WHERE id = request_id"
        )
    return card, id


def copy_request(path: Path, original: str, first: int, count: int) -> None:
    """Copy a request to so many ids, beginning with that of a number."""
    values = {"original": original, "first": first, "count": count}
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("synchronous=OFF", "journal_mode=OFF", "cache_size=-400000"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("BEGIN")
        for table, key in (("requests", "id"), ("history", "request_id"), ("shown", "request_id")):
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
        f"replace({column}, :original, {COPIED})" if column in (key, "body") else column
        for column in columns
    )
    database.execute(
        f"{NUMBERS} INSERT INTO {table} SELECT {copied} FROM {table}, of "  # noqa: S608 - our own names
        f"WHERE {key} = :original",
        values,
    )
