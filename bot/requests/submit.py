"""From a form, or from the preview of a table, to a request of one or more items."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain import steps
from bot.domain.change import change_for
from bot.domain.item import Earlier, Item, State
from bot.domain.offer import Offered
from bot.domain.policy import Person, Policy, PolicyBook
from bot.domain.price import PriceChange, PriceList
from bot.domain.refusals import TooMany
from bot.domain.request import Request
from bot.domain.subscription import Customer, Subscription, UpgradeOption
from bot.domain.table import Wanted
from bot.domain.text_rules import is_link, visible
from bot.errors import Reason, Refused
from bot.requests.permission import Actor, Permission
from bot.store import Store
from bot.telemetry import logs

log = structlog.get_logger()

MOST_EARLIER = 3
"""Other items about the same subscription that a card names."""

MOST_OPEN = 20
"""Requests of one person that wait at once: nobody can decide about a flood."""

LATELY = timedelta(days=30)
"""An upgrade that is not older may be what a person is about to ask for again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One upgrade that a person asks for, under the policy that it falls under."""

    id: str
    customer: Customer
    subscription: Subscription
    option: UpgradeOption
    policy: Policy
    price: PriceChange | None
    earlier: tuple[Earlier, ...] = ()


class Submitter:
    """Makes requests, over the store."""

    def __init__(
        self,
        *,
        store: Store,
        permission: Permission,
        policies: PolicyBook,
        prices: PriceList,
        partner_id: str,
        new_id: Callable[[], str],
    ) -> None:
        """`partner_id` is the partner tenant whose customers these are."""
        self._store = store
        self._permission = permission
        self._policies = policies
        self._prices = prices
        self._partner_id = partner_id
        self._new_id = new_id

    async def choose(self, offer_id: str, person: Person) -> tuple[Offered, Policy]:
        """An option's button: what was offered, and the policy a request for it falls under.

        Raises Refused: OFFER_GONE, NOT_YOUR_OFFER, or why the person may not ask.
        """
        offered = await self._store.offers.get(offer_id)
        if offered.person != person:
            raise Refused(Reason.NOT_YOUR_OFFER)
        policy = self.policy(offered.customer, offered.option, offered.channel_id)
        await self._permission.require_requester(Actor(person, offered.channel_id), policy)
        return offered, policy

    def policy(self, customer: Customer, option: UpgradeOption, channel_id: str) -> Policy:
        """What holds for such an item in a channel."""
        return self._policies.policy_for(
            seats=option.seats, channel=channel_id, customer=customer.id
        )

    async def price(self, subscription: Subscription, option: UpgradeOption) -> PriceChange | None:
        """What the upgrade costs more; None where the price list does not say."""
        return self._prices.change(subscription, option, await self._store.now())

    async def earlier(self, offered: Offered) -> tuple[Earlier, ...]:
        """Other items about the same subscription that are not settled, or were done in the last
        month; the newest first."""
        since = await self._store.now() - LATELY
        found = await self._store.lists.asked_for(offered.subscription.id, limit=20)
        return tuple(
            Earlier(
                state=each.item.state,
                target=each.item.change.name,
                requester=each.requester,
                created_at=each.item.created_at,
                link=each.link,
            )
            for each in found
            if each.item.ending is None
            or (each.item.state is State.DONE and each.item.ending.at >= since)
        )

    async def is_unsettled(self, subscription_id: str, other_than: str = "") -> bool:
        """Whether a subscription is asked for already, or being upgraded, by another request."""
        found = await self._store.lists.asked_for(subscription_id, limit=20)
        others = [each.item for each in found if each.item.request_id != other_than]
        return any(item.ending is None for item in others)

    async def submit(
        self,
        offer_id: str,
        actor: Actor,
        *,
        form_id: str,
        reason: str,
        evidence: str,
        seats: str = "",
    ) -> Request:
        """The review form was submitted: make the request, one for each form that was opened.

        `seats` is what was typed where the seats could be chosen. Raises Refused: as `choose`,
        TOO_MANY_OPEN, or what the form lacks.
        """
        offered, policy = await self.choose(offer_id, actor.person)
        option = _with_seats(offered.option, seats)
        if evidence.strip() and not is_link(evidence.strip()):
            raise Refused(Reason.EVIDENCE_NOT_A_LINK)
        now = await self._store.now()
        id = str(uuid.uuid5(uuid.UUID(offered.id), form_id))
        wish = Wish(
            id,
            offered.customer,
            offered.subscription,
            option,
            policy,
            self._prices.change(offered.subscription, option, now),
            (await self.earlier(offered))[:MOST_EARLIER],
        )
        there = Actor(actor.person, offered.channel_id)
        return await self.ask(id, there, [wish], reason, evidence, now)

    async def submit_table(self, draft_id: str, actor: Actor) -> tuple[Request, list[Wanted]]:
        """The button below the preview of a table: make the request, one for each preview; and what
        is left out because it was asked for otherwise meanwhile.

        Raises Refused: OFFER_GONE, NOT_YOUR_OFFER, SUBSCRIPTION_BUSY, TOO_MANY_OPEN, or why the
        person may not.
        """
        draft = await self._store.offers.draft(draft_id)
        if draft.person != actor.person:
            raise Refused(Reason.NOT_YOUR_OFFER)
        there = Actor(actor.person, draft.channel_id, actor.delivery)
        await self._permission.may_ask(there)
        wishes: list[Wish] = []
        left_out: list[Wanted] = []
        for wanted in draft.wanted:
            policy = self.policy(wanted.customer, wanted.option, draft.channel_id)
            await self._permission.require_requester(there, policy)
            if await self.is_unsettled(wanted.subscription.id, other_than=draft.id):
                left_out.append(wanted)
                continue
            id = str(uuid.uuid5(uuid.UUID(draft.id), str(wanted.number)))
            what = (wanted.customer, wanted.subscription, wanted.option, policy, wanted.price)
            wishes.append(Wish(id, *what))
        if not wishes:
            raise Refused(Reason.SUBSCRIPTION_BUSY)
        now = await self._store.now()
        request = await self.ask(draft.id, there, wishes, draft.reason, draft.evidence, now)
        return request, left_out

    async def ask(
        self,
        id: str,
        actor: Actor,
        wishes: Sequence[Wish],
        reason: str,
        evidence: str,
        now: datetime,
    ) -> Request:
        """Make a request of these wishes. Raises Refused(REASON_MISSING, EVIDENCE_MISSING,
        TOO_MANY_OPEN, DELIVERED_AGAIN)."""
        request = Request(
            id=id,
            version=0,
            workspace=actor.person.team_id,
            channel_id=actor.channel_id,
            requester=actor.person,
            reason=visible(reason),
            evidence=evidence.strip(),
            correlation_id=logs.correlation_id() or self._new_id(),
            created_at=now,
        )
        own = request.correlation_id if len(wishes) == 1 else ""
        items = tuple(self._item(request, wish, own) for wish in wishes)
        transition = steps.ask(request, items)
        there = await self._store.requests.add(transition, actor.delivery, most=MOST_OPEN)
        ids = {item.id: item.correlation_id for item in there.items}
        log.info("request.asked", request=there.id, correlation_ids=ids)
        return there

    def _item(self, request: Request, wish: Wish, correlation_id: str) -> Item:
        """An item. One of several has a correlation id of its own and not the click's, because a
        lost answer is looked for in Partner Center's audit by that id, where another item of the
        same customer must not be taken for this one. The log line names the ids of all."""
        return Item(
            id=wish.id,
            request_id=request.id,
            version=0,
            state=State.AWAITING_APPROVAL,
            partner_id=self._partner_id,
            customer=wish.customer,
            subscription=wish.subscription,
            change=change_for(wish.subscription, wish.option),
            policy=wish.policy,
            ms_request_id=self._new_id(),
            correlation_id=correlation_id or self._new_id(),
            created_at=request.created_at,
            expires_at=request.created_at + wish.policy.expires_after,
            price=wish.price,
            earlier=wish.earlier,
        )


def _with_seats(option: UpgradeOption, typed: str) -> UpgradeOption:
    """The option for as many seats as were typed. Raises Refused(SEATS_OUT_OF_RANGE)."""
    if not option.seats_can_be_fewer or not typed.strip():
        return option
    seats = int(typed) if typed.strip().isdecimal() and len(typed) < 9 else 0
    if not 1 <= seats <= option.seats:
        raise TooMany(Reason.SEATS_OUT_OF_RANGE, option.seats)
    return option.for_seats(seats)
