"""One interface over both commerce worlds; which world a subscription is of is decided here."""

from bot.domain.change import Change, TransitionNow, UpgradeNow
from bot.domain.item import Item
from bot.domain.outcome import Aftermath, LicenceCount
from bot.domain.subscription import Kind, Subscription
from bot.partner_center.aftercare import aftermath, licence_counts
from bot.partner_center.answers import Answer, Listed, LookResult
from bot.partner_center.client import Client, Trace
from bot.partner_center.customers import Customers
from bot.partner_center.transitions import Transitions
from bot.partner_center.upgrades import Upgrades


class PartnerCenter:
    """Microsoft Partner Center as the story needs it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.customers = Customers(client)
        upgrades, transitions = (
            Upgrades(client, self.customers),
            Transitions(client, self.customers),
        )
        self._worlds: dict[Kind, Upgrades | Transitions] = {
            Kind.TRADITIONAL: upgrades,
            Kind.NEW_COMMERCE: transitions,
        }
        self._by_change: dict[type[Change], Upgrades | Transitions] = {
            UpgradeNow: upgrades,
            TransitionNow: transitions,
        }

    def upgrades(self, subscription: Subscription) -> bool:
        """Whether subscriptions of this kind can be upgraded at all."""
        return subscription.kind in self._worlds

    async def options(
        self, customer_id: str, subscription: Subscription, trace: Trace
    ) -> list[Listed]:
        """What the subscription can be upgraded to, the ineligible options included.

        Raises PartnerCenterError, and KeyError for a kind that cannot be upgraded.
        """
        return await self._worlds[subscription.kind].options(customer_id, subscription, trace)

    async def perform(self, item: Item, listed: Listed) -> Answer:
        """Send the upgrade, once; `listed` is the option as it was listed just before. Never
        raises for trouble at Partner Center: every end is one of the verdicts."""
        return await self._by_change[type(item.change)].perform(item, listed)

    async def licences(self, customer_id: str, trace: Trace) -> tuple[LicenceCount, ...]:
        """Assigned and bought licences; empty where the sign-in may not see them."""
        return await licence_counts(self._client, customer_id, trace)

    async def aftermath(self, item: Item) -> Aftermath:
        """How a finished upgrade stands now. Raises PartnerCenterError."""
        return await aftermath(self._client, self.customers, item)

    async def look(self, item: Item) -> LookResult:
        """What became of an upgrade that was sent. Raises PartnerCenterError when it cannot
        look."""
        return await self._by_change[type(item.change)].look(item)
