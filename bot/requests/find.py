"""From a typed name to a list: find the customer, and see what its subscriptions can become.

What is listed to a person is remembered as offered to them, so that a button needs nothing but an
id, and the form opens without a call to Microsoft.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace

from bot.domain.offer import Offered
from bot.domain.policy import Policy, PolicyBook, Readiness
from bot.domain.refusals import NoSubscription, UnknownCustomer
from bot.domain.subscription import Customer, Subscription, Upgradable, UpgradeOption
from bot.domain.text_rules import is_name
from bot.errors import PartnerCenterError, Reason, Refused
from bot.partner_center import PartnerCenter, Trace, is_guid
from bot.partner_center.directory import Directory, Index
from bot.requests.permission import Actor, People, Permission, refusal
from bot.store import Store
from bot.telemetry import logs

SHOWN_AT_ONCE = 6
"""Subscriptions with their options: about what fits into one message."""


Asked = asyncio.Task[Upgradable]


class Finder:
    """Customers and their options, over the directory, Partner Center and the store."""

    def __init__(
        self,
        *,
        store: Store,
        partner_center: PartnerCenter,
        directory: Directory,
        people: People,
        permission: Permission,
        policies: PolicyBook,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._partner_center = partner_center
        self._directory = directory
        self._people = people
        self._permission = permission
        self._policies = policies
        self._new_id = new_id

    async def status(self, actor: Actor) -> Readiness:
        """What this person needs here, and whether it is so."""
        is_here, may_ask, may_approve = await asyncio.gather(
            self._people.is_here(actor.channel_id),
            refusal(self._permission.may_ask(actor)),
            refusal(self._permission.may_approve(actor)),
        )
        return Readiness(is_here, self.knows_customers, may_ask, may_approve)

    @property
    def defaults(self) -> Policy:
        """The policy by which a person may look for customers."""
        return self._policies.defaults

    # The customer

    async def find(self, text: str, actor: Actor) -> list[Customer]:
        """Customers that `text` may mean: by name, domain or tenant id, from the directory; by
        their beginning only, while the directory is not read yet.

        Raises Refused: NOT_A_NAME, UNKNOWN_CUSTOMER (with the nearest names), or why the person may
        not ask.
        """
        text = text.strip()
        if not is_name(text):
            raise Refused(Reason.NOT_A_NAME)
        await self._permission.may_ask(actor)
        found = await self.customers_called(text)
        if not found:
            raise UnknownCustomer(text, await self.nearest(text))
        return found

    async def customers_called(self, text: str) -> list[Customer]:
        """Customers that a name, domain or tenant id may mean."""
        if self._directory.index and (found := self._directory.index.find(text)):
            return found
        # Not in the directory: a customer of today may be at Partner Center already.
        trace = Trace(self.correlation_id())
        return await self._partner_center.customers.starting_with(text, trace)

    async def nearest(self, text: str) -> list[Customer]:
        """Names that a person could have meant, the most similar first."""
        if self._directory.index:
            return self._directory.index.nearest(text)
        trace = Trace(self.correlation_id())
        alike = await self._partner_center.customers.starting_with(text[:3], trace)
        return Index(alike).nearest(text)

    @property
    def knows_customers(self) -> bool:
        """Whether all customers are known by now, so that they can be typed ahead."""
        return self._directory.index is not None

    async def typed_ahead(self, text: str, actor: Actor) -> list[Customer]:
        """Customers that the letters may mean, from the directory alone; the nearest names when
        they mean none. Raises Refused when this person may not ask."""
        await self._permission.may_ask(actor)
        index, text = self._directory.index, text.strip()
        if index is None or not is_name(text):
            return []
        return index.find(text) or index.nearest(text)

    async def customer(self, customer_id: str, actor: Actor) -> Customer:
        """The customer behind a button. Raises Refused(UNKNOWN_CUSTOMER)."""
        await self._permission.require_requester(actor, self.defaults)
        found = await self.customers_called(customer_id) if is_guid(customer_id) else []
        if not found:
            raise UnknownCustomer(customer_id, [])
        return found[0]

    # What can be upgraded

    async def options(
        self, customer: Customer, actor: Actor, locale: str, *, asked: Policy | None = None
    ) -> AsyncGenerator[list[Upgradable], None]:
        """What each subscription of the customer can be upgraded to: in their order, some at a
        time, as soon as they are known. The first have something to press, unless nothing has.
        Microsoft's texts come in `locale`, as `en-US`. The policy `asked` has let the person pass a
        moment ago; they are asked about again only where the customer's has other requesters.

        Every eligible option is remembered for a day as offered to this person. Raises
        Refused(NO_SUBSCRIPTION, MAY_NOT_REQUEST, …) or PartnerCenterError.
        """
        policy = self._policies.policy_for(seats=0, channel=actor.channel_id, customer=customer.id)
        await self._permission.require_requester(actor, policy, asked)
        trace = Trace(self.correlation_id(), locale)
        subscriptions = await self._partner_center.customers.subscriptions(customer.id, trace)
        if not subscriptions:
            raise NoSubscription(customer)
        tasks = [
            asyncio.create_task(self.upgradable(customer, subscription, trace))
            for subscription in subscriptions
        ]
        try:
            await self._store.trail.note_look(customer, actor.channel_id, actor.person)
            known: list[Upgradable] = []
            for some in _parts(tasks):
                known += await self._offer(customer, await asyncio.gather(*some), actor)
                if some[-1] is tasks[-1] or any(
                    offer for each in known for _, offer in each.options
                ):
                    yield known
                    known = []
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def upgradable(
        self, customer: Customer, subscription: Subscription, trace: Trace
    ) -> Upgradable:
        """What one subscription can be upgraded to, without ids; or the trouble in the way."""
        if not self._partner_center.upgrades(subscription):
            return Upgradable(subscription)
        try:
            listed = await self._partner_center.options(customer.id, subscription, trace)
        except PartnerCenterError as error:
            return Upgradable(subscription, trouble=error)
        return Upgradable(subscription, tuple((each.option, None) for each in listed))

    async def _offer(
        self, customer: Customer, upgradable: list[Upgradable], actor: Actor
    ) -> list[Upgradable]:
        """Give every eligible option an id, and remember what it stands for."""
        now = await self._store.now()
        offers: list[Offered] = []
        with_ids: list[Upgradable] = []
        for each in upgradable:
            options: list[tuple[UpgradeOption, str | None]] = []
            for option, _ in each.options:
                offer_id = self._new_id() if option.is_possible else None
                options.append((option, offer_id))
                if offer_id:
                    what = (customer, each.subscription, option)
                    offers.append(Offered(offer_id, actor.person, actor.channel_id, *what, now))
            with_ids.append(replace(each, options=tuple(options)))
        await self._store.offers.keep(offers)
        return with_ids

    def correlation_id(self) -> str:
        """One for all that follows from a click."""
        return logs.correlation_id() or self._new_id()


def _parts(asked: list[Asked]) -> Iterator[list[Asked]]:
    return (asked[start : start + SHOWN_AT_ONCE] for start in range(0, len(asked), SHOWN_AT_ONCE))
