"""From `/upgrade contoso` to the options on screen, when Partner Center takes 300 ms for a call and
Slack 100 ms.

The reference is the ideal: the longest chain of the calls that were made and must follow one
another, times what each takes. At most eight calls at once go to Partner Center.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from bot.sandbox.partner_center import records
from bot.sandbox.practice import CHANNEL, Practice
from tests.bench import programs
from tests.bench.caller import connected, make
from tests.bench.chains import LOOK_UP, Records, newest
from tests.bench.figure import Curve, Figure, Measured, middle
from tests.bench.people import command_call, everybody, quiet, until, workspace

PARTNER_CENTER, SLACK = 0.3, 0.1
MANY = 60
STEPS = (1, 2, 4, 8, 16, 32, MANY)


async def looking_up(*, quick: bool) -> Measured:
    """A customer of three subscriptions, one of sixty, and in full those in between."""
    async with slow_workspace([MANY] if quick else STEPS) as (practice, port):
        people = iter(everybody(practice))
        count = 2 if quick else 3
        looks = [await _looked_up(practice, port, next(people), "contoso") for _ in range(count)]
        name = "from /upgrade contoso to the options"
        figures = [_figure(name, looks, 1.1)]
        curve: list[tuple[float, float]] = []
        for count in [MANY] if quick else STEPS:
            customer = f"with-{count}.example"
            rounds = 1 if quick else 3
            asker = next(people)
            await practice.slack.interactions.command(asker, CHANNEL, "/upgrade", "help")
            await quiet(practice, 0.3)  # Slack was asked who that is
            looks = [
                await _looked_up(practice, port, asker, customer, count) for _ in range(rounds)
            ]
            curve.append((middle([a for a, _ in looks]), middle([b for _, b in looks])))
        figures.append(_figure(f"{name} of {MANY} subscriptions", looks, 1.2))
    values, ideal = zip(*curve, strict=True)
    title = "From the command to the options"
    along = "subscriptions"
    return Measured(
        figures,
        [Curve("look-up-by-subscriptions", title, along, "s", STEPS, values, ideal, "ideal")],
    )


def _figure(name: str, looks: list[tuple[float, float]], limit: float) -> Figure:
    taken, ideal = (middle(each) for each in zip(*looks, strict=True))
    return Figure(name, taken, "s", ideal, limit)


@asynccontextmanager
async def slow_workspace(
    sizes: "list[int] | tuple[int, ...]",
) -> AsyncIterator[tuple[Practice, int]]:
    """A bot on a workspace that takes its time, and customers of these many subscriptions."""
    async with workspace(people=40) as practice:
        for count in sizes:
            add_customer(practice, f"with-{count}.example", count)
        async with programs.bot(practice) as bot:
            await quiet(practice, 0.3)  # it has read its customers
            practice.partner_center.delay, practice.slack.delay = PARTNER_CENTER, SLACK
            yield practice, bot.port


def add_customer(practice: Practice, domain: str, count: int) -> None:
    """A customer with so many subscriptions, each with a name of its own."""
    partner = practice.partner_center.records
    customer = partner.add_customer(domain.partition(".")[0].capitalize(), domain)
    for number in range(count):
        partner.add_subscription(customer, records.E1, 5, name=_name(number))


def _name(number: int) -> str:
    return f"Unit {number:03}"


async def _looked_up(
    practice: Practice, port: int, user: str, customer: str, count: int = 0
) -> tuple[float, float]:
    """Seconds from the command until all is on the screen, and how many it must take at least."""
    before, messages = newest(practice), practice.slack.workspace.messages
    shown = len(messages)
    names = {_name(number) for number in range(count)} or {"press what it should become"}

    def all_there() -> bool | None:
        theirs = [each for each in messages[shown:] if each.only_for == user]
        said = json.dumps([each.blocks for each in theirs])
        return all(name in said for name in names) or None

    call = command_call(practice, user, customer)
    async with connected(1, port) as (connection,):
        began = perf_counter()
        await make(connection, call)
        await until(practice, all_there)
        taken = perf_counter() - began
    made = Records.since(practice, before)
    return taken, made.longest_chain(LOOK_UP, SLACK, PARTNER_CENTER)
