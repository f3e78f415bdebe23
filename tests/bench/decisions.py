"""A click that decides: how long until it is acknowledged, which is after its commit."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.practice import CAROL
from bot.sandbox.slack.server import signature
from bot.store import Store
from tests.bench.figure import Figure, middle, percentile
from tests.mortal_bot import MortalBot
from tests.story import Story

AT_ONCE = 64
WARM_UP = 20
MANY = 1_000_000
MANY_IF_QUICK = 100_000
FEW = 1_000
DUE = 150
"""Requests, the last of all, that are due in three hours; a hundred are found at a time."""


class Clicks:
    """*Approve*, each time for another one of the copied requests, delivered over HTTP."""

    def __init__(self, story: Story, port: int) -> None:
        found = story.button(CAROL, "Approve")
        assert found
        self._message, _ = found
        self._slack = story.practice.slack
        self._url = f"http://127.0.0.1:{port}/slack/events"
        self._number = 0

    async def one(self, session: aiohttp.ClientSession) -> float:
        """Seconds from the click to its acknowledgement."""
        body, headers = self._signed()
        began = perf_counter()
        async with session.post(self._url, data=body, headers=headers) as answer:
            await answer.read()
        assert answer.status == 200
        return perf_counter() - began

    def _signed(self) -> tuple[str, dict[str, str]]:
        self._number += 1
        element = {
            "type": "button",
            "action_id": "approve",
            "block_id": "card",
            "value": f"{copied_id(self._number)}.1.0",
        }
        payload = self._slack.interactions.click_payload(CAROL, self._message, element)
        body, stamp = urlencode({"payload": json.dumps(payload)}), str(int(time.time()))
        secret = self._slack.workspace.signing_secret
        return body, {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(secret, stamp, body),
        }


def copied_id(number: int) -> str:
    """The id of a copied request."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


async def decisions(*, quick: bool) -> list[Figure]:
    """One click at a time, 64 at once, and one at a time among very many requests."""
    many = MANY_IF_QUICK if quick else MANY
    rounds = 3 if quick else 10
    async with clicks_among(FEW) as (clicks, path):
        alone = await one_at_a_time(clicks)
        together = await at_once(clicks, rounds)
        commit = bare_commit(path)
        few_due = await due_among(path)
    async with clicks_among(many) as (clicks, path):
        among_many = await one_at_a_time(clicks)
        many_due = await due_among(path)
    return [
        Figure("a deciding click, 1 at a time, p50", alone * 1e3, "ms", commit * 1e3, 5, True),
        Figure(f"the same, {AT_ONCE} at once, p99", together * 1e3, "ms", commit * 1e3, 50, True),
        Figure(f"the same among {many:,} requests, p50", among_many * 1e3, "ms", alone * 1e3, 1.5),
        Figure(f"finding 100 due among {many:,}", many_due * 1e3, "ms", few_due * 1e3, 1.5),
    ]


async def one_at_a_time(clicks: Clicks) -> float:
    """The median, after some to warm up; the next person presses when the card is shown."""
    taken = []
    async with aiohttp.ClientSession() as session:
        for _ in range(WARM_UP + 100):
            taken.append(await clicks.one(session))
            await asyncio.sleep(0.05)
    return middle(taken[WARM_UP:])


async def due_among(path: Path) -> float:
    """Seconds to find the hundred that are to be reminded of, and those that are not shown."""
    store = await Store.open(f"sqlite:///{path}", lambda: datetime.now(UTC) + timedelta(hours=3))
    taken = []
    for _ in range(50):
        began = perf_counter()
        due = await store.due()
        await store.unshown()
        taken.append(perf_counter() - began)
    await store.close()
    assert len(due) == 100
    return middle(taken)


async def at_once(clicks: Clicks, rounds: int) -> float:
    """The 99th percentile of all rounds; the first one warms up."""
    taken: list[float] = []
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:
        for number in range(rounds + 1):
            burst = await asyncio.gather(*(clicks.one(session) for _ in range(AT_ONCE)))
            taken += burst if number else []
            await asyncio.sleep(1)  # the cards are shown, which is not measured here
    return percentile(taken, 0.99)


@asynccontextmanager
async def clicks_among(count: int) -> AsyncIterator[tuple[Clicks, Path]]:
    """A bot in a process of its own, in HTTP mode, whose database has so many requests."""
    story = Story()
    story.practice.http_mode = True
    await story.start()
    bot: MortalBot = story.bots[0]
    try:
        story.practice.slack.request_url = events_of(await bot.start(counted=False))
        await story.asked()
        await bot.stop()
        path = story.practice.folder / "upgrade-bot.db"
        await asyncio.to_thread(copy_requests, path, count)
        port = await bot.start(counted=False)
        story.practice.slack.request_url = events_of(port)
        yield Clicks(story, port), path
    finally:
        await story.end()


def events_of(port: int) -> str:
    """Where Slack calls the bot."""
    return f"http://127.0.0.1:{port}/slack/events"


def copy_requests(path: Path, count: int) -> None:
    """Copy the only request, its history and where it is shown, under other ids."""
    name = "printf('%08x-0000-4000-8000-%012x', n, n)"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous=OFF")
        ((original,),) = database.execute("SELECT id FROM requests").fetchall()
        for table, key in (("requests", "id"), ("history", "request_id"), ("shown", "request_id")):
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(
                f"replace({column}, :original, {name})" if column in (key, "body") else column
                for column in columns
            )
            numbers = (
                "WITH RECURSIVE of(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM of WHERE n < :count)"
            )
            database.execute(
                f"{numbers} INSERT INTO {table} SELECT {values} FROM {table}, of "  # noqa: S608 - our own names
                f"WHERE {key} = :original",
                {"original": original, "count": count},
            )
        database.execute(
            "UPDATE requests SET due_at = datetime(due_at, '+10 years') "
            "WHERE rowid <= (SELECT max(rowid) FROM requests) - ?",
            [DUE],
        )


def bare_commit(path: Path) -> float:
    """Seconds that one row and its commit take in a database of the same kind."""
    taken = []
    with closing(sqlite3.connect(path.with_name("bare.db"), isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE bare (body TEXT)")
        for _ in range(200):
            began = perf_counter()
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO bare VALUES (?)", ["x" * 3000])
            database.execute("COMMIT")
            taken.append(perf_counter() - began)
    return middle(taken)
