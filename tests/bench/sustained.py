"""Decisions a second: *Approve* without a pause by 64 people, for as long as a round lasts. One bot
on SQLite, and two on PostgreSQL.

The bots go on showing what was decided while the next clicks come in. The reference is the same
database with nothing but commits: one row of the size of a request in each, as durable as the
bot's, by as many writers as the bots have. That is one on SQLite, which has no more, and on
PostgreSQL the connections that both bots keep. A decision reads two rows, writes three, and
changes most indexes of the largest table; on the other hand the bot on SQLite commits together
what comes in together, which the bare writer does not. While the bare commits are counted, the
bots stand still.
"""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from time import perf_counter

import asyncpg

from bot.store.postgres import CONNECTIONS
from tests.bench import programs
from tests.bench.caller import at_once, lasting, one_by_one
from tests.bench.figure import Figure, Goal, Measured, middle
from tests.bench.people import quiet
from tests.bench.programs import Program
from tests.bench.shared import shared
from tests.bench.stored import Stored, stored

PEOPLE = 64
A_SECOND = 1_500
"""Requests for each second of a round; one that runs out of them is only shorter."""

WARM_UP = 20
BARE = 0.7
"""Seconds of bare commits; a bot that stood still for longer would be taken for dead."""

ROW = "x" * 1700
"""As long as the document of a request."""


async def sustained(*, quick: bool) -> Measured:
    """The medians of the rounds."""
    rounds, seconds = (1, 0.5) if quick else (7, 2.0)
    count = int(rounds * seconds * A_SECOND) + 2 * WARM_UP
    async with stored(count) as there, programs.bot(there.practice) as bot:
        path = there.path.with_name("bare.db")
        one = await _paired(there, [bot], rounds, seconds, lambda: asyncio.to_thread(_sqlite, path))
    async with (
        shared(count) as (there, url),
        programs.together(programs.bot(there.practice), programs.bot(there.practice)) as bots,
        _writers(url) as writers,
    ):
        two = await _paired(there, bots, rounds, seconds, lambda: _postgres(writers))
    return Measured(
        [
            _figure("decisions, 1 bot on SQLite", *one),
            _figure("decisions, 2 bots on PostgreSQL", *two),
        ]
    )


def _figure(name: str, decisions: float, commits: float) -> Figure:
    return Figure(name, decisions, "a second", commits, 0.5, Goal.AT_LEAST)


async def _paired(
    there: Stored,
    bots: list[Program],
    rounds: int,
    seconds: float,
    commit: Callable[[], Awaitable[float]],
) -> tuple[float, float]:
    """Decisions and bare commits a second, in turns."""
    decisions, commits, count = [], [], len(bots) * WARM_UP
    for bot in bots:
        await one_by_one(bot.port, there.clicks(WARM_UP), 0.01)
    await quiet(there.practice)
    for _ in range(rounds):
        clicks = there.clicks(int(seconds * A_SECOND))
        ports = [bot.port for bot in bots]
        taken, whole = await at_once(lasting(seconds, clicks), PEOPLE, *ports)
        decisions.append(len(taken) / whole)
        count += len(taken)
        with _standing_still(bots):
            commits.append(await commit())
    assert await there.approved() == count
    return middle(decisions), middle(commits)


@contextmanager
def _standing_still(bots: list[Program]) -> Iterator[None]:
    for bot in bots:
        os.kill(bot.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for bot in bots:
            os.kill(bot.process.pid, signal.SIGCONT)


def _sqlite(path: Path) -> float:
    """Commits a second of one writer."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE IF NOT EXISTS bare (body TEXT)")
        count, began = 0, perf_counter()
        while perf_counter() - began < BARE:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO bare VALUES (?)", [ROW])
            database.execute("COMMIT")
            count += 1
        return count / (perf_counter() - began)


@asynccontextmanager
async def _writers(url: str) -> AsyncIterator[list[asyncpg.Connection]]:
    """As many connections as two bots keep."""
    connections = [await asyncpg.connect(url) for _ in range(2 * CONNECTIONS)]
    await connections[0].execute("CREATE TABLE bare (body TEXT)")
    try:
        yield connections
    finally:
        await asyncio.gather(*(each.close() for each in connections))


async def _postgres(connections: list[asyncpg.Connection]) -> float:
    """Commits a second of all of them together."""
    began = perf_counter()

    async def write(connection: asyncpg.Connection) -> int:
        count = 0
        while perf_counter() - began < BARE:
            await connection.execute("INSERT INTO bare VALUES ($1)", ROW)
            count += 1
        return count

    counts = await asyncio.gather(*(write(each) for each in connections))
    return sum(counts) / (perf_counter() - began)
