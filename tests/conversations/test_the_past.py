"""`/upgrade history`, `help` and `status`: what was asked for, who may what, what is amiss."""

import pytest

from bot.sandbox.practice import ALICE, BOB, CAROL
from bot.sandbox.slack.web_api import Trouble
from tests.conftest import Start
from tests.workspace import Conversation


async def test_history_lists_what_became_of_each_request(workspace: Conversation) -> None:
    """The newest first, with who asked, who decided, and when; only the asker sees it."""
    await workspace.bob.types("/upgrade history")
    assert await workspace.bob.reads() == "No upgrade was asked for in this channel yet."
    await upgraded(workspace)
    await workspace.passes(hours=2)
    await workspace.thread()
    await workspace.bob.asks_for_e3("northwind", "Office 365 Business Premium (upgrade only)")
    await workspace.carol.presses("Decline")
    await workspace.carol.fills_in(reason="Not now.")
    await workspace.card()
    await workspace.thread()

    await workspace.bob.types("/upgrade history")
    assert (await workspace.bob.reads()).splitlines() == [
        "Upgrades asked for in this channel, the newest first:",
        "⛔ Declined↗ · Northwind Traders: Office 365 Business Essentials → Office 365 Business "
        "Premium, upgrade only, 4 seats",
        "Asked by @bob 2026-11-20 11:00 UTC · declined by @carol 2026-11-20 11:00 UTC",
        "✅ Upgraded↗ · Contoso: Office 365 Enterprise E1 → Office 365 Enterprise E3, upgrade "
        "only, 25 seats",
        "Asked by @alice 2026-11-20 09:00 UTC · approved by @carol · ended 2026-11-20 09:00 UTC",
    ]


async def test_history_of_mine_and_of_a_customer(workspace: Conversation) -> None:
    """`mine` is what the person asked for; a customer is called as for an upgrade."""
    await upgraded(workspace)
    await workspace.alice.types("/upgrade history mine")
    assert "Upgrades asked for by you" in await workspace.alice.reads()
    await workspace.bob.types("/upgrade history MINE")
    assert await workspace.bob.reads() == "No upgrade was asked for by you yet."
    await workspace.bob.types("/upgrade history contoso.onmicrosoft.com")
    assert "✅ Upgraded↗ · Contoso" in await workspace.bob.reads()
    await workspace.bob.types("/upgrade history fabrikam")
    assert "for “fabrikam” in this channel yet" in await workspace.bob.reads()
    await workspace.bob.types("/upgrade history contosso")
    assert "Did you mean" in await workspace.bob.reads()


async def test_history_of_another_channel_stays_there(workspace: Conversation) -> None:
    """What was said in one channel is not read in another."""
    await upgraded(workspace)
    people = {ALICE, CAROL, workspace.slack.bot.id}
    workspace.slack.add_channel("C0OTHER", "other", people)
    await workspace.alice.types("/upgrade history", channel="C0OTHER")
    assert await workspace.alice.reads() == "No upgrade was asked for in this channel yet."
    await workspace.alice.types("/upgrade history contoso", channel="C0OTHER")
    assert "in this channel yet" in await workspace.alice.reads()


async def test_a_long_history_says_that_it_goes_on(workspace: Conversation) -> None:
    """Nothing is cut silently."""
    for _ in range(16):
        await workspace.alice.asks_for_e3()
        await workspace.alice.presses("Withdraw")
        await workspace.card()
        await workspace.thread()
    await workspace.alice.reads()
    await workspace.alice.types("/upgrade history")
    told = await workspace.alice.reads()
    assert told.count("↩️ Withdrawn") == 15
    assert "Older ones are not shown." in told


async def test_who_may_not_ask_reads_no_history(start: Start) -> None:
    """The past is for those who may ask for upgrades."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nrequesters = ["U0BOB"]')
    for command in ("/upgrade history", "/upgrade history mine", "/upgrade history contoso"):
        await workspace.alice.types(command)
        assert "Only @bob can ask for upgrades here." in await workspace.alice.reads()


async def test_help_says_who_may_do_what_here(start: Start) -> None:
    """By the policy of the channel."""
    workspace = await start(
        '[policy]\napprovers = ["S0APPROVERS"]\nconfirm = "approver"\n'
        '[[policy.rules]]\nchannels = ["C0UPGRADES"]\napprovals = 2\n'
    )
    await workspace.alice.types("/upgrade help")
    told = await workspace.alice.reads()
    assert "/upgrade contoso.onmicrosoft.com" in told
    assert "Ask: the full members of this channel" in told
    assert "Approve or decline: @license-approvers (2 approvals," in told
    assert "Press Upgrade now: not whoever asked, but @license-approvers" in told


async def test_the_form_warns_of_other_requests_for_the_same_subscription(
    workspace: Conversation,
) -> None:
    """Two people who do the same work, or a second click on an old list, are told."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.bob.types("/upgrade contoso")
    await workspace.bob.reads()
    e3 = "Office 365 Enterprise E3 (upgrade only)"
    await workspace.alice.presses(e3)
    assert "was asked about before" not in await workspace.alice.sees_form()
    await workspace.alice.fills_in(reason="They need Office.")
    await workspace.card()
    await workspace.bob.presses(e3)
    form = await workspace.bob.sees_form()
    assert "⚠️ This subscription was asked about before:" in form
    told = "⏳ Approval needed: Office 365 Enterprise E3↗, asked by @alice 2026-11-20"
    assert told in form


async def test_the_form_warns_of_what_was_upgraded_lately_and_of_nothing_else(
    workspace: Conversation,
) -> None:
    """An upgrade of this month is worth a word, a request that came to nothing is not."""
    await workspace.bob.types("/upgrade contoso")
    await workspace.bob.reads()
    await workspace.alice.asks_for_e3()
    await workspace.alice.presses("Withdraw")
    await workspace.card()
    await workspace.thread()
    await upgraded(workspace)
    await workspace.bob.presses("Office 365 Enterprise E5 (upgrade only)")
    form = await workspace.bob.sees_form()
    assert "• ✅ Upgraded: Office 365 Enterprise E3↗, asked by @alice" in form
    assert "Withdrawn" not in form


async def test_status_says_what_is_in_order_for_whom(workspace: Conversation) -> None:
    """Each reader's own lines."""
    await workspace.carol.types("/upgrade status")
    assert (await workspace.carol.reads()).splitlines() == [
        "✅ Good: I am in this channel.",
        "✅ Good: You may ask for upgrades here.",
        "✅ Good: You may approve what others ask for here.",
        "✅ Good: All customers are known, so you can type ahead.",
    ]
    await workspace.alice.types("/upgrade STATUS")
    told = await workspace.alice.reads()
    assert "⚠️ Not so: You may not approve what others ask for here: you are not in every" in told


@pytest.mark.parametrize("private", [False, True])
async def test_status_tells_what_to_do_where_the_bot_is_not(
    workspace: Conversation, private: bool
) -> None:
    """The most frequent trouble with such bots."""
    workspace.slack.add_channel("C0OTHER", "other", {ALICE})
    workspace.slack.channels["C0OTHER"].is_private = private
    await workspace.alice.types("/upgrade status", channel="C0OTHER")
    told = await workspace.alice.reads()
    assert "I am not in this channel, so no card can appear here: type /invite" in told.replace(
        "`", ""
    )


async def test_status_of_a_guest_and_of_unreadable_groups(workspace: Conversation) -> None:
    """What is unclear means no, and says so."""
    workspace.slack.users[BOB].is_restricted = True
    await workspace.bob.types("/upgrade status")
    assert "You may not ask for upgrades here: you are a guest" in await workspace.bob.reads()
    trouble = Trouble(error="internal_error")
    workspace.practice.slack.trouble("usergroups.users.list", trouble)
    workspace.practice.slack.trouble("usergroups.users.list", trouble)
    await workspace.alice.types("/upgrade status")
    assert "an operator has to look at them" in await workspace.alice.reads()


async def upgraded(workspace: Conversation) -> None:
    """Alice's upgrade of Contoso, done."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    await workspace.thread()
