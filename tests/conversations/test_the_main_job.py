"""From `/upgrade` to the result in the thread."""

import pytest

from bot.sandbox.partner_center import records
from tests.conftest import Start
from tests.workspace import Conversation


async def test_an_upgrade_is_asked_for_approved_and_performed_once(
    workspace: Conversation,
) -> None:
    """The whole story, as everybody reads it."""
    alice, carol = workspace.alice, workspace.carol

    await alice.types("/upgrade contoso")
    assert await alice.reads() == (
        """\
Contoso (contoso.onmicrosoft.com): press what it should become. Nothing is ordered yet.
---
Office 365 Enterprise E1
25 seats · active · 1 year, billed monthly · renews Feb 28, 2027
[Office 365 Enterprise E3 (upgrade only)] [Office 365 Enterprise E3 (with licence transfer)] \
[Office 365 Enterprise E5 (upgrade only)] [Office 365 Enterprise E5 (with licence transfer)]
---
Office 365 Business Premium
3 seats · suspended · 1 year, billed monthly · renews Feb 28, 2027
Not possible at the moment. The subscription is not active. If it was upgraded already, look at \
the new subscription; if not, reactivate it first.
---
Office 365 F1
40 seats · active · 1 year, billed monthly · renews Feb 28, 2027
Microsoft offers no upgrade for this plan."""
    )

    await alice.presses("Office 365 Enterprise E3 (upgrade only)")
    assert await alice.sees_form() == (
        """\
«Review the upgrade»
Contoso (contoso.onmicrosoft.com)
Office 365 Enterprise E1 → Office 365 Enterprise E3
Seats: 25 | Kind: upgrade only | Users' licences: stay on the old plan until somebody moves them \
| Term: 1 year, billed monthly | Effective: at once; billed from that day
Price: not known to the bot; look it up before you decide
An upgrade cannot be undone, and its seats are bought at once. The old subscription is suspended. \
There is no cancellation window as for a new order, and seats cannot be added with it. Any \
promotion on the old plan is lost.
Reason: ____
Link to the customer's consent: ____
1 approval of @license-approvers will be needed. Nothing is ordered before that and your \
confirmation.
[Ask the team] [Cancel]"""
    )

    await alice.fills_in(reason="They need Office.", evidence="https://mail.example/42")
    assert await workspace.card() == (
        """\
⏳ Approval needed
Contoso (contoso.onmicrosoft.com)
Office 365 Enterprise E1 → Office 365 Enterprise E3, upgrade only
Seats: 25 | Users' licences: stay on the old plan until somebody moves them | Requested by: \
@alice | Asked: 2026-11-20 09:00 UTC | Effective: at once; billed from that day | Term: \
1 year, billed monthly | Term ends: Feb 28, 2027
Price: not known to the bot; look it up before you decide
Reason: They need Office.
Customer's consent: link to mail.example [https://mail.example/42]
An upgrade cannot be undone, and its seats are bought at once. The old subscription is suspended. \
There is no cancellation window as for a new order, and seats cannot be added with it. Any \
promotion on the old plan is lost.
0 of 1 approval. @license-approvers may approve. The request expires 2026-11-21 09:00 UTC.
[Approve] [I'm looking] [Decline] [Withdraw] [Partner Center]"""
    )

    await alice.presses("Approve")
    assert await alice.reads() == (
        "You asked for this upgrade, so somebody else has to approve it: @license-approvers. "
        "Your click changed nothing."
    )

    await workspace.passes(minutes=5)
    await carol.presses("Approve")
    assert (await workspace.card()).endswith(
        """\
Approved by @carol (2026-11-20 09:05 UTC). @alice can upgrade now. The request expires \
2026-11-21 09:00 UTC.
[Upgrade now] [Decline] [Withdraw] [Partner Center]"""
    )
    assert await workspace.thread() == "Approved by @carol. @alice: Upgrade now can be pressed."

    await workspace.passes(minutes=1)
    await alice.presses("Upgrade now")
    assert await workspace.card() == (
        """\
✅ Upgraded
Contoso (contoso.onmicrosoft.com)
Office 365 Enterprise E1 → Office 365 Enterprise E3, upgrade only
Seats: 25 | Users' licences: stay on the old plan until somebody moves them | Requested by: \
@alice | Asked: 2026-11-20 09:00 UTC | Effective: at once; billed from that day | Term: \
1 year, billed monthly | Term ends: Feb 28, 2027
Price: not known to the bot; look it up before you decide
Reason: They need Office.
Customer's consent: link to mail.example [https://mail.example/42]
Confirmed by @alice 2026-11-20 09:06 UTC. Approved by @carol (2026-11-20 09:05 UTC). The result \
is in the thread.
[Partner Center]"""
    )
    assert await workspace.thread() == (
        """\
Started by @alice. Partner Center request id (id)

✅ @alice: Contoso was upgraded.
Old subscription: Office 365 Enterprise E1, suspended (`(id)`)
New subscription: Office 365 Enterprise E3 (`(id)`)
Type: upgrade only
Seats: 25
Duration: 1 second
Users keep their old licences until somebody assigns the new ones.
For Microsoft's support: correlation id (id), request id (id)"""
    )
    assert len(workspace.upgrades()) == workspace.posts() == 1


async def test_people_whose_licence_did_not_move_are_named_in_the_result(
    workspace: Conversation,
) -> None:
    """HTTP 200 with licence errors is an upgrade; the people are listed with the reason."""
    alice, carol = workspace.alice, workspace.carol
    await alice.types("/upgrade northwind")
    await alice.reads()
    await alice.presses("Office 365 Business Premium (with licence transfer)")
    await alice.fills_in(reason="New laptops.")
    await carol.presses("Approve")
    await alice.presses("Upgrade now")
    assert "2 licences did not move; the thread says whose." in await workspace.card()
    assert (
        """\
2 licences did not move. Assign the new licence to these people in the admin centre.
Person | Address or id | Why
Lee Gu | lee@northwind.example | The licence could not be moved.
Megan Bowen | megan@northwind.example | The user was not found.
"""
        in await workspace.thread()
    )


async def test_of_many_people_twenty_are_named_whatever_they_are_called(
    workspace: Conversation,
) -> None:
    """A table has its limits, and what is beyond them is said."""
    northwind = str(
        workspace.partner_center.records.find_customers("CompanyName", "northwind")[0]["id"]
    )
    workspace.partner_center.records.license_errors[northwind] = [
        records.license_error("<!channel>&" * 30, "x" * 300, 60000, "*why* " * 300)
        for _ in range(45)
    ]
    await workspace.alice.asks_for_e3(
        "northwind", "Office 365 Business Premium (with licence transfer)"
    )
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    told = await workspace.thread()
    assert "45 licences did not move." in told
    assert "The table shows 20 of them; the file in this thread has all." in told
    assert told.count(" | ") == 21 * 2


async def test_the_same_story_over_http_with_signed_requests(start: Start) -> None:
    """Without an app token Slack calls the bot over HTTP, and everything else is the same."""
    workspace = await start(http_mode=True)
    await workspace.alice.asks_for_e3()
    await workspace.alice.presses("Approve")
    assert "somebody else has to approve it" in await workspace.alice.reads()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    assert "was upgraded" in await workspace.thread()
    assert len(workspace.upgrades()) == 1


async def test_two_approvals_are_two_people(start: Start) -> None:
    """With `approvals = 2` one person's second click counts nothing."""
    workspace = await start('[policy]\napprovals = 2\napprovers = ["S0APPROVERS", "U0BOB"]')
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    assert "1 of 2 approvals. Approved by @carol" in await workspace.card()
    await workspace.carol.presses("Approve")
    assert await workspace.carol.reads() == (
        "You have approved this already. This is still waiting: it has 1 of 2 approvals. "
        "Another person has to approve it too."
    )
    await workspace.bob.presses("Approve")
    assert "🔵 Approved" in await workspace.card()
    assert "Upgrade now can be pressed" in await workspace.thread()


async def test_a_rule_for_big_requests_asks_more_people_and_the_consent(start: Start) -> None:
    """The strictest of all rules that match holds, and is kept with the request."""
    workspace = await start(
        '[policy]\napprovers = ["S0APPROVERS"]\n'
        '[[policy.rules]]\nmin_seats = 20\napprovals = 2\nevidence = "required"'
    )
    alice = workspace.alice
    await alice.types("/upgrade contoso")
    await alice.reads()
    await alice.presses("Office 365 Enterprise E3 (upgrade only)")
    assert "2 approvals of @license-approvers will be needed" in await alice.sees_form()
    await alice.fills_in(reason="Growth.")
    assert "! The policy asks for a link to the customer's consent." in await alice.sees_form()
    await alice.fills_in(reason="Growth.", evidence="see my mailbox")
    assert "! Please give a web address that begins with https://" in await alice.sees_form()
    await alice.fills_in(reason="Growth.", evidence="https://tickets.example/7")
    assert "0 of 2 approvals" in await workspace.card()


async def test_with_confirm_by_an_approver_the_requester_cannot_start_it(start: Start) -> None:
    """`confirm = "approver"`: two pairs of eyes on the last click as well."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nconfirm = "approver"')
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    assert await workspace.alice.reads() == (
        "Not the requester but @license-approvers starts this upgrade. Your click changed nothing."
    )
    await workspace.bob.presses("Upgrade now")
    assert "Only @license-approvers can decide about this." in await workspace.bob.reads()
    await workspace.carol.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    assert "Started by @carol" in await workspace.thread()


async def test_with_confirm_by_nobody_the_last_approval_starts_it(start: Start) -> None:
    """`confirm = "nobody"`: one click less."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nconfirm = "nobody"')
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    assert "✅ Upgraded" in await workspace.card()
    assert "was upgraded" in await workspace.thread()
    assert len(workspace.upgrades()) == 1


@pytest.mark.parametrize("presses_again", [False, True])
async def test_without_approvals_the_requester_confirms_alone(
    start: Start, presses_again: bool
) -> None:
    """`approvals = 0` is the operator's own decision; a second click still changes nothing."""
    workspace = await start('[policy]\napprovals = 0\napprovers = ["S0APPROVERS"]')
    await workspace.alice.asks_for_e3()
    assert "No approval is needed." in await workspace.card()
    click = await workspace.alice.payload_of("Upgrade now")
    await workspace.alice.sends(click)
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    if presses_again:
        await workspace.alice.sends(click)
        assert "This upgrade is already done" in await workspace.alice.reads()
    assert len(workspace.upgrades()) == 1
