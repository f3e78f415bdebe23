"""Every switch breaks what it says, and can be put back."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.generated import fill
from bot.sandbox.partner_center import PartnerCenterServer, Records
from bot.sandbox.practice import ALICE, CHANNEL, Practice, PracticeClock, Size, workspace
from bot.sandbox.switches import SWITCHES, put_all_back, throw, thrown
from tests.conftest import Start
from tests.workspace import START, Conversation

INSTANT = {"drift", "disconnect"}


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    """Both servers, without a bot."""
    practice = Practice(PracticeClock(lambda: START))
    await practice.start()
    yield practice
    await practice.stop()


@pytest.mark.parametrize("switch", [each.id for each in SWITCHES])
async def test_a_switch_shows_that_it_is_thrown_and_goes_back(
    practice: Practice, switch: str
) -> None:
    """With every one of its choices."""
    choices = next(each.choices for each in SWITCHES if each.id == switch)
    for choice, _ in choices:
        await throw(practice, switch, choice)
        in_force = thrown(practice).get(switch, "")
        expected = "" if switch in INSTANT else choice
        assert in_force == expected or (switch, in_force) == ("down", "1")
    await throw(practice, switch, "")
    assert thrown(practice) == {}
    with pytest.raises(LookupError):
        await throw(practice, switch, "nonsense")


async def test_all_are_put_back_at_once(practice: Practice) -> None:
    """However many there are."""
    for switch in SWITCHES:
        await throw(practice, switch.id, switch.choices[0][0])
    assert thrown(practice)
    await put_all_back(practice)
    assert thrown(practice) == {}


async def approved(start: Start) -> Conversation:
    """A request that can be performed."""
    there = await start()
    await there.alice.asks_for_e3()
    await there.carol.presses("Approve")
    await there.card()
    return there


EXPECTED: dict[tuple[str, str], str] = {
    ("throttled", "upgrading"): "Approved",
    ("refused", "3"): "failed",
    ("status", "403"): "failed",
    ("lost", "before"): "Checking the result",
    ("lost", "after"): "Upgraded",
    ("throttled", "reading"): "Upgraded",
    ("sign_in", "50076"): "Approved",
    ("drift", "now"): "Approval needed",
    ("lag", "on"): "Upgraded",
    ("rate_limit", "posting"): "Upgraded",
    ("down", "1"): "Upgraded",
    ("twice", "on"): "Upgraded",
}


@pytest.mark.parametrize(("switch", "choice"), EXPECTED)
async def test_the_bot_meets_a_trouble_as_people_see_it(
    start: Start, switch: str, choice: str
) -> None:
    """One trouble at the click that buys; whatever comes, nothing is bought twice."""
    there = await approved(start)
    await throw(there.practice, switch, choice)
    await there.alice.presses("Upgrade now")
    await there.passes(minutes=1)
    await put_all_back(there.practice)
    await there.passes(minutes=2)
    assert EXPECTED[switch, choice] in await there.card()
    assert len(there.upgrades()) <= 1
    await there.thread()
    await there.alice.reads()


async def test_licences_that_do_not_move_are_as_many_as_ordered(start: Start) -> None:
    """Two people are named in the thread."""
    there = await start()
    await there.alice.asks_for_e3(option="Office 365 Enterprise E3 (with licence transfer)")
    await there.carol.presses("Approve")
    await throw(there.practice, "licences", "2")
    await there.alice.presses("Upgrade now")
    assert "2 licences did not move" in await there.card()
    assert "User 2" in await there.thread()
    await there.alice.reads()


async def test_everything_begins_anew(start: Start) -> None:
    """Another workspace, another bot, the time as it is."""
    there = await approved(start)
    await there.card()
    await there.thread()
    await there.alice.reads()
    practice = there.practice
    before = practice.environment()
    practice.clock.move(timedelta(days=3))
    await practice.reset()
    assert practice.clock() == START
    assert practice.slack.workspace.messages == []
    assert practice.environment()["SLACK_BOT_TOKEN"] != before["SLACK_BOT_TOKEN"]
    await practice.slack.interactions.command(ALICE, CHANNEL, "/upgrade", "help")


def a_partner(seed: int) -> Any:
    """What a seed makes."""
    slack = workspace(PracticeClock(lambda: START))
    server = PartnerCenterServer(Records(PracticeClock(lambda: START)))
    fill(slack, server, channel=CHANNEL, customers=300, people=40, seed=seed)
    names: Callable[[Any], Any] = lambda c: (c["id"], c["companyProfile"])  # noqa: E731
    customers = [names(each) for each in server.records.customers.values()]
    seats = [[s["quantity"] for s in each] for each in server.records.subscriptions.values()]
    return customers, seats, [user.real_name for user in slack.users.values()]


def test_a_seed_always_makes_the_same_partner() -> None:
    """And another seed another one."""
    customers, seats, people = a_partner(7)
    assert (len(customers), len(people)) == (300, 41)
    assert len({domain["domain"] for _, domain in customers}) == 300
    assert all(seats)
    assert a_partner(7) == (customers, seats, people)
    assert a_partner(8)[0] != customers


async def test_the_bot_works_with_five_thousand_customers_and_slacks_limits() -> None:
    """As `upgrade-bot demo --customers 5000 --people 40` starts it."""
    practice = Practice(PracticeClock(lambda: START), size=Size(5000, 40, 3))
    await practice.start()
    await practice.start_bot()
    there = Conversation(practice)
    await there.alice.types("/upgrade contoso")
    assert "press what it should become" in await there.alice.reads()
    await there.alice.types("/upgrade summit steel")
    assert "Summit Steel" in await there.alice.reads()
    assert len(practice.partner_center.records.customers) == 5000
    assert len(practice.slack.workspace.channels[CHANNEL].members) == 41
    await there.bot.quiet()
    await practice.stop()
