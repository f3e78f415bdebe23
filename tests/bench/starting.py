"""From the command to readiness, and what the bot takes while nobody wants anything.

The reference is a Python that only loads the libraries that the bot stands on, and ends.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from time import perf_counter

from tests.bench import programs
from tests.bench.figure import Figure, Goal, Measured, middle
from tests.bench.people import workspace

IDLE_AFTER = 2.0
"""Seconds after which a bot has read its customers and has nothing to do."""

LIBRARIES = "import slack_bolt.async_app, httpx, msal, sqlalchemy"


async def starting(*, quick: bool) -> Measured:
    """`upgrade-bot run` as an operator starts it, on a database that is there already."""
    seconds, reference, megabytes = [], [], []
    async with workspace(http=False) as practice:
        for number in range(2 if quick else 10):  # the first makes the database
            reference.append(await _loaded())
            async with programs.bot(practice) as bot:
                seconds.append(bot.started_in)
                if number % 4 == 1:  # the one that made it has loaded more
                    await asyncio.sleep(IDLE_AFTER)
                    megabytes.append(bot.megabytes)
    return Measured(
        [
            Figure("start to ready", middle(seconds[1:]), "s", middle(reference[1:]), 2.0),
            Figure("memory of an idle bot", middle(megabytes), "MB", None, 100, Goal.BELOW),
        ]
    )


async def _loaded() -> float:
    began = perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIBRARIES, stdout=DEVNULL, stderr=DEVNULL
    )
    assert await process.wait() == 0
    return perf_counter() - began
