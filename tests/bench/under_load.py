"""Acknowledgements while five hundred look-ups wait for a Partner Center that takes two seconds for
every call.

Each of the five hundred is about another customer. What is acknowledged meanwhile, and before for
the reference, is `/upgrade help`: it comes in and is acknowledged as any command is, and asks
nobody, so that idle is idle.
"""

from bot.sandbox.practice import Practice
from tests.bench import programs
from tests.bench.caller import at_once, one_by_one
from tests.bench.chains import Records, newest
from tests.bench.figure import Figure, Goal, Measured, percentile
from tests.bench.people import command_call, everybody, quiet, refused_for_pace, workspace

IN_FLIGHT = 500
A_CALL = 2.0
AT_ONCE = 64
PAUSE = 0.005


async def under_load(*, quick: bool) -> Measured:
    """The slowest of a hundred, of calls that are made one at a time."""
    count = 100 if quick else 300
    async with (
        workspace(people=60, customers=IN_FLIGHT + 50) as practice,
        programs.bot(practice) as bot,
    ):
        await quiet(practice, 0.3)  # it has read its customers
        await _helped(practice, bot.port, 20)
        idle = await _helped(practice, bot.port, count)
        await quiet(practice)
        loaded = await _helped_meanwhile(practice, bot.port, count)
        assert not refused_for_pace(practice)
    name = f"acknowledging while {IN_FLIGHT} look-ups are in flight, p99"
    return Measured([Figure(name, loaded * 1e3, "ms", idle * 1e3, 100, Goal.BELOW)])


async def _helped_meanwhile(practice: Practice, port: int, count: int) -> float:
    practice.partner_center.delay = A_CALL
    before = newest(practice)
    people, customers = everybody(practice), practice.partner_center.records.customers.values()
    domains = [each["companyProfile"]["domain"] for each in customers][-IN_FLIGHT:]
    calls = [
        command_call(practice, people[number % len(people)], domain)
        for number, domain in enumerate(domains)
    ]
    await at_once(calls, AT_ONCE, port)
    loaded = await _helped(practice, port, count)
    answered = len(Records.since(practice, before).of("response_url", ".*")) - count
    assert answered < IN_FLIGHT / 10, f"{answered} are not in flight any more"
    return loaded


async def _helped(practice: Practice, port: int, count: int) -> float:
    people = everybody(practice)
    calls = [
        command_call(practice, people[-1 - number % len(people)], "help") for number in range(count)
    ]
    return percentile(await one_by_one(port, calls, PAUSE), 0.99)
