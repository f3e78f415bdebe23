"""*Approve* over HTTP, each time for another request: acknowledged when it is committed. The stock
app gets the very same bytes and only acknowledges.

One at a time, the next person presses when the one before is acknowledged; or, in a figure of its
own, when the card is shown and the bot has had nothing to do for a moment, as it is on most days.
Of 64 at once each is pressed once, all together, and what counts is how long the last ones wait.
"""

from tests.bench import programs
from tests.bench.caller import at_once, one_by_one
from tests.bench.figure import Figure, Goal, Measured, middle, percentile
from tests.bench.people import quiet
from tests.bench.stored import Stored, stored

NAME = "acknowledging a decision"
ENOUGH = 5_000
"""So many that none of them is decided about twice."""

AT_ONCE = 64
ALONE = 20
ALONE_IF_QUICK = 6
"""Clicks in a round of one at a time."""

WARM_UP = 10
PAUSE = 0.04


async def deciding(*, quick: bool) -> Measured:
    """One click at a time, and 64 at once."""
    async with (
        stored(ENOUGH) as there,
        programs.together(programs.bot(there.practice), programs.stock(there.practice)) as both,
    ):
        ports = (both[0].port, both[1].port)
        for port in ports:
            await one_by_one(port, there.clicks(WARM_UP), PAUSE)
        rounds, each = (2, ALONE_IF_QUICK) if quick else (9, ALONE)
        alone, reference = await _alone(there, ports, rounds, each)
        lone, lone_reference = await _alone(there, ports, rounds, each, PAUSE)
        bursts = 2 if quick else 15
        burst, stock_burst = await _bursts(there, ports, bursts)
        decided = WARM_UP + 2 * rounds * each + (bursts + 1) * AT_ONCE
        assert await there.approved() == decided
    last = f"{NAME}, {AT_ONCE} at once, p99"
    return Measured(
        [
            Figure(f"{NAME}, 1 at a time, p50", alone, "ms", reference, 0.15),
            Figure(f"{NAME}, after a pause, p50", lone, "ms", lone_reference, 5, Goal.BELOW),
            Figure(last, burst, "ms", stock_burst, 50, Goal.BELOW),
        ]
    )


async def _alone(
    there: Stored, ports: tuple[int, int], rounds: int, each: int, pause: float = 0
) -> tuple[float, float]:
    """Milliseconds of the bot, and of the stock app."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        clicks = there.clicks(each)
        for port, medians in zip(ports, taken, strict=True):
            medians.append(middle(await one_by_one(port, clicks, pause)))
            await quiet(there.practice)
    return middle(taken[0]) * 1e3, middle(taken[1]) * 1e3


async def _bursts(there: Stored, ports: tuple[int, int], rounds: int) -> tuple[float, float]:
    """The same of the slowest in a burst; the first round of both warms up."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        clicks = there.clicks(AT_ONCE)
        for port, slowest in zip(ports, taken, strict=True):
            await quiet(there.practice)
            seconds, _ = await at_once(clicks, AT_ONCE, port)
            slowest.append(percentile(seconds, 0.99))
    return middle(taken[0][1:]) * 1e3, middle(taken[1][1:]) * 1e3
