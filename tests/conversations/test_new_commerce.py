"""New-commerce subscriptions: transitions, which Partner Center works on for a while."""

from datetime import timedelta

import pytest

from bot.sandbox.partner_center import Trouble
from tests.workspace import Conversation


async def ask(workspace: Conversation, button: str, **fields: str) -> None:
    """Ask for an upgrade of Litware's first subscription, and have it approved."""
    await workspace.alice.types("/upgrade litware")
    await workspace.alice.reads()
    await workspace.alice.presses(button)
    await workspace.alice.fills_in(reason="They grow.", **fields)
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()


async def test_what_is_possible_is_listed_with_what_an_upgrade_would_delete(
    workspace: Conversation,
) -> None:
    """Targets, ways, subscriptions to move into, and what can only be scheduled."""
    await workspace.alice.types("/upgrade litware")
    told = await workspace.alice.reads()
    assert (
        """\
Microsoft 365 Business Basic
10 seats · active · 1 year, billed monthly · renews Feb 28, 2027 · scheduled for the renewal: \
CFQ7TTC0LDPB:0001 12 seats
[Microsoft 365 Business Standard (upgrade only)] \
[Microsoft 365 Business Standard (with licence transfer)] \
[Microsoft 365 Business Standard (upgrade only, into Head office)] \
[Microsoft 365 Business Standard (with licence transfer, into Head office)] \
[Microsoft 365 Business Premium (upgrade only)] \
[Microsoft 365 Business Premium (with licence transfer)]
At the renewal: Microsoft 365 Business Standard (upgrade only)"""
        in told
    )
    await workspace.alice.presses("Microsoft 365 Business Standard (upgrade only)")
    form = await workspace.alice.sees_form()
    assert "The change scheduled for the renewal (CFQ7TTC0LDPB:0001 12 seats) is deleted." in form
    assert "Seats: ____" in form


async def test_a_transition_is_followed_until_partner_center_is_done(
    workspace: Conversation,
) -> None:
    """The card says that it runs, across a restart, and the result comes by itself."""
    await ask(workspace, "Microsoft 365 Business Standard (with licence transfer)")
    await workspace.alice.presses("Upgrade now")
    assert "⚙️ Upgrade in progress" in await workspace.card()
    assert "Partner Center has taken it and works on it" in await workspace.thread()
    await workspace.passes(minutes=10)
    await workspace.restarts()
    assert "⚙️ Upgrade in progress" in await workspace.card()
    await workspace.passes(minutes=30)
    assert "✅ Upgraded" in await workspace.card()
    told = await workspace.thread()
    assert (
        "Subscription: now Microsoft 365 Business Standard, before Microsoft 365 Business Basic "
        "(the same subscription" in told
    )
    assert workspace.posts() == len(workspace.upgrades()) == 1


async def test_a_part_of_the_seats_can_move(workspace: Conversation) -> None:
    """As many as are typed, and no more than there are."""
    await workspace.alice.types("/upgrade litware")
    await workspace.alice.reads()
    await workspace.alice.presses("Microsoft 365 Business Standard (upgrade only)")
    for wrong in ("0", "11", "many", "-1"):
        await workspace.alice.fills_in(reason="Some.", seats=wrong)
        assert "! Please type a number from 1 to 10." in await workspace.alice.sees_form()
    await workspace.alice.fills_in(reason="Some.", seats="4")
    card = await workspace.card()
    assert "Seats: 4 (the old subscription has 10)" in card
    assert "6 seats stay on the old plan." in card
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    await workspace.passes(minutes=40)
    assert "✅ Upgraded" in await workspace.card()
    assert "Old subscription: Microsoft 365 Business Basic, keeps 6 seats" in (
        await workspace.thread()
    )


async def test_seats_can_move_into_another_subscription(workspace: Conversation) -> None:
    """One that exists, with its own term."""
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only, into Head office)")
    await workspace.alice.presses("Upgrade now")
    await workspace.passes(minutes=40)
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    records = workspace.partner_center.records
    litware = records.find_customers("CompanyName", "Litware")[0]["id"]
    assert [s["quantity"] for s in records.subscriptions[litware]] == [0, 15]


@pytest.mark.parametrize("as_on_the_page", [False, True])
async def test_a_lost_answer_is_found_in_the_history(
    workspace: Conversation, as_on_the_page: bool
) -> None:
    """In either of the shapes that Microsoft has for it; nothing is sent again."""
    workspace.partner_center.transitions.as_on_the_page = as_on_the_page
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)")
    workspace.partner_center.trouble("POST", "/transitions", Trouble(cut=True, after=True))
    await workspace.alice.presses("Upgrade now")
    assert "⚙️ Upgrade in progress" in await workspace.card()
    told = await workspace.thread()
    assert "answer did not arrive" in told
    assert "Partner Center has taken it" in told
    await workspace.passes(minutes=40)
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    assert workspace.posts() == len(workspace.upgrades()) == 1


async def test_a_transition_that_never_arrived_is_handed_back(workspace: Conversation) -> None:
    """The history is empty for an hour: nothing happened."""
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)")
    workspace.partner_center.trouble("POST", "/transitions", Trouble(cut=True))
    await workspace.alice.presses("Upgrade now")
    assert "⚠️ Checking the result" in await workspace.card()
    for _ in range(13):
        await workspace.passes(minutes=5)
    assert "🔵 Approved" in await workspace.card()
    assert "shown no sign of an upgrade" in await workspace.thread()


async def test_a_transition_that_fails_in_the_end_says_why(workspace: Conversation) -> None:
    """By the table of transitions: its 11 is not the 11 of upgrades."""
    workspace.partner_center.transitions.fail_with = 11
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)")
    await workspace.alice.presses("Upgrade now")
    await workspace.passes(minutes=40)
    assert "❌ Upgrade failed" in await workspace.card()
    assert "finds no way from this plan to that one" in await workspace.thread()


async def test_a_trouble_while_following_changes_nothing(workspace: Conversation) -> None:
    """Partner Center is down for some of the looks."""
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)")
    await workspace.alice.presses("Upgrade now")
    workspace.partner_center.trouble("GET", "/transitions", *[Trouble(status=503)] * 8)
    await workspace.passes(minutes=1)
    await workspace.passes(minutes=5)
    assert "⚙️ Upgrade in progress" in await workspace.card()
    await workspace.passes(minutes=60)
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()


async def test_changed_seats_void_the_approval_here_too(workspace: Conversation) -> None:
    """Four of ten seats were approved; now there are twelve."""
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)", seats="4")
    records = workspace.partner_center.records
    litware = records.find_customers("CompanyName", "Litware")[0]["id"]
    records.subscriptions[litware][0]["quantity"] = 12
    await workspace.alice.presses("Upgrade now")
    assert "⏳ Approval needed" in await workspace.card()
    assert "• seats: was 10, is 12" in await workspace.thread()
    assert workspace.posts() == 0


async def test_licences_that_fail_after_the_plan_are_told(workspace: Conversation) -> None:
    """With licence transfer it is not done before the licences are settled."""
    workspace.partner_center.transitions.licences_take = timedelta(minutes=5)
    workspace.partner_center.transitions.licences_fail = True
    await ask(workspace, "Microsoft 365 Business Standard (with licence transfer)")
    await workspace.alice.presses("Upgrade now")
    await workspace.passes(minutes=36)
    assert "⚙️ Upgrade in progress" in await workspace.card()
    await workspace.passes(minutes=10)
    assert "The users' licences did not move" in await workspace.card()
    assert "Assign the new ones by hand." in await workspace.thread()


async def test_a_transition_that_nobody_lists_is_read_from_the_subscription(
    workspace: Conversation,
) -> None:
    """Neither the answer nor the history knows of it, but the plan has changed."""
    workspace.partner_center.transitions.silent = True
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)")
    await workspace.alice.presses("Upgrade now")
    assert "⚠️ Checking the result" in await workspace.card()
    for _ in range(8):
        await workspace.passes(minutes=5)
    assert "✅ Upgraded" in await workspace.card()
    assert "this is what Partner Center shows" in await workspace.thread()
    assert workspace.posts() == len(workspace.upgrades()) == 1


async def test_an_operation_that_vanishes_ends_after_days(workspace: Conversation) -> None:
    """Its history is empty and nothing has changed: somebody has to look, and nothing waits on."""
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)")
    workspace.partner_center.transitions.take = timedelta(days=365)
    await workspace.alice.presses("Upgrade now")
    assert "⚙️ Upgrade in progress" in await workspace.card()
    workspace.partner_center.transitions.silent = True
    await workspace.passes(days=2)
    assert "⚙️ Upgrade in progress" in await workspace.card()
    await workspace.passes(days=2)
    assert "❌ Upgrade failed" in await workspace.card()
    assert "Look at Partner Center before you do anything else." in await workspace.thread()


async def test_trouble_with_what_is_possible_at_the_renewal_hides_nothing(
    workspace: Conversation,
) -> None:
    """It is for information only."""
    workspace.partner_center.trouble("GET", "eligibilityType=scheduled", *[Trouble(status=400)] * 2)
    await workspace.alice.types("/upgrade litware")
    assert "[Microsoft 365 Business Standard (upgrade only)]" in await workspace.alice.reads()


async def test_after_drift_the_new_term_can_be_approved_and_performed(
    workspace: Conversation,
) -> None:
    """Whatever changed, it is the same choice; it only has to be approved anew."""
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)")
    records = workspace.partner_center.records
    litware = records.find_customers("CompanyName", "Litware")[0]["id"]
    records.subscriptions[litware][0]["billingCycle"] = "annual"
    await workspace.alice.presses("Upgrade now")
    assert "⏳ Approval needed" in await workspace.card()
    assert "• billing cycle: was billed monthly, is billed annually" in await workspace.thread()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    await workspace.passes(minutes=40)
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()


async def test_a_hanging_count_of_licences_holds_nothing_up(workspace: Conversation) -> None:
    """The counts are nice to have; throttling them slows nothing else down."""
    await ask(workspace, "Microsoft 365 Business Standard (upgrade only)")
    workspace.partner_center.trouble("GET", "/subscribedskus", Trouble(status=429, retry_after=57))
    await workspace.alice.presses("Upgrade now")
    assert "⚙️ Upgrade in progress" in await workspace.card()
    await workspace.thread()
    await workspace.passes(minutes=40)
    await workspace.card()
    await workspace.thread()
