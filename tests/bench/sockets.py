"""Socket Mode: from the envelope that goes in to the acknowledgement that comes out.

Bot and stock app have a practice Slack of their own each, because Slack gives an envelope to any
connection. Both are asked one at a time, in turns.
"""

from time import perf_counter

from bot.sandbox.practice import Practice
from tests.bench import programs
from tests.bench.acknowledging import ALONE, ALONE_IF_QUICK, PEOPLE, WARM_UP
from tests.bench.caller import undisturbed
from tests.bench.figure import Figure, Measured, middle
from tests.bench.people import command, everybody, quiet, refused_for_pace, workspace


async def sockets(*, quick: bool) -> Measured:
    """The median of one envelope at a time."""
    taken: dict[Practice, list[float]] = {}
    async with (
        workspace(PEOPLE, http=False) as ours,
        workspace(PEOPLE, http=False) as theirs,
        programs.together(programs.bot(ours), programs.stock(theirs)),
    ):
        for practice in (ours, theirs):
            await _one_by_one(practice, WARM_UP)
        for _ in range(2 if quick else 9):
            for practice in (ours, theirs):
                seconds = await _one_by_one(practice, ALONE_IF_QUICK if quick else ALONE)
                taken.setdefault(practice, []).append(middle(seconds))
        assert not refused_for_pace(ours)
    value, reference = (middle(rounds) * 1e3 for rounds in taken.values())
    name = "Socket Mode, envelope to acknowledgement, p50"
    return Measured([Figure(name, value, "ms", reference, 0.1)])


async def _one_by_one(practice: Practice, count: int) -> list[float]:
    people = everybody(practice)
    taken = []
    for number in range(count):
        payload = command(practice, people[number % len(people)], "contoso")
        with undisturbed():
            began = perf_counter()
            answer = await practice.slack.deliver("slash_commands", payload)
            taken.append(perf_counter() - began)
        assert answer is not None
    await quiet(practice)
    return taken
