"""From *Upgrade now* to the result in the thread, and how many calls a whole upgrade costs.

Before anything is sent the bot reads once more what was approved, with calls that can be made
together; the reference is the longest of them and the upgrade itself, as long as they took at a
Partner Center that takes 300 ms for each. Slack answers at once here.
"""

from time import perf_counter

from bot.sandbox.practice import ALICE, CAROL, Practice
from bot.sandbox.traffic import Exchange
from tests.bench import programs
from tests.bench.caller import connected, make, signed
from tests.bench.chains import FEWEST, ONE, Records, newest
from tests.bench.figure import Figure, Goal, Measured, middle
from tests.bench.looking_up import add_customer
from tests.bench.people import ask, button, click, click_body, quiet, until, workspace

A_CALL = 0.3
UPGRADE_NOW = "Upgrade now"
AT_MOST = 60
"""Milliseconds beyond the calls themselves."""


async def confirming(*, quick: bool) -> Measured:
    """Upgrades one after the other; the first is counted."""
    rounds = 2 if quick else 9
    async with workspace() as practice:
        for number in range(rounds):
            add_customer(practice, f"confirms-{number}.example", 1)
        async with programs.bot(practice) as bot:
            await quiet(practice, 0.3)  # it has read its customers
            calls = await _calls(practice, bot.port)
            domains = [f"confirms-{number}.example" for number in range(rounds)]
            ended = [await _timed(practice, bot.port, domain) for domain in domains]
    taken, reference = (middle(each) * 1e3 for each in zip(*ended, strict=True))
    name = "from Upgrade now to the result in the thread"
    return Measured(
        [
            Figure(name, taken, "ms", reference, AT_MOST, Goal.BEYOND),
            Figure("calls for one whole upgrade", calls, "calls", FEWEST, 1, Goal.EQUAL),
        ]
    )


async def _calls(practice: Practice, port: int) -> int:
    """How often the bot called anybody, from the command to the result in the thread."""
    before = newest(practice)
    await _approved(practice, "contoso")
    await _confirmed(practice, port)
    await quiet(practice, 0.3)
    return len(Records.since(practice, before).exchanges)


async def _timed(practice: Practice, port: int, customer: str) -> tuple[float, float]:
    """Seconds from the click to the result, and of the calls that must be in between."""
    await _approved(practice, customer)
    await quiet(practice)
    before = newest(practice)
    practice.partner_center.delay = A_CALL
    taken = await _confirmed(practice, port)
    practice.partner_center.delay = 0
    await quiet(practice)
    made = Records.since(practice, before)
    checks, sent = made.of("partner_center", "GET .*"), made.of("partner_center", f"POST {ONE}.*")
    return taken, _longest(checks) + _longest(sent)


def _longest(calls: list[Exchange]) -> float:
    return max(each.took_ms or 0 for each in calls) / 1e3


async def _approved(practice: Practice, customer: str) -> None:
    """Alice has asked, and Carol has approved."""
    card = await ask(practice, customer)
    before = len(practice.slack.workspace.messages)
    await practice.slack.interactions.click(CAROL, card, "approve")
    await until(practice, lambda: _told(practice, "Approved by", before))
    await until(practice, lambda: button(practice, UPGRADE_NOW))


async def _confirmed(practice: Practice, port: int) -> float:
    """Seconds from *Upgrade now* until the thread has the result."""
    found = button(practice, UPGRADE_NOW)
    assert found
    before = len(practice.slack.workspace.messages)
    secret = practice.slack.workspace.signing_secret
    pressed = signed(secret, click_body(click(practice, ALICE, *found)))
    async with connected(1, port) as (connection,):
        began = perf_counter()
        await make(connection, pressed)
        await until(practice, lambda: _told(practice, "was upgraded", before))
        return perf_counter() - began


def _told(practice: Practice, words: str, since: int) -> bool | None:
    """Whether a thread says so by now."""
    messages = practice.slack.workspace.messages[since:]
    return any(each.thread_ts and words in each.text for each in messages) or None
