"""What must not take longer when more is stored: a decision, a pass over what is due, a restart.

Decisions are those of a real bot over HTTP, one at a time, at databases of several sizes in turns.
The pass is what the bot does every two seconds: find what is due and not shown, and take the step,
half of them reminders and half of them expiries. That Slack is told of each is left out, as it
takes the same time among few and would hide what is to be seen.
"""

import asyncio
from contextlib import AsyncExitStack
from time import perf_counter

from bot.domain import steps
from bot.store import Store
from bot.worker.worker import BY_ITSELF
from tests.bench import programs
from tests.bench.caller import one_by_one
from tests.bench.figure import Curve, Figure, Goal, Measured, middle
from tests.bench.stored import TO_EXPIRE, TO_REMIND, Stored, copied_id, stored

FEW = 1_000
SIZES = (FEW, 10_000, 100_000, 1_000_000)
SIZES_IF_QUICK = (FEW, 20_000)
DUE = 100
PENDING = 10_000
IN_A_ROUND = 20
IN_A_ROUND_IF_QUICK = 6
WARM_UP = 10
PAUSE = 0.04


async def among_many(*, quick: bool) -> Measured:
    """Few requests are the reference of many."""
    sizes, rounds = (SIZES_IF_QUICK, 2) if quick else (SIZES, 9)
    async with AsyncExitStack() as stack:
        making = [stored(size, late=DUE * (rounds + 1) // 2) for size in sizes]
        there = {
            size: await stack.enter_async_context(each)
            for size, each in zip(sizes, making, strict=True)
        }
        each = IN_A_ROUND_IF_QUICK if quick else IN_A_ROUND
        clicks = await _decisions(there, rounds, each)
        few, many = await _passes([there[sizes[0]], there[sizes[-1]]], rounds)
    restarts = await _restarts(1 if quick else 7)
    most = f"{sizes[-1]:,} stored requests"
    figures = [
        Figure(f"a deciding click among {most}, p50", clicks[-1] * 1e3, "ms", clicks[0] * 1e3, 1.5),
        Figure(f"reminding and expiring {DUE} due among {most}", many * 1e3, "ms", few * 1e3, 1.5),
        Figure(f"restart with {PENDING:,} pending", restarts, "s", None, 2.0, Goal.BELOW),
    ]
    curve = Curve(
        "decision-by-stored",
        "A deciding click, p50",
        "stored requests",
        "ms",
        list(sizes),
        [each * 1e3 for each in clicks],
        [clicks[0] * 1e3 for _ in clicks],
        "among 1,000",
    )
    return Measured(figures, [curve])


async def _decisions(there: dict[int, Stored], rounds: int, each: int) -> list[float]:
    """The median of an acknowledgement at each of the databases."""
    taken: dict[int, list[float]] = {size: [] for size in there}
    starting = [programs.bot(actor.practice) for actor in there.values()]
    async with programs.together(*starting) as bots:
        for actor, bot in zip(there.values(), bots, strict=True):
            await one_by_one(bot.port, actor.clicks(WARM_UP), PAUSE)
        for _ in range(rounds):
            for (size, actor), bot in zip(there.items(), bots, strict=True):
                seconds = await one_by_one(bot.port, actor.clicks(each), PAUSE)
                taken[size].append(middle(seconds))
    for actor in there.values():
        assert await actor.approved() == WARM_UP + rounds * each
    return [middle(seconds) for seconds in taken.values()]


async def _passes(there: list[Stored], rounds: int) -> list[float]:
    """The median of a pass over each of the databases; the first warms up."""
    stores = [await Store.open(f"sqlite:///{each.path}") for each in there]
    taken: list[list[float]] = [[] for _ in there]
    for number in range(rounds + 1):
        firsts = (first + number * DUE // 2 for first in (TO_REMIND, TO_EXPIRE))
        ids = [copied_id(n) for first in firsts for n in range(first, first + DUE // 2)]
        for each, store, seconds in zip(there, stores, taken, strict=True):
            await asyncio.to_thread(each.make_due, ids)
            seconds.append(await _pass(store))
            await asyncio.to_thread(each.settle, ids)
    for store in stores:
        await store.close()
    return [middle(each[1:]) for each in taken]


async def _pass(store: Store) -> float:
    """Seconds of one."""
    began = perf_counter()
    due = await store.schedule.due()
    for each in due:
        snapshot = await store.requests.snapshot(each)
        step = steps.due(snapshot.request, snapshot.now)
        assert step
        await store.requests.take(each, BY_ITSELF[step], attend=[])
    seconds = perf_counter() - began
    assert len(due) == DUE
    return seconds


async def _restarts(count: int) -> float:
    """From the command to readiness, when the approvers of all that is pending have to be reminded,
    as after a night without a bot."""
    taken = []
    async with stored(1, late=PENDING) as there:
        ids = [copied_id(TO_REMIND + number) for number in range(PENDING)]
        for _ in range(count):
            await asyncio.to_thread(there.make_due, ids)
            async with programs.bot(there.practice) as bot:
                taken.append(bot.started_in)
    return middle(taken)
