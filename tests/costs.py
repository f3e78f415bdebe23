"""Counts what a click costs: transactions in the database, round trips to PostgreSQL, calls."""

from collections import Counter
from re import sub
from sys import setprofile
from types import FrameType

import asyncpg

from bot.sandbox.partner_center import records
from bot.sandbox.practice import CAROL
from bot.telemetry import metrics
from tests.round_trips import RoundTrips
from tests.story import Story
from tests.tables import asked
from tests.workspace import Conversation


def transactions() -> int:
    """How many there were in this process."""
    value = metrics.REGISTRY.get_sample_value
    name = "upgrade_bot_database_transactions_total"
    return sum(int(value(name, {"kind": kind}) or 0) for kind in ("read", "write"))


async def transactions_of_an_approval(workspace: Conversation) -> int:
    """*Approve* on a card of one upgrade, with the card shown and the requester told."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    before = transactions()
    await workspace.carol.presses("Approve")
    assert "🔵 Approved" in await workspace.card()
    return transactions() - before


async def transactions_of_approving(workspace: Conversation, number: int) -> int:
    """*Approve all* on a card of so many."""
    await asked(workspace, number)
    before = transactions()
    await workspace.carol.presses("Approve all")
    assert "🔵 Approved" in await workspace.card()
    return transactions() - before


async def transactions_of_upgrading(workspace: Conversation) -> int:
    """From *Upgrade now* on the newest card to the end of all its items, with all of it shown."""
    before = transactions()
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    return transactions() - before


async def calls_of_a_look_up(workspace: Conversation) -> Counter[str]:
    """`/upgrade contoso`, of a customer with three subscriptions; by name, without the ids."""
    await workspace.bot.directory.refresh()
    traffic = workspace.practice.traffic
    before = traffic.exchanges[-1].number
    await workspace.alice.types("/upgrade contoso")
    assert "press what it should become" in await workspace.alice.reads()
    made = [each for each in traffic.exchanges if each.number > before and each.kind != "payload"]
    return Counter(sub(r"[0-9a-fA-F-]{36}", "…", each.name) for each in made)


async def questions_of_a_look_up(workspace: Conversation) -> Counter[str]:
    """What the bot asks of its own knowledge of people meanwhile, where Slack has been asked
    already: by the names of the methods of `SlackPeople`."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    asked: dict[int, FrameType] = {}  # a coroutine is the same frame each time it goes on

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_qualname.startswith("SlackPeople."):
            asked[id(frame)] = frame

    setprofile(note)
    try:
        await workspace.alice.types("/upgrade contoso")
        await workspace.alice.reads()
    finally:
        setprofile(None)
    return Counter(frame.f_code.co_name for frame in asked.values())


async def round_trips_of_approvals(database: str, number: int) -> list[int]:
    """*Approve* in a bot on PostgreSQL, with the card shown, so many times; without those of the
    queue's own connection, for which nobody waits. The bot has approved once before."""
    round_trips = RoundTrips(database)
    await round_trips.start()
    story = Story(database=round_trips.url)
    names = [f"Customer {each}" for each in range(number + 1)]
    partner = story.practice.partner_center.records
    for name in names:
        partner.add_subscription(partner.add_customer(name, f"{name[-1]}.example"), records.E1, 5)
    await story.start()
    taken = []
    try:
        await story.bots[0].start(counted=False)
        for name in names:
            await story.asked(name)
            await nothing_is_left(database)
            before = round_trips.of_the_store
            await story.press(CAROL, "Approve")
            assert await story.wait(lambda: story.shows("🔵 Approved"))
            await nothing_is_left(database)
            taken.append(round_trips.of_the_store - before)
    finally:
        await story.end()
        await round_trips.stop()
    return taken[1:]


async def nothing_is_left(database: str) -> None:
    """Wait until everything is shown and no job waits or runs, asking past the bot."""
    connection = await asyncpg.connect(database)
    while await connection.fetchval(
        "SELECT EXISTS (SELECT FROM requests WHERE shown_revision < revision) "
        "OR EXISTS (SELECT FROM pgqueuer)"
    ):
        pass
    await connection.close()
