"""Several upgrades at once: one table, one preview, one card, one approval, one confirmation."""

from bot.sandbox.partner_center import records
from tests.workspace import Conversation

E3 = "Office 365 Enterprise E3"


def customers(workspace: Conversation, number: int = 12, offer: str = records.E1) -> list[str]:
    """So many more customers, each with a subscription; their domains."""
    partner = workspace.partner_center.records
    domains = []
    for n in range(1, number + 1):
        domains.append(f"shop{n:02}.example")
        customer = partner.add_customer(f"Shop {n:02}", domains[-1])
        partner.add_subscription(customer, offer, 5 + n)
    return domains


def table(domains: list[str], target: str = E3) -> str:
    """As it is pasted."""
    return "\n".join(f"{domain}, {target}" for domain in domains)


async def previewed(workspace: Conversation, pasted: str, **fields: str) -> str:
    """Alice pastes a table, and reads the preview."""
    assert workspace.bot.directory
    await workspace.bot.directory.refresh()
    await workspace.alice.types("/upgrade bulk")
    await workspace.alice.sees_form()
    await workspace.alice.fills_in(table=pasted, reason="Everybody moves to E3.", **fields)
    looking, _, preview = (await workspace.alice.reads()).partition("\n\n")
    assert "I look at" in looking
    return preview


async def asked(workspace: Conversation, number: int = 12) -> list[str]:
    """Alice has asked for so many; the card is there. Returns the domains."""
    domains = customers(workspace, number)
    await previewed(workspace, table(domains))
    await workspace.alice.presses(f"Ask the team for {number} upgrades")
    assert "⏳ Approval needed" in await workspace.card()
    return domains


async def approved(workspace: Conversation, number: int = 12) -> list[str]:
    """… and Carol has approved all of them."""
    domains = await asked(workspace, number)
    await workspace.carol.presses("Approve all")
    assert "🔵 Approved" in await workspace.card()
    assert f"Approved by @carol: all {number} upgrades." in await workspace.thread()
    return domains


async def test_twelve_customers_are_upgraded_with_one_approval_and_one_confirmation(
    workspace: Conversation,
) -> None:
    """The whole story, as everybody reads it."""
    alice, carol = workspace.alice, workspace.carol
    domains = customers(workspace)
    assert await previewed(workspace, table(domains[:2])) == (
        """\
2 upgrades, 13 seats in all:
line 1: Shop 01 (shop01.example): Office 365 Enterprise E1 → Office 365 Enterprise E3, 6 seats, \
upgrade only
line 2: Shop 02 (shop02.example): Office 365 Enterprise E1 → Office 365 Enterprise E3, 7 seats, \
upgrade only
[Ask the team for 2 upgrades]
Nothing is asked or ordered yet. The button is good for a day."""
    )
    assert "12 upgrades, 138 seats in all:" in await previewed(workspace, table(domains))
    await alice.presses("Ask the team for 12 upgrades")
    card = await workspace.card()
    assert card.startswith(
        """\
⏳ Approval needed
12 upgrades, 138 seats in all, asked for by @alice 2026-11-20 09:00 UTC
Reason: Everybody moves to E3.
Customer's consent: none given
⏳ waits · Shop 01 (shop01.example): Office 365 Enterprise E1 → Office 365 Enterprise E3, 6 seats, \
upgrade only
⏳ waits · Shop 02"""
    )
    assert card.endswith(
        """\
An upgrade cannot be undone, and its seats are bought at once. Each other old subscription is \
suspended, and its promotion is lost.
12 upgrades: 1 approval needed, of @license-approvers.
All of them expire 2026-11-21 09:00 UTC.
[Approve all] [Leave rows out] [Decline] [Withdraw]"""
    )
    await carol.presses("Approve all")
    card = await workspace.card()
    assert card.startswith("🔵 Approved")
    assert card.count("🔵 approved · Shop") == 12
    assert card.endswith(
        """\
Approved by @carol (12).
@alice can start 12 upgrades.
All of them expire 2026-11-21 09:00 UTC.
[Upgrade now] [Leave rows out] [Decline] [Withdraw]"""
    )
    assert await workspace.thread() == (
        "Approved by @carol: all 12 upgrades. @alice: Upgrade now can be pressed."
    )

    await workspace.passes(minutes=5)
    await alice.presses("Upgrade now")
    card = await workspace.card()
    assert card.startswith("✅ Upgraded")
    assert card.count("✅ upgraded · Shop") == 12
    assert card.endswith(
        """\
Approved by @carol (12).
Started by @alice 2026-11-20 09:05 UTC.
Progress: 12 done.
The thread says what became of each."""
    )
    told = (await workspace.thread()).split("\n\n")
    assert len(told) == 14
    assert told[0] == "Started by @alice: all 12 upgrades, one after the other."
    assert told[1] == (
        """\
✅ Shop 01 (shop01.example) was upgraded: Office 365 Enterprise E1 → Office 365 Enterprise E3, \
6 seats, upgrade only.
New subscription (id). For Microsoft's support: correlation id (id), request id (id)"""
    )
    assert told[13] == "@alice: everything is settled: 12 upgraded."
    assert len(workspace.upgrades()) == workspace.posts() == 12
