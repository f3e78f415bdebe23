"""From a typed name to a request: find the customer, see what is possible, choose, and ask.

What is listed to somebody is remembered as offered to them, so that a button needs nothing but an
id, and the form opens without a call to Microsoft.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from bot.domain import lifecycle
from bot.domain.offer import Offered
from bot.domain.policy import Person, Policy, PolicyBook, Readiness
from bot.domain.price import PriceChange, PriceList
from bot.domain.subscription import Customer, Subscription, Upgradable, UpgradeOption
from bot.domain.text_rules import is_link, is_name, visible
from bot.domain.upgrade import Earlier, State, UpgradeRequest
from bot.errors import PartnerCenterError, Reason, Refused
from bot.partner_center import PartnerCenter, Trace, is_guid
from bot.partner_center.directory import Directory, Index
from bot.requests.permission import Actor, People, Permission, refusal
from bot.store import Store
from bot.telemetry import logs

SHOWN_AT_ONCE = 6
"""Subscriptions with their options: about what fits into one message."""

MOST_EARLIER = 3
"""Other requests about the same subscription that a card names."""

MOST_OPEN = 20
"""Requests of one person that wait at once, where several that were asked for together are one:
nobody can decide about a flood."""

LATELY = timedelta(days=30)
"""An upgrade that is not older may be what somebody is about to ask for again."""


Asked = asyncio.Task[Upgradable]


class Submitter:
    """What leads to a request, over the directory, Partner Center and the store."""

    def __init__(
        self,
        *,
        store: Store,
        partner_center: PartnerCenter,
        directory: Directory,
        people: People,
        permission: Permission,
        policies: PolicyBook,
        prices: PriceList,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._partner_center = partner_center
        self._directory = directory
        self._people = people
        self._permission = permission
        self._policies = policies
        self._prices = prices
        self._new_id = new_id

    async def status(self, actor: Actor) -> Readiness:
        """What this person needs here, and whether it is so."""
        is_here, may_ask, may_approve = await asyncio.gather(
            self._people.is_here(actor.channel_id),
            refusal(self._permission.may_ask(actor)),
            refusal(self._permission.may_approve(actor)),
        )
        return Readiness(is_here, self.knows_customers, may_ask, may_approve)

    # The customer

    async def find(self, text: str, actor: Actor) -> list[Customer]:
        """Customers that `text` may mean: by name, domain or tenant id, from the directory; by
        their beginning only, while the directory is not read yet.

        Raises Refused: NOT_A_NAME, UNKNOWN_CUSTOMER (with the nearest names as `nearest`), or
        why the person may not ask.
        """
        text = text.strip()
        if not is_name(text):
            raise Refused(Reason.NOT_A_NAME)
        await self._permission.may_ask(actor)
        found = await self.customers_called(text)
        if not found:
            nearest = await self.nearest(text)
            raise Refused(Reason.UNKNOWN_CUSTOMER, text=text, nearest=nearest)
        return found

    async def customers_called(self, text: str) -> list[Customer]:
        """Customers that a name, domain or tenant id may mean."""
        if self._directory.index and (found := self._directory.index.find(text)):
            return found
        # Not in the directory: a customer of today may be at Partner Center already.
        return await self._partner_center.customers.starting_with(
            text, Trace(self.correlation_id())
        )

    async def nearest(self, text: str) -> list[Customer]:
        """Names one could have meant, the most similar first."""
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
        await self._permission.require_requester(actor, self._policies.defaults)
        found = await self.customers_called(customer_id) if is_guid(customer_id) else []
        if not found:
            raise Refused(Reason.UNKNOWN_CUSTOMER, text=customer_id, nearest=[])
        return found[0]

    # What can be upgraded

    async def options(
        self, customer: Customer, actor: Actor
    ) -> AsyncGenerator[list[Upgradable], None]:
        """What each subscription of the customer can be upgraded to: in their order, some at a
        time, as soon as they are known. The first have something to press, unless nothing has.

        Every eligible option is remembered for a day as offered to this person, so that its
        button needs nothing but an id. Raises Refused(NO_SUBSCRIPTION) or PartnerCenterError.
        """
        policy = self._policies.policy_for(seats=0, channel=actor.channel_id, customer=customer.id)
        await self._permission.require_requester(actor, policy)
        trace = Trace(self.correlation_id(), await self._people.locale(actor.person))
        subscriptions = await self._partner_center.customers.subscriptions(customer.id, trace)
        if not subscriptions:
            raise Refused(Reason.NO_SUBSCRIPTION, customer=customer)
        asked = [
            asyncio.create_task(self.upgradable(customer, subscription, trace))
            for subscription in subscriptions
        ]
        try:
            await self._store.note_look(customer, actor.channel_id, actor.person)
            known: list[Upgradable] = []
            for some in _parts(asked):
                known += await self._offer(customer, await asyncio.gather(*some), actor)
                if some[-1] is asked[-1] or any(
                    offer for each in known for _, offer in each.options
                ):
                    yield known
                    known = []
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

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
        return Upgradable(subscription, tuple((item.option, None) for item in listed))

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
                possible = option.eligible and not option.at_renewal
                offer_id = self._new_id() if possible else None
                options.append((option, offer_id))
                if offer_id:
                    what = (customer, each.subscription, option)
                    offers.append(Offered(offer_id, actor.person, actor.channel_id, *what, now))
            with_ids.append(replace(each, options=tuple(options)))
        await self._store.offer(offers)
        return with_ids

    # The request

    async def choose(self, offer_id: str, person: Person) -> tuple[Offered, Policy]:
        """An option's button: what was offered, and the policy a request for it falls under.

        Raises Refused: OFFER_GONE, NOT_YOUR_OFFER, or why the person may not ask.
        """
        offered = await self._store.offered(offer_id)
        if offered.person != person:
            raise Refused(Reason.NOT_YOUR_OFFER)
        policy = self._policies.policy_for(
            seats=offered.option.seats,
            channel=offered.channel_id,
            customer=offered.customer.id,
        )
        await self._permission.require_requester(Actor(person, offered.channel_id), policy)
        return offered, policy

    async def earlier(self, offered: Offered) -> tuple[Earlier, ...]:
        """Other requests about the same subscription that are not settled, or were done in the
        last month; the newest first."""
        since = await self._store.now() - LATELY
        found = [
            request
            for request in await self._store.asked_for(offered.subscription.id, limit=20)
            if request.closed_at is None
            or (request.state is State.DONE and request.closed_at >= since)
        ]
        links = await self._store.links([request.id for request in found])
        return tuple(
            Earlier(
                state=request.state,
                target=request.option.name,
                requester=request.requester,
                created_at=request.created_at,
                link=links.get(request.id, ""),
            )
            for request in found
        )

    async def price(self, subscription: Subscription, option: UpgradeOption) -> PriceChange | None:
        """What the upgrade costs more; None where the price list does not say."""
        return self._prices.change(subscription, option, await self._store.now())

    async def ask(
        self,
        offer_id: str,
        person: Person,
        *,
        form_id: str,
        reason: str,
        evidence: str,
        seats: str = "",
    ) -> UpgradeRequest:
        """The review form was submitted: make the request, one for each form that was opened.

        `seats` is what was typed where the seats could be chosen. Raises Refused: as `choose`,
        TOO_MANY_OPEN, or what the form lacks.
        """
        offered, policy = await self.choose(offer_id, person)
        option = _with_seats(offered.option, seats)
        evidence = evidence.strip()
        if evidence and not is_link(evidence):
            raise Refused(Reason.EVIDENCE_NOT_A_LINK)
        now = await self._store.now()
        request = UpgradeRequest(
            id=str(uuid.uuid5(uuid.UUID(offered.id), form_id)),
            version=0,
            state=State.AWAITING_APPROVAL,
            requester=person,
            channel_id=offered.channel_id,
            customer=offered.customer,
            subscription=offered.subscription,
            option=option,
            reason=visible(reason),
            evidence=evidence,
            policy=policy,
            ms_request_id=self._new_id(),
            correlation_id=self.correlation_id(),
            created_at=now,
            expires_at=now + policy.expires_after,
            price=self._prices.change(offered.subscription, option, now),
            earlier=(await self.earlier(offered))[:MOST_EARLIER],
        )
        return await self._store.add(lifecycle.ask(request), most=MOST_OPEN)

    def correlation_id(self) -> str:
        """One for all that follows from a click."""
        return logs.correlation_id() or self._new_id()


def _parts(asked: list[Asked]) -> Iterator[list[Asked]]:
    return (asked[start : start + SHOWN_AT_ONCE] for start in range(0, len(asked), SHOWN_AT_ONCE))


def _with_seats(option: UpgradeOption, typed: str) -> UpgradeOption:
    """The option for as many seats as were typed. Raises Refused(SEATS_OUT_OF_RANGE)."""
    if not option.seats_can_be_fewer or not typed.strip():
        return option
    seats = int(typed) if typed.strip().isdecimal() and len(typed) < 9 else 0
    if not 1 <= seats <= option.seats:
        raise Refused(Reason.SEATS_OUT_OF_RANGE, most=option.seats)
    return option.for_seats(seats)
