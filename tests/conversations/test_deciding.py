"""Who may decide, when, and what everybody else is told."""

import asyncio
import copy
from datetime import timedelta

import pytest

from bot.sandbox.practice import BOB, CHANNEL
from bot.sandbox.slack.web_api import Trouble
from tests.conftest import Start
from tests.workspace import Conversation, Somebody


async def test_a_decline_needs_a_reason_and_the_requester_reads_it(
    workspace: Conversation,
) -> None:
    """The form asks why; the card and the thread say it."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Decline")
    assert "Why not?: ____" in await workspace.carol.sees_form()
    await workspace.carol.fills_in(reason="   ")
    assert "! Please say why: the others read it." in await workspace.carol.sees_form()
    await workspace.carol.fills_in(reason="Their contract ends in May.")
    card = await workspace.card()
    assert "⛔ Declined" in card
    assert "Declined by @carol 2026-11-20 09:00 UTC: Their contract ends in May." in card
    assert card.endswith("\n[Ask again] [Partner Center]")
    assert await workspace.thread() == (
        "@alice: @carol declined this. Nothing was ordered. Reason: Their contract ends in May."
    )
    assert workspace.posts() == 0


async def test_the_requester_withdraws_and_nobody_else_can(workspace: Conversation) -> None:
    """Withdrawing closes the card; nothing was ordered."""
    await workspace.alice.asks_for_e3()
    await workspace.bob.presses("Withdraw")
    assert "Only @alice, who asked for it, can withdraw this." in await workspace.bob.reads()
    await workspace.alice.presses("Withdraw")
    assert (
        "Withdrawn by @alice 2026-11-20 09:00 UTC. Nothing was ordered." in await workspace.card()
    )
    assert await workspace.thread() == "@alice withdrew this. Nothing was ordered."


async def test_somebody_who_is_no_approver_changes_nothing(workspace: Conversation) -> None:
    """The refusal is private and names who may."""
    await workspace.alice.asks_for_e3()
    before = await workspace.card()
    for button in ("Approve", "Decline"):
        await workspace.bob.presses(button)
        assert await workspace.bob.reads() == (
            "Only @license-approvers can decide about this. Your click changed nothing."
        )
    assert await workspace.card() == before


async def test_only_the_requester_starts_the_upgrade(workspace: Conversation) -> None:
    """An approval is not a licence for everybody to press the last button."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()
    await workspace.bob.presses("Upgrade now")
    assert "Only @alice, who asked for it, can start this upgrade." in await workspace.bob.reads()
    assert workspace.posts() == 0


async def test_a_second_click_is_told_what_the_first_one_did(workspace: Conversation) -> None:
    """The same click delivered again has one effect, and a true answer."""
    await workspace.alice.asks_for_e3()
    click = await workspace.carol.payload_of("Approve")
    await workspace.carol.sends(click)
    await workspace.carol.sends(click)
    assert await workspace.carol.reads() == (
        "You have approved this already. This was already approved by @carol 2026-11-20 09:00 UTC."
    )
    assert "🔵 Approved" in await workspace.card()
    await workspace.thread()


async def test_ten_clicks_at_once_are_one_upgrade(workspace: Conversation) -> None:
    """Nine of ten simultaneous confirmations learn that it runs or is done already."""
    await workspace.alice.asks_for_e3()
    click = await workspace.carol.payload_of("Approve")
    made = workspace.practice.traffic.exchanges
    made.clear()
    await asyncio.gather(*(workspace.carol.sends(click) for _ in range(10)))
    assert (await workspace.carol.reads()).count("You have approved this already.") == 9
    assert [each.name for each in made].count("usergroups.users.list") == 1
    click = await workspace.alice.payload_of("Upgrade now")
    await asyncio.gather(*(workspace.alice.sends(click) for _ in range(10)))
    answers = await workspace.alice.reads()
    assert answers.count("This upgrade is already") == 9
    assert "✅ Upgraded" in await workspace.card()
    assert (await workspace.thread()).count("was upgraded") == 1
    assert len(workspace.upgrades()) == workspace.posts() == 1


async def test_two_approvers_at_once_are_both_answered_truly(start: Start) -> None:
    """One wins, and the other learns who."""
    workspace = await start('[policy]\napprovers = ["U0CAROL", "U0BOB"]')
    await workspace.alice.asks_for_e3()
    carols, bobs = (
        await workspace.carol.payload_of("Approve"),
        await workspace.bob.payload_of("Approve"),
    )
    await asyncio.gather(workspace.carol.sends(carols), workspace.bob.sends(bobs))
    answers = await workspace.carol.reads() + await workspace.bob.reads()
    assert answers.count("This was already approved by @") == 1
    assert "🔵 Approved" in await workspace.card()
    assert (await workspace.thread()).count("Approved by") == 1


async def test_a_click_that_comes_too_late_is_refused_before_any_timer_ran(
    workspace: Conversation,
) -> None:
    """Expiry is part of the step, and the click makes the card show it."""
    await workspace.alice.asks_for_e3()
    click = await workspace.carol.payload_of("Approve")
    workspace.practice.clock.move(timedelta(hours=24))
    await workspace.carol.sends(click)
    assert "This expired 2026-11-21 09:00 UTC" in await workspace.carol.reads()
    assert "⏰ Expired" in await workspace.card()
    assert "this expired before it was approved and confirmed" in await workspace.thread()


async def test_a_request_expires_by_itself(workspace: Conversation) -> None:
    """After a day without a decision the card says so, and the requester is told."""
    await workspace.alice.asks_for_e3()
    await workspace.passes(hours=23, minutes=59)
    assert "⏳ Approval needed" in await workspace.card()
    await workspace.thread()
    await workspace.passes(minutes=1)
    assert "⏰ Expired" in await workspace.card()
    assert "@alice: this expired" in await workspace.thread()


async def test_approvers_are_reminded_with_growing_pauses(workspace: Conversation) -> None:
    """In the thread, by name of the group; not any more when it is decided."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    await workspace.passes(hours=1, minutes=59)
    assert await workspace.thread() == ""
    await workspace.passes(minutes=1)
    assert await workspace.thread() == (
        "@license-approvers: this still waits for 1 approval. It expires 2026-11-21 09:00 UTC."
    )
    await workspace.passes(hours=3, minutes=59)
    assert await workspace.thread() == ""
    await workspace.passes(minutes=1)
    assert "this still waits" in await workspace.thread()
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()
    await workspace.passes(hours=10)
    assert await workspace.thread() == ""


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        '{"customer": "contoso", "seats": 1}',
        "00000000-0000-4000-8000-000000000000.1",
        "../../../etc/passwd.1",
        "'; DROP TABLE requests; --.1",
    ],
)
async def test_a_forged_button_value_changes_nothing(workspace: Conversation, value: str) -> None:
    """Buttons carry ids; whatever else somebody sends is refused."""
    await workspace.alice.asks_for_e3()
    before = await workspace.card()
    click = await workspace.carol.payload_of("Approve")
    click["actions"][0]["value"] = value
    await workspace.carol.sends(click)
    assert "Your click changed nothing." in await workspace.carol.reads()
    assert await workspace.card() == before


async def test_a_button_of_another_version_is_answered(workspace: Conversation) -> None:
    """A button that nobody expects any more is no dead end."""
    await workspace.alice.asks_for_e3()
    click = await workspace.carol.payload_of("Approve")
    click["actions"][0]["action_id"] = "approve_v0"
    await workspace.carol.sends(click)
    assert "This button is outdated or not mine." in await workspace.carol.reads()
    await workspace.card()


async def test_a_copy_of_the_card_in_another_channel_decides_nothing(
    workspace: Conversation,
) -> None:
    """The request belongs to the channel that it was asked in."""
    workspace.slack.add_channel("C0OTHER", "other", {workspace.carol.id, workspace.slack.bot.id})
    await workspace.alice.asks_for_e3()
    click = await workspace.carol.payload_of("Approve")
    copied = copy.deepcopy(click)
    copied["channel"]["id"] = copied["container"]["channel_id"] = "C0OTHER"
    await workspace.carol.sends(copied)
    assert "copies decide nothing" in await workspace.carol.reads()
    assert "⏳ Approval needed" in await workspace.card()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_restricted": True}, "a guest"),
        ({"is_bot": True}, "a bot"),
        ({"deleted": True}, "deactivated"),
        ({"team_id": "T0ELSEWHERE"}, "from another workspace"),
    ],
)
async def test_only_full_members_decide_though_they_are_in_the_group(
    workspace: Conversation, change: dict[str, object], words: str
) -> None:
    """Guests, bots, deactivated people and those of other workspaces are refused."""
    await workspace.alice.asks_for_e3()
    for name, value in change.items():
        setattr(workspace.slack.users[workspace.carol.id], name, value)
    await workspace.carol.presses("Approve")
    told = await workspace.carol.reads()
    assert "Only full members of this workspace can use upgrades" in told
    assert words in told or "from another workspace" in told
    assert "⏳ Approval needed" in await workspace.card()


async def test_an_unreadable_group_means_no(workspace: Conversation) -> None:
    """While Slack does not say who is in the group, nobody is."""
    await workspace.alice.asks_for_e3()
    workspace.practice.slack.trouble("usergroups.users.list", Trouble(error="fatal_error"))
    await workspace.carol.presses("Approve")
    assert "Slack did not tell me who may decide here" in await workspace.carol.reads()
    await workspace.carol.presses("Approve")
    assert "🔵 Approved" in await workspace.card()
    await workspace.thread()


async def test_leaving_the_group_ends_the_right_to_approve_within_a_minute(
    workspace: Conversation,
) -> None:
    """Membership is asked at the click, and kept for a minute only."""
    await workspace.alice.asks_for_e3()
    await workspace.bob.presses("Approve")
    await workspace.bob.reads()
    workspace.slack.groups["S0APPROVERS"] = {workspace.bob.id}
    await workspace.passes(minutes=1)
    await workspace.carol.presses("Approve")
    assert "Only @license-approvers can decide" in await workspace.carol.reads()
    await workspace.bob.presses("Approve")
    assert "Approved by @bob" in await workspace.card()
    await workspace.thread()


async def test_a_channel_full_of_approvers_counts_its_members_only(start: Start) -> None:
    """With `approvers = "channel"` whoever is not in the channel decides nothing."""
    workspace = await start('[policy]\napprovers = "channel"')
    workspace.slack.add_user("U0DAVE", "dave", "Dave, of another team")
    await workspace.alice.asks_for_e3()
    dave = Somebody(workspace, "U0DAVE")
    await dave.presses("Approve")
    assert "Only the full members of this channel can decide" in await dave.reads()
    await workspace.carol.presses("Approve")
    assert "🔵 Approved" in await workspace.card()
    await workspace.thread()


async def test_options_of_one_person_are_not_pressed_by_another(workspace: Conversation) -> None:
    """What was listed for Alice is hers; Bob asks himself."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    button = "Office 365 Enterprise E3 (upgrade only)"
    await workspace.bob.sends(await workspace.bob.payload_of(button, shown_to=workspace.alice))
    assert "These options were listed for somebody else." in await workspace.bob.reads()


async def test_options_are_good_for_a_day(workspace: Conversation) -> None:
    """Yesterday's button asks to list again instead of asking for yesterday's facts."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.passes(days=1, seconds=1)
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    assert "These options are more than a day old" in await workspace.alice.reads()


async def test_requesters_can_be_limited_to_a_group(start: Start) -> None:
    """Who may not ask is told who may, before anything is looked up."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nrequesters = ["U0BOB"]')
    asked = len(workspace.partner_center.calls)
    await workspace.alice.types("/upgrade contoso")
    assert "Only @bob can ask for upgrades here." in await workspace.alice.reads()
    assert len(workspace.partner_center.calls) == asked
    await workspace.bob.types("/upgrade contoso")
    assert "press what it should become" in await workspace.bob.reads()


async def test_every_delivery_twice_changes_nothing_more(workspace: Conversation) -> None:
    """Slack may deliver anything again: one card, one vote, one upgrade."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    workspace.practice.slack.deliveries = 2
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    assert await workspace.alice.reads() == ""
    workspace.practice.slack.deliveries = 1
    await workspace.alice.fills_in(reason="Once.")
    workspace.practice.slack.deliveries = 2
    await workspace.card()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    assert (await workspace.thread()).count("was upgraded") == 1
    await workspace.alice.reads()
    await workspace.carol.reads()
    assert len(workspace.upgrades()) == 1


async def test_the_card_is_one_message(workspace: Conversation) -> None:
    """However often it changes, the channel has one message and one thread."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    await workspace.thread()
    public = [m for m in workspace.slack.messages if m.channel == CHANNEL and not m.only_for]
    assert len([m for m in public if not m.thread_ts]) == 1


async def test_an_approver_says_that_they_are_looking(workspace: Conversation) -> None:
    """So that two do not do the same work; pressed again, or with a decision, it is gone."""
    workspace.slack.groups["S0APPROVERS"].add(BOB)
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("I'm looking")
    assert "👀 @carol is looking." in await workspace.card()
    await workspace.bob.presses("I'm looking")
    assert "👀 @carol, @bob are looking." in await workspace.card()
    await workspace.carol.presses("I'm looking")
    assert "👀 @bob is looking." in await workspace.card()
    await workspace.bob.presses("Approve")
    card = await workspace.card()
    assert "🔵 Approved" in card
    assert "looking" not in card
    assert "Approved by @bob" in await workspace.thread()


async def test_only_approvers_can_be_looking(workspace: Conversation) -> None:
    """The requester and everybody else are told who may, and the card stays as it is."""
    await workspace.alice.asks_for_e3()
    await workspace.alice.presses("I'm looking")
    assert "somebody else has to approve it" in await workspace.alice.reads()
    await workspace.bob.presses("I'm looking")
    assert "Only @license-approvers can decide about this." in await workspace.bob.reads()
    assert "👀" not in await workspace.card()
