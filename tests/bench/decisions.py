"""*Approve* over HTTP, each time for another request: acknowledged when it is committed. The stock
app gets the very same bytes and only acknowledges.

One at a time, the next person presses when the card is shown. Of 64 at once each is pressed
once, all together, and what counts is how long the last ones wait.
"""

from tests.bench import programs
from tests.bench.caller import at_once, one_by_one
from tests.bench.figure import Figure, Goal, Measured, middle, percentile
from tests.bench.people import quiet
from tests.bench.stored import Stored, stored

FEW = 1_000
ENOUGH = 5_000
"""So many that none of them is decided about twice."""

AT_ONCE = 64
ALONE_IN_A_ROUND = 20
WARM_UP = 20
PAUSE = 0.05


async def deciding(*, quick: bool) -> Measured:
    """One click at a time, and 64 at once."""
    async with stored(ENOUGH) as there, programs.bot_and_stock(there.practice) as (bot, stock):
        for port in (bot.port, stock.port):
            await one_by_one(port, there.clicks(WARM_UP), PAUSE)
        alone, reference = await _alone(there, bot.port, stock.port, 3 if quick else 9)
        burst, stock_burst = await _bursts(there, bot.port, stock.port, 3 if quick else 15)
    name, burst_name = "acknowledging a deciding click", f"the same, {AT_ONCE} at once, p99"
    return Measured(
        [
            Figure(f"{name}, 1 at a time, p50", alone * 1e3, "ms", reference * 1e3, 0.15),
            Figure(burst_name, burst * 1e3, "ms", stock_burst * 1e3, 50, Goal.BELOW),
        ]
    )


async def _alone(there: Stored, ours: int, theirs: int, rounds: int) -> tuple[float, float]:
    taken: dict[int, list[float]] = {ours: [], theirs: []}
    for _ in range(rounds):
        clicks = there.clicks(ALONE_IN_A_ROUND)
        for port, medians in taken.items():
            medians.append(middle(await one_by_one(port, clicks, PAUSE)))
    return middle(taken[ours]), middle(taken[theirs])


async def _bursts(there: Stored, ours: int, theirs: int, rounds: int) -> tuple[float, float]:
    """The first round of both warms up."""
    taken: dict[int, list[float]] = {ours: [], theirs: []}
    for _ in range(rounds + 1):
        clicks = there.clicks(AT_ONCE)
        for port, slowest in taken.items():
            await quiet(there.practice)
            seconds, _ = await at_once(clicks, AT_ONCE, port)
            slowest.append(percentile(seconds, 0.99))
    return middle(taken[ours][1:]), middle(taken[theirs][1:])
