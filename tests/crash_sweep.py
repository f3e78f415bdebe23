"""`python -m tests.crash_sweep --runs 100 --seed 1`: the main job, with a death at any await.

The bot is a process that is really killed; with `--postgres` there are two of them on one
database, and the other one has to finish what the dead one began; with `--freeze` the first one is
not dead but stands still, and wakes up when everything is done. People go on as people do: what
had no effect they do again. At the end there is one upgrade, or none and a card that says that
nobody knows yet; nothing was sent twice, and the history has no gap.
"""

import argparse
import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from tests.postgres import PostgresServer
from tests.story import Ending, Story

NewDatabase = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Death:
    """A story in which a bot should die at an await, whether it came to that, and the end."""

    kill_at: int
    died: bool
    ending: Ending


async def tell(
    kill_at: int | None, new_database: NewDatabase | None, *, freeze: bool = False
) -> tuple[bool, int, Ending]:
    """One story: whether the first bot died, how many awaits it lived through, and the end."""
    database = await new_database() if new_database else None
    story = Story(bots=2 if database else 1, database=database)
    await story.start()
    try:
        first, *others = story.bots
        starts = (first.start(kill_at, freeze=freeze), *(bot.start() for bot in others))
        await asyncio.gather(*starts)
        await story.told()
        if freeze and kill_at is not None:
            await story.ending()
            first.thaw()
            await first.stop()  # whatever it still wanted to do it has done then
        ending = await story.ending()
        died = first.deaths > 0
        return died, 0 if first.is_dead else await first.stop(), ending
    finally:
        await story.end()


async def sweep(
    runs: int, seed: int, new_database: NewDatabase | None = None, *, freeze: bool = False
) -> list[Death]:
    """Stories that end well, though a bot dies at a random await of each, or stands still until
    the others are done; else AssertionError.

    The first story's is among the first awaits and the last one's among the last, so that some die
    even if another bot takes the work, and few stories are told that are nearly the same.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    _, awaits, _ = await tell(None, new_database)
    deaths = []
    for run in range(runs):
        kill_at = int((run + chance.random()) * awaits / runs)
        try:
            died, _, ending = await tell(kill_at, new_database, freeze=freeze)
        except AssertionError as error:
            raise AssertionError(f"at await {kill_at} of {awaits}: {error}") from error
        assert ending.is_good, f"killed at await {kill_at} of {awaits}: {ending}"
        deaths.append(Death(kill_at, died, ending))
    return deaths


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash_sweep", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--freeze", action="store_true", help="with --postgres: stand still")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    server = PostgresServer()
    if options.postgres:
        server.start()
    new_database = server.new_database if options.postgres else None
    try:
        deaths = asyncio.run(sweep(options.runs, options.seed, new_database, freeze=options.freeze))
    finally:
        server.stop()
    endings = Counter(death.ending.state for death in deaths)
    twice = sum(len(set(death.ending.told)) < len(death.ending.told) for death in deaths)
    print(  # noqa: T201 - it is a command
        f"{len(deaths)} stories, {sum(death.died for death in deaths)} deaths: "
        + ", ".join(f"{count} {state}" for state, count in endings.items())
        + f"; a line told twice in {twice}"
    )


if __name__ == "__main__":
    main()
