"""Several bots on one PostgreSQL, each in a process of its own: races, deaths, frost, outages.

The longer runs are commands: `python -m tests.race`, `tests.crash_sweep --postgres` (and
`--freeze`), `tests.outage`.
"""

import pytest

from bot.domain.item import State
from bot.sandbox.partner_center import Gate, Trouble, records
from bot.sandbox.practice import ALICE, BOB, CAROL
from tests.outage import outage
from tests.postgres import PostgresServer
from tests.race import race
from tests.story import SHOWS, Story


async def test_of_fifty_clicks_on_two_bots_one_approves_and_one_upgrades(
    postgres: PostgresServer,
) -> None:
    """And each of the others learns the truth."""
    rounds = await race(3, await postgres.new_database())
    assert [each.is_good for each in rounds] == [True] * 3


@pytest.mark.parametrize("guard", ["compare_and_set", "claim"])
async def test_without_its_guards_the_race_would_be_lost(
    postgres: PostgresServer, guard: str
) -> None:
    """So the test above can fail: in the first round, or where nobody happened to meet anybody in
    the next."""
    *_, bad = await race(10, await postgres.new_database(), without=guard)
    assert not bad.is_good
    assert bad.approved > 1 if guard == "compare_and_set" else bad.posts > 1


async def test_the_database_may_fall_while_an_upgrade_is_being_sent(
    fallible_postgres: PostgresServer,
) -> None:
    """For longer than a bot may be silent: both bots try to settle it, and it is told once."""
    if not fallible_postgres.can_fall:
        pytest.skip("the machine's own PostgreSQL is not ours to stop")
    end = await outage(fallible_postgres, seconds=2, take_over=1)
    assert end.is_good, end


async def test_a_bot_that_freezes_while_it_sends_is_relieved_and_harms_nothing_when_it_wakes(
    postgres: PostgresServer,
) -> None:
    """The other looks and tells the result; the first wakes with the answer in its hands."""
    story = Story(bots=2, database=await postgres.new_database())
    await story.start()
    try:
        first, second = story.bots
        await first.start()
        await story.approved()
        gate = Gate()
        story.practice.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate, after=True))
        await story.press(ALICE, "Upgrade now")
        await gate.arrived.wait()
        first.freeze()
        gate.opened.set()
        await second.start()
        assert await story.wait(lambda: story.shows(SHOWS[State.DONE]))
        first.thaw()
        await first.stop()
        ending = await story.ending()
        assert ending.is_good
        assert ending.posts == 1
        assert len(set(ending.told)) == len(ending.told)
    finally:
        await story.end()


async def test_when_a_bot_dies_in_the_middle_of_several_another_goes_on(
    postgres: PostgresServer,
) -> None:
    """The item in flight is settled by looking, and every item is sent once."""
    story = Story(bots=2, database=await postgres.new_database())
    partner = story.practice.partner_center
    for n in range(1, 5):
        customer = partner.records.add_customer(f"Shop {n}", f"shop{n}.example")
        partner.records.add_subscription(customer, records.E1, n)
    await story.start()
    try:
        first, second = story.bots
        await first.start()
        await story.asked_for_all([f"shop{n}.example" for n in range(1, 5)])
        gate = Gate()
        opened = Gate()
        opened.opened.set()
        held = Trouble(gate=gate, after=True)
        partner.trouble("POST", "/upgrades", Trouble(gate=opened), held)
        await story.press(ALICE, "Upgrade now")
        await gate.arrived.wait()
        first.kill()
        await first.died()
        gate.opened.set()
        await second.start()
        assert await story.wait(lambda: story.shows("✅ Upgraded"))
        assert await story.wait(lambda: any("everything is settled" in m for m in story.lines()))
        items = await story.items()
        assert [item.state for item, _ in items] == [State.DONE] * 4
        assert len(partner.records.performed) == story.posts() == 4
        assert len(set(story.lines())) == len(story.lines())
    finally:
        await story.end()


async def test_a_bot_that_is_asked_to_stop_hands_over_what_it_cannot_finish(
    postgres: PostgresServer,
) -> None:
    """A stop gives running work some time, then the other bot looks at once."""
    story = Story(bots=2, database=await postgres.new_database())
    await story.start(UPGRADE_BOT_TAKE_OVER_SECONDS="60")
    try:
        first, second = story.bots
        await first.start(grace=0.2)
        await story.approved()
        gate = Gate()
        story.practice.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate, after=True))
        await story.press(ALICE, "Upgrade now")
        await gate.arrived.wait()
        await second.start()
        await first.stop()
        assert await story.wait(lambda: story.shows(SHOWS[State.DONE]))
        gate.opened.set()
        assert (await story.ending()).is_good
    finally:
        await story.end()


async def test_a_click_that_is_delivered_again_to_another_bot_has_one_effect_and_one_answer(
    postgres: PostgresServer,
) -> None:
    """Slack delivers again to whichever connection it likes."""
    story = Story(bots=2, database=await postgres.new_database())
    await story.start()
    try:
        for bot in story.bots:
            await bot.start()
        await story.asked()
        story.practice.slack.deliveries = 6
        await story.press(BOB, "Approve")
        assert await story.wait(lambda: bool(story.private(BOB)))
        await story.press(CAROL, "Approve")
        assert await story.wait(lambda: story.shows("🔵 Approved"))
        for bot in story.bots:
            await bot.stop()
        assert len(story.private(BOB)) == 1
        assert story.private(CAROL) == []
    finally:
        await story.end()
