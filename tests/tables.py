"""Tables of customers, pasted to ask for several upgrades at once."""

from bot.sandbox.partner_center import records
from tests.workspace import Conversation, Somebody

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


async def previewed(workspace: Conversation, pasted: str, by: str = "alice", **fields: str) -> str:
    """A person pastes a table, and reads the preview."""
    await workspace.bot.directory.refresh()
    who: Somebody = getattr(workspace, by)
    await who.types("/upgrade bulk")
    await who.sees_form()
    await who.fills_in(table=pasted, reason="Everybody moves to E3.", **fields)
    looking, _, preview = (await who.reads()).partition("\n\n")
    assert "I look at" in looking
    return preview


async def asked(workspace: Conversation, number: int = 12) -> list[str]:
    """Alice has asked for so many; the card is there. Returns the domains."""
    domains = customers(workspace, number)
    await previewed(workspace, table(domains))
    upgrades = "1 upgrade" if number == 1 else f"{number} upgrades"
    await workspace.alice.presses(f"Ask the team for {upgrades}")
    assert "⏳ Approval needed" in await workspace.card()
    return domains
