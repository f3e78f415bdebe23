"""The story, one function a step. Knows no Slack and no words.

Each function asks who may, takes one step in the store, and returns what is so afterwards.
What a person may not do, or what is not possible any more, raises `Refused` with the reason.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import compress
from typing import Protocol
from urllib.parse import urlsplit

from bot import logs
from bot.directory import Directory, Index
from bot.domain import story
from bot.domain.home import Home
from bot.domain.offer import Offered
from bot.domain.policy import (
    CHANNEL,
    Confirm,
    Names,
    Person,
    Policy,
    PolicyBook,
    Readiness,
    Standing,
)
from bot.domain.price import PriceChange, PriceList
from bot.domain.subscription import Customer, Subscription, Upgradable, UpgradeOption
from bot.domain.upgrade import Earlier, Pointer, State, UpgradeRequest
from bot.errors import PartnerCenterError, Reason, Refused
from bot.partner_center import PartnerCenter, Trace, is_guid
from bot.store import Store, patiently

LONGEST_NAME = 100
LONGEST_LINK = 500

HOME_SHOWS = 10
"""Requests in each list of a Home."""

MOST_UNDECIDED = 50
"""The newest requests among which those are sought that wait for a person."""

MOST_EARLIER = 3
"""Other requests about the same subscription that a card names."""
MOST_OPEN = 20
"""Requests of one person that wait at once: nobody can decide about a flood."""

LATELY = timedelta(days=30)
"""An upgrade that is not older may be what somebody is about to ask for again."""


class People(Protocol):
    """What Slack knows about people, asked at the moment of the click."""

    async def standing(self, person: Person) -> Standing:
        """What somebody is. Raises Refused(MEMBER_UNREADABLE)."""

    async def locale(self, person: Person) -> str:
        """The language that the person reads, as `en-US`; that where Slack does not say."""

    async def is_here(self, channel_id: str) -> bool:
        """Whether the bot itself is in the channel."""

    async def named(self, lists: tuple[Names, ...], channel_id: str) -> list[Person]:
        """Everybody whom one of the lists means. Raises Refused(APPROVERS_UNREADABLE)."""

    async def belongs(self, person: Person, lists: tuple[Names, ...], channel_id: str) -> bool:
        """Whether every list has a name that means this person.

        Raises Refused(APPROVERS_UNREADABLE)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Who does something, in which channel, and by which delivery of Slack's: the same name for
    whatever Slack delivers again, and empty where nobody can tell."""

    person: Person
    channel_id: str
    delivery: str = ""


class Workflow:
    """The steps of the story over the store, Partner Center and the people in Slack."""

    def __init__(
        self,
        *,
        store: Store,
        partner_center: PartnerCenter,
        directory: Directory,
        people: People,
        policies: PolicyBook,
        prices: PriceList,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._partner_center = partner_center
        self._directory = directory
        self._people = people
        self._policies = policies
        self._prices = prices
        self._new_id = new_id

    async def is_new(self, place: Place) -> bool:
        """Whether a command or click is answered for the first time, by any of the bots. Where
        nobody can tell it is taken for new."""
        return not place.delivery or await self._store.is_first(place.delivery)

    def _correlation_id(self) -> str:
        """One for all that follows from a click."""
        return logs.correlation_id() or self._new_id()

    async def note_refusal(self, refused: Refused, what: str, place: Place) -> None:
        """Write into the audit trail that somebody was refused `what` they tried."""
        request = refused.about.get("request")
        facts = {"reason": refused.reason.value, "tried": what, "channel": place.channel_id}
        if refused.reason is not Reason.DELIVERED_AGAIN:
            more = {"request": request.id} if request else {}
            await patiently(lambda: self._store.trail.note("refused", facts | more, place.person))

    # Before there is a request

    async def find(self, text: str, place: Place) -> list[Customer]:
        """Customers that `text` may mean: by name, domain or tenant id, from the directory; by
        their beginning only, while the directory is not read yet.

        Raises Refused: NOT_A_NAME, UNKNOWN_CUSTOMER (with the nearest names as `nearest`), or
        why the person may not ask.
        """
        text = text.strip()
        if not is_name(text):
            raise Refused(Reason.NOT_A_NAME)
        await self.may_ask(place)
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
            text, Trace(self._correlation_id())
        )

    async def nearest(self, text: str) -> list[Customer]:
        """Names one could have meant, the most similar first."""
        if self._directory.index:
            return self._directory.index.nearest(text)
        trace = Trace(self._correlation_id())
        alike = await self._partner_center.customers.starting_with(text[:3], trace)
        return Index(alike).nearest(text)

    async def may_ask(self, place: Place) -> None:
        """Raises Refused when this person may not ask for upgrades here, or nobody can decide."""
        if place.channel_id.startswith("D"):
            raise Refused(Reason.NOT_IN_A_CHANNEL)
        await self.require_requester(place, self._policies.defaults)

    async def status(self, place: Place) -> Readiness:
        """What this person needs here, and whether it is so."""
        policy = self.policy_here(place)

        async def approving() -> None:
            if not await self._is_full_member_of(place.person, policy.approvers, place.channel_id):
                raise Refused(Reason.MAY_NOT_APPROVE)

        is_here, may_ask, may_approve = await asyncio.gather(
            self._people.is_here(place.channel_id),
            refusal(self.may_ask(place)),
            refusal(approving()),
        )
        return Readiness(is_here, self.knows_customers, may_ask, may_approve)

    @property
    def knows_customers(self) -> bool:
        """Whether all customers are known by now, so that they can be typed ahead."""
        return self._directory.index is not None

    async def typed_ahead(self, text: str, place: Place) -> list[Customer]:
        """Customers that the letters may mean, from the directory alone; the nearest names when
        they mean none. Raises Refused when this person may not ask."""
        await self.may_ask(place)
        index, text = self._directory.index, text.strip()
        if index is None or not is_name(text):
            return []
        return index.find(text) or index.nearest(text)

    def policy_here(self, place: Place) -> Policy:
        """What holds in this channel for a small request of an ordinary customer."""
        return self._policies.policy_for(seats=0, channel=place.channel_id, customer="")

    async def asked_by_me(self, place: Place, limit: int) -> list[UpgradeRequest]:
        """What this person asked for, wherever, the newest first. Raises Refused: as `find`."""
        await self.require_requester(place, self._policies.defaults)
        return await self._store.asked_by(place.person, limit)

    async def asked_here(self, customer: str, place: Place, limit: int) -> list[UpgradeRequest]:
        """What was asked for in this channel, for a customer or, where none is named, for all;
        the newest first. Raises Refused: as `find`."""
        await self.require_requester(place, self._policies.defaults)
        ids = [each.id for each in await self.find(customer, place)] if customer else None
        return await self._store.asked_in(place.channel_id, ids, limit)

    async def customer(self, customer_id: str, place: Place) -> Customer:
        """The customer behind a button. Raises Refused(UNKNOWN_CUSTOMER)."""
        await self.require_requester(place, self._policies.defaults)
        found = await self.customers_called(customer_id) if is_guid(customer_id) else []
        if not found:
            raise Refused(Reason.UNKNOWN_CUSTOMER, text=customer_id, nearest=[])
        return found[0]

    async def options(self, customer: Customer, place: Place) -> list[Upgradable]:
        """What each subscription of the customer can be upgraded to.

        Every eligible option is remembered for a day as offered to this person, so that its
        button needs nothing but an id. Raises Refused(NO_SUBSCRIPTION) or PartnerCenterError.
        """
        policy = self._policies.policy_for(seats=0, channel=place.channel_id, customer=customer.id)
        await self.require_requester(place, policy)
        trace = Trace(self._correlation_id(), await self._people.locale(place.person))
        subscriptions = await self._partner_center.customers.subscriptions(customer.id, trace)
        if not subscriptions:
            raise Refused(Reason.NO_SUBSCRIPTION, customer=customer)
        upgradable = await asyncio.gather(
            *(self.upgradable(customer, subscription, trace) for subscription in subscriptions)
        )
        return await self._offer(customer, list(upgradable), place)

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
        self, customer: Customer, upgradable: list[Upgradable], place: Place
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
                    offers.append(Offered(offer_id, place.person, place.channel_id, *what, now))
            with_ids.append(replace(each, options=tuple(options)))
        await self._store.offer(offers, customer, place.channel_id, place.person)
        return with_ids

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

    async def home(self, person: Person) -> Home:
        """What this person's Home shows."""
        standing = await self._people.standing(person)
        policy = self._policies.defaults
        if standing is not Standing.FULL_MEMBER:
            return Home(standing, policy)
        asked, waits = await asyncio.gather(
            self._store.asked_by(person, HOME_SHOWS * 5),
            self._waits_for(person),
        )
        mine = tuple(request for request in asked if request.closed_at is None)[:HOME_SHOWS]
        lately = tuple(request for request in asked if request.closed_at)[:HOME_SHOWS]
        links = await self.links([*waits, *mine, *lately])
        return Home(standing, policy, waits, mine, lately, links)

    async def _waits_for(self, person: Person) -> tuple[UpgradeRequest, ...]:
        """What this person could approve or confirm now."""
        undecided = await self._store.undecided(person.team_id, MOST_UNDECIDED)
        now = await self._store.now()
        theirs = await asyncio.gather(*(self._is_next(each, person, now) for each in undecided))
        return tuple(compress(undecided, theirs))[:HOME_SHOWS]

    async def _is_next(self, request: UpgradeRequest, person: Person, now: datetime) -> bool:
        """Whether this person could take the step that people have to take next."""
        if request.state is State.AWAITING_APPROVAL:
            return await self._why_not(request, person, now) is None
        try:
            if request.policy.confirm is Confirm.APPROVER and person != request.requester:
                await self.require_approver(request, person)
            story.claim(request, person, now, request.round, request.attempt)
        except Refused:
            return False
        return True

    async def links(self, requests: list[UpgradeRequest]) -> dict[str, str]:
        """The links of the cards, by the requests' ids."""
        return await self._store.links([request.id for request in requests])

    async def language(self, person: Person) -> str:
        """What the person reads, as Slack names it: `zh-TW`."""
        return await self._people.locale(person)

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
        await self.require_requester(Place(person, offered.channel_id), policy)
        return offered, policy

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
        or what the form lacks.
        """
        offered, policy = await self.choose(offer_id, person)
        option = _with_seats(offered.option, seats)
        evidence = evidence.strip()
        if evidence and not is_link(evidence):
            raise Refused(Reason.EVIDENCE_NOT_A_LINK)
        if await self._store.count_open(person) >= MOST_OPEN:
            raise Refused(Reason.TOO_MANY_OPEN, most=MOST_OPEN)
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
            correlation_id=self._correlation_id(),
            created_at=now,
            expires_at=now + policy.expires_after,
            price=self._prices.change(offered.subscription, option, now),
            earlier=(await self.earlier(offered))[:MOST_EARLIER],
        )
        return await self._store.add(story.ask(request))

    # Deciding

    async def approve(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """Raises Refused when this person may not, or not any more."""
        request = await self._card(pointer, place)
        if place.person != request.requester:  # their refusal needs no call to Slack
            await self.require_approver(request, place.person)
        return await self._store.take(
            request.id,
            lambda newest, now: story.approve(newest, place.person, now, pointer.round),
            delivery=place.delivery,
        )

    async def looking(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """*I'm looking*, or no longer. Raises Refused for whoever may not approve."""
        request = await self._card(pointer, place)
        if place.person != request.requester:
            await self.require_approver(request, place.person)
        return await self._store.take(
            request.id,
            lambda newest, now: story.read(newest, place.person, now, pointer.round),
            delivery=place.delivery,
        )

    async def who_may_approve(self, request: UpgradeRequest) -> list[tuple[Person, Reason | None]]:
        """The requester, and everybody whom the policy names, each with why they could not
        approve the request now; by the same questions that their click would be asked.

        Raises Refused(APPROVERS_UNREADABLE).
        """
        named = await self._people.named(request.policy.approvers, request.channel_id)
        now = await self._store.now()
        return [
            (person, await self._why_not(request, person, now))
            for person in dict.fromkeys([request.requester, *named])
        ]

    async def _why_not(
        self, request: UpgradeRequest, person: Person, now: datetime
    ) -> Reason | None:
        try:
            if person != request.requester:
                await self.require_approver(request, person)
            story.approve(request, person, now, request.round)
        except Refused as refused:
            return refused.reason
        return None

    async def may_decline(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """Before the form that asks why. Raises Refused when this person may not decline."""
        request = await self._card(pointer, place)
        if not request.is_open:
            raise Refused(Reason.WRONG_STATE, request=request)
        await self.require_approver(request, place.person)
        return request

    async def decline(self, pointer: Pointer, person: Person, why: str) -> UpgradeRequest:
        """The form that asks why was submitted: everything is asked again.

        Raises Refused when this person may not, or not any more, or says no reason.
        """
        request = await self._store.request(pointer.request_id)
        if request.bundle_id:
            raise Refused(Reason.UNKNOWN_BUTTON)
        if request.state is State.DECLINED and request.closed_by == person:
            return request  # the form was delivered again
        await self.require_approver(request, person)
        return await self._store.take(
            pointer.request_id,
            lambda newest, now: story.decline(newest, person, now, pointer.round, visible(why)),
        )

    async def withdraw(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """Raises Refused for anybody but the requester, or when it is too late."""
        await self._card(pointer, place)
        return await self._store.take(
            pointer.request_id,
            lambda newest, now: story.withdraw(newest, place.person, now),
            delivery=place.delivery,
        )

    async def confirm(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """*Upgrade now*: claim the request for performing. `attend` does the rest."""
        request = await self._card(pointer, place)
        if request.policy.confirm is Confirm.APPROVER and place.person != request.requester:
            await self.require_approver(request, place.person)
        else:
            await self.require_full_member(place.person)
        return await self._store.take(
            pointer.request_id,
            lambda newest, now: story.claim(
                newest, place.person, now, pointer.round, pointer.attempt
            ),
            delivery=place.delivery,
        )

    async def check_again(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """*Check again*: anybody in the channel may have the bot look right now. Raises Refused
        when there is nothing to look for."""
        request = await self._card(pointer, place)
        if request.state is not State.UNKNOWN:
            raise Refused(Reason.NOTHING_TO_CHECK, request=request)
        return request

    async def ask_again(self, pointer: Pointer, place: Place) -> Customer:
        """*Ask again*, or *Try again*: the customer of a request that has ended without an upgrade.
        Raises Refused where it has not, and for whoever may not ask."""
        request = await self._card(pointer, place)
        ended = (State.DECLINED, State.WITHDRAWN, State.EXPIRED)
        if request.state not in ended and not request.may_be_tried_again:
            raise Refused(Reason.WRONG_STATE, request=request)
        await self.require_requester(place, request.policy)
        return request.customer

    async def _card(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """The request of a card. A copy of the card in another channel decides nothing."""
        request = await self._store.request(pointer.request_id)
        logs.correlate(request.correlation_id)
        if request.bundle_id:  # it has no card of its own, so the button is forged
            raise Refused(Reason.UNKNOWN_BUTTON)
        if place.channel_id != request.channel_id:
            raise Refused(Reason.OTHER_CHANNEL, request=request)
        if place.person.team_id != request.requester.team_id:
            raise Refused(Reason.NOT_A_MEMBER)
        return request

    # Who may

    async def require_full_member(self, person: Person) -> None:
        """Raises Refused(NOT_A_MEMBER, MEMBER_UNREADABLE)."""
        standing = await self._people.standing(person)
        if standing is not Standing.FULL_MEMBER:
            raise Refused(Reason.NOT_A_MEMBER, standing=standing)

    async def require_requester(self, place: Place, policy: Policy) -> None:
        """Raises Refused(MAY_NOT_REQUEST, NOT_A_MEMBER, APPROVERS_UNREADABLE, …).

        Whoever types in a channel is in it, so the word `channel` needs no further question."""
        lists = tuple(names for names in policy.requesters if CHANNEL not in names)
        if not await self._is_full_member_of(place.person, lists, place.channel_id):
            raise Refused(Reason.MAY_NOT_REQUEST, policy=policy)

    async def require_approver(self, request: UpgradeRequest, person: Person) -> None:
        """Raises Refused(MAY_NOT_APPROVE, NOT_A_MEMBER, APPROVERS_UNREADABLE, …)."""
        lists = request.policy.approvers
        if not await self._is_full_member_of(person, lists, request.channel_id):
            raise Refused(Reason.MAY_NOT_APPROVE, request=request)

    async def _is_full_member_of(
        self, person: Person, lists: tuple[Names, ...], channel_id: str
    ) -> bool:
        """Both questions at once: a click has three seconds, and each may take two."""
        belongs = asyncio.ensure_future(self._people.belongs(person, lists, channel_id))
        try:
            await self.require_full_member(person)
            return await belongs
        finally:
            belongs.cancel()
            await asyncio.gather(belongs, return_exceptions=True)


async def refusal(question: Awaitable[None]) -> Reason | None:
    """Why something is refused; None when it is not."""
    try:
        await question
    except Refused as refused:
        return refused.reason
    return None


def is_name(text: str) -> bool:
    """Whether a customer can be called so: one line, printable, without signs of Slack's."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and not set(text) & set("<>*|")


def _with_seats(option: UpgradeOption, typed: str) -> UpgradeOption:
    """The option for as many seats as were typed. Raises Refused(SEATS_OUT_OF_RANGE)."""
    if not option.seats_can_be_fewer or not typed.strip():
        return option
    seats = int(typed) if typed.strip().isdecimal() and len(typed) < 9 else 0
    if not 1 <= seats <= option.seats:
        raise Refused(Reason.SEATS_OUT_OF_RANGE, most=option.seats)
    return option.for_seats(seats)


def is_link(text: str) -> bool:
    """A web address that can stand in a message as it is."""
    if len(text) > LONGEST_LINK or not text.isprintable() or set(text) & set("<>|\"'` "):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname)


def visible(text: str) -> str:
    """The text without what nobody can see; empty when nobody can see anything."""
    return text.strip() if any(c.isprintable() and not c.isspace() for c in text) else ""
