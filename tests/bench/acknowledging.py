"""`/upgrade contoso` over HTTP: how long until it is acknowledged, beside a stock app that gets the
very same bytes and does nothing else.

The bot looks up behind its acknowledgements, when nobody has come in for a moment. A round of many
at once ends before that; between two rounds, of the bot and of the stock app in turns, all of it is
done.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from bot.sandbox.practice import Practice
from tests.bench import programs
from tests.bench.caller import at_once, one_by_one
from tests.bench.figure import Curve, Figure, Goal, Measured, middle, percentile
from tests.bench.people import command_call, everybody, quiet, refused_for_pace, workspace
from tests.bench.programs import Program

NAME = "acknowledging /upgrade"
PEOPLE = 200
"""So that nobody looks up more often than one person may."""

AT_ONCE = 64
EACH = 3
"""Commands in a round by each of those that are under way at once."""

ALONE = 20
ALONE_IF_QUICK = 6
"""Commands in a round of one at a time."""

WARM_UP = 10
PAUSE = 0.03


@dataclass(frozen=True)
class Pair:
    """The bot and the stock app, on one workspace."""

    practice: Practice
    people: Iterator[str]
    bot: Program
    stock: Program

    def calls(self, count: int) -> list[bytes]:
        """People in turn type the same."""
        return [command_call(self.practice, next(self.people), "contoso") for _ in range(count)]

    async def alone(self, rounds: int, each: int) -> tuple[float, float]:
        """Seconds of an acknowledgement of the bot and of the stock app, one at a time."""
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            calls = self.calls(each)
            for port, medians in ((self.bot.port, ours), (self.stock.port, theirs)):
                medians.append(middle(await one_by_one(port, calls)))
                await quiet(self.practice)
        return middle(ours), middle(theirs)

    async def together(self, rounds: int, how_many: int) -> "tuple[Load, Load]":
        """The same when so many are always under way."""
        ours, theirs = [], []
        for _ in range(rounds):
            await quiet(self.practice)
            calls = self.calls(EACH * how_many)
            theirs.append(await at_once(calls, how_many, self.stock.port))
            ours.append(await at_once(calls, how_many, self.bot.port))
        return Load.of(ours), Load.of(theirs)


@dataclass(frozen=True)
class Load:
    """What came of many at once: the medians of the rounds."""

    a_second: float
    p50: float
    p99: float

    @classmethod
    def of(cls, rounds: list[tuple[list[float], float]]) -> "Load":
        """From the seconds of each call and of all of them, a round each."""
        return cls(
            middle([len(each) / whole for each, whole in rounds]),
            middle([middle(each) for each, _ in rounds]),
            middle([percentile(each, 0.99) for each, _ in rounds]),
        )


async def acknowledging(*, quick: bool) -> Measured:
    """One at a time, and 64 at once; in full also those in between."""
    rounds, each = (2, ALONE_IF_QUICK) if quick else (9, ALONE)
    async with (
        workspace(PEOPLE) as practice,
        programs.together(programs.bot(practice), programs.stock(practice)) as (bot, stock),
    ):
        pair = Pair(practice, cycle(everybody(practice)), bot, stock)
        for port in (bot.port, stock.port):
            await one_by_one(port, pair.calls(WARM_UP), PAUSE)
        ours, theirs = await pair.alone(rounds, each)
        loads = await pair.together(1 if quick else rounds, AT_ONCE)
        curves = [] if quick else [await _curve(pair)]
        assert not refused_for_pace(practice)
    name = f"{NAME}, {AT_ONCE} at once"
    many, p99s = (load.a_second for load in loads), (load.p99 * 1e3 for load in loads)
    return Measured(
        [
            Figure(f"{NAME}, 1 at a time, p50", ours * 1e3, "ms", theirs * 1e3, 0.05),
            Figure(name, next(many), "a second", next(many), 1.0, Goal.AT_LEAST),
            Figure(f"{name}, p99", next(p99s), "ms", next(p99s), 1.0),
        ],
        curves,
    )


async def _curve(pair: Pair) -> Curve:
    steps = (1, 2, 4, 8, 16, 32, AT_ONCE)
    loads = [await pair.together(3, step) for step in steps]
    ours, theirs = ([each.p50 * 1e3 for each in side] for side in zip(*loads, strict=True))
    title, along = f"{NAME.capitalize()}, p50", "at once"
    return Curve(
        "acknowledgement-by-concurrency", title, along, "ms", steps, ours, theirs, "stock Bolt app"
    )
