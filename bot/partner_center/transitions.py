"""Transitions of new-commerce subscriptions: listing, performing, and following them.

https://learn.microsoft.com/partner-center/developer/create-subscription-transitions

A transition is asynchronous: the POST answers with a first event, and Partner Center works on
it for minutes to a day. A whole transition to a new plan keeps the subscription and its id; a
part of the seats, or seats that move into another subscription, leave the rest where it is.
"""

import asyncio
from functools import partial
from typing import Any

import structlog

from bot.domain.item import Item
from bot.domain.outcome import Outcome
from bot.domain.subscription import Obstacle, Subscription, UpgradeOption, UpgradeType
from bot.errors import NotFound, PartnerCenterError, Unreadable
from bot.partner_center import wire
from bot.partner_center.answers import (
    Answer,
    Listed,
    LookResult,
    Observation,
    Verdict,
    judge_error,
    obstacle,
)
from bot.partner_center.client import Call, Client, Trace
from bot.partner_center.customers import Customers, each, path
from bot.partner_center.matching import can_be_target, is_same, is_since_sent, source_of

TYPES = {
    "transition_only": UpgradeType.UPGRADE_ONLY,
    "transition_with_license_transfer": UpgradeType.WITH_LICENSE_TRANSFER,
}
LOOKS_FOR_LICENCES = 6
"""Looks, about twenty minutes, for which the licences of a finished transition are waited for."""

ON_THE_WIRE = {kind: name for name, kind in TYPES.items()}


log = structlog.get_logger()


class Transitions:
    """The new-commerce world."""

    def __init__(self, client: Client, customers: Customers) -> None:
        self._client = client
        self._customers = customers

    async def options(
        self, customer_id: str, subscription: Subscription, trace: Trace
    ) -> list[Listed]:
        """What the subscription can move to now, and what at its renewal (`at_renewal`)."""
        where = path("customers", customer_id, "subscriptions", subscription.id)
        now, later = await asyncio.gather(
            self._eligibilities(where, subscription, trace, "immediate"),
            self._at_renewal(where, subscription, trace),
        )
        return now + later

    async def _at_renewal(
        self, where: str, subscription: Subscription, trace: Trace
    ) -> list[Listed]:
        """For information only, so its trouble hides nothing."""
        try:
            return await self._eligibilities(where, subscription, trace, "scheduled")
        except PartnerCenterError as error:
            log.info("transitions.renewal_unknown", trouble=str(error))
            return []

    async def _eligibilities(
        self, where: str, subscription: Subscription, trace: Trace, kind: str
    ) -> list[Listed]:
        read = each(partial(_listed, subscription, kind == "scheduled"))
        params = {"eligibilityType": kind}
        items = await self._client.get(
            where + "/transitioneligibilities", trace, read, params=params
        )
        return [listed for item in items for listed in item]

    async def perform(self, item: Item, _listed: Listed) -> Answer:
        """Start the transition, once, under the request's stored ids.

        The body names what was approved; every end, trouble too, is one of the verdicts.
        """
        where = _transitions(item.customer.id, item.subscription.id)
        call = Call(item.ms_request_id, Trace(item.correlation_id))
        try:
            return await self._client.post(where, call, _body(item), partial(_judge, item))
        except PartnerCenterError as error:
            return judge_error(error)

    async def look(self, item: Item) -> LookResult:
        """What became of a transition that was sent: by the history, and where that has nothing,
        by the subscriptions themselves. Raises PartnerCenterError when it cannot look."""
        where = _transitions(item.customer.id, item.subscription.id)
        params = {"operationId": item.attempt.operation_id} if item.attempt.operation_id else {}
        try:
            history = await self._client.get(
                where, Trace(item.correlation_id), wire.Transitions.read, params=params
            )
        except NotFound:
            history = wire.Transitions()
        for transition in history.items + history.transition:
            if _is_ours(transition, item):
                return _progress(transition, item)
        return await self._look_at_subscriptions(item)

    async def _look_at_subscriptions(self, item: Item) -> LookResult:
        trace = Trace(item.correlation_id)
        return _seen_in(await self._customers.subscriptions(item.customer.id, trace), item)


def _transitions(customer_id: str, subscription_id: str) -> str:
    return path("customers", customer_id, "subscriptions", subscription_id) + "/transitions"


def _body(item: Item) -> dict[str, Any]:
    """With `toSubscriptionId`, term and billing cycle are those of that subscription."""
    option, subscription = item.change, item.subscription
    body: dict[str, Any] = {
        "fromCatalogItemId": subscription.offer_id,
        "fromSubscriptionId": subscription.id,
        "toCatalogItemId": option.offer_id,
        "quantity": option.seats,
        "transitionType": ON_THE_WIRE[option.type],
    }
    if option.into:
        return {**body, "toSubscriptionId": option.into}
    stays = (("termDuration", subscription.term), ("billingCycle", subscription.billing_cycle))
    return body | {key: value for key, value in stays if value}


def _listed(source: Subscription, at_renewal: bool, data: Any) -> list[Listed]:
    """One target: an option for each type, and one for each subscription to move into."""
    target = wire.TransitionEligibility.read(data)
    seats = target.quantity or source.seats
    options = [_option(target, each, seats, at_renewal) for each in target.eligibilities]
    kinds = [option.type for option in options if option.eligible] or [UpgradeType.UPGRADE_ONLY]
    options += [
        _option_into(target, there, kind, seats)
        for there in target.subscription_eligibilities
        for kind in kinds
    ]
    return [Listed(option, data) for option in options]


def _option(
    target: wire.TransitionEligibility, each: wire.Eligibility, seats: int, at_renewal: bool
) -> UpgradeOption:
    known = each.transition_type in TYPES
    return UpgradeOption(
        offer_id=target.catalog_item_id,
        name=target.title or target.catalog_item_id,
        type=TYPES[each.transition_type] if known else UpgradeType.NONE,
        eligible=bool(each.is_eligible) and not each.errors and known,
        seats=seats,
        obstacles=_obstacles(each.errors),
        seats_can_be_fewer=not at_renewal,
        at_renewal=at_renewal,
    )


def _option_into(
    target: wire.TransitionEligibility,
    there: wire.SubscriptionEligibility,
    kind: UpgradeType,
    seats: int,
) -> UpgradeOption:
    return UpgradeOption(
        offer_id=target.catalog_item_id,
        name=target.title or target.catalog_item_id,
        type=kind,
        eligible=bool(there.is_eligible) and not there.errors,
        seats=seats,
        obstacles=_obstacles(there.errors),
        into=there.subscription_id,
        into_name=there.subscription_friendly_name,
        term=there.subscription_term_duration.upper(),
        billing_cycle=there.subscription_billing_cycle,
        seats_can_be_fewer=True,
    )


def _obstacles(errors: list[wire.TransitionError]) -> tuple[Obstacle, ...]:
    return tuple(obstacle(error.code, error.description) for error in errors)


def _judge(item: Item, data: Any) -> Answer:
    """The first answer to a POST: seldom more than `Started`."""
    transition = wire.Transition.read(data)
    seen = _progress(transition, item)
    if seen.observation is Observation.HAPPENED:
        return Answer(Verdict.HAPPENED, seen.outcome)
    if seen.observation is Observation.REFUSED:
        return Answer(Verdict.REFUSED, seen.outcome)
    if not transition.operation_id:
        return Answer(Verdict.LOST, error=Unreadable("a transition without an operation id"))
    return Answer(Verdict.STARTED, operation_id=transition.operation_id)


def _progress(transition: wire.Transition, item: Item) -> LookResult:
    """What the events say. The plan (`Conversion`) decides; licences that did not follow
    (`SeatReassignment`, `LicenseReassignment`) are a matter of their own. A whole transition
    keeps the subscription, so without another id it is the same one."""
    plan = [event for event in transition.events if event.name.lower() == "conversion"]
    licences = [event for event in transition.events if event.name.lower() != "conversion"]
    if _some(plan, "failed"):
        return LookResult(Observation.REFUSED, Outcome(obstacles=_obstacles_of(plan)))
    if not _some(plan, "completed") or not _licences_are_settled(licences, item):
        return LookResult(Observation.RUNNING, operation_id=transition.operation_id)
    target = transition.to_subscription_id or item.change.into or item.subscription.id
    moved, obstacles = not _some(licences, "failed"), _obstacles_of(licences)
    return LookResult(Observation.HAPPENED, Outcome(target, obstacles=obstacles, moved=moved))


def _some(events: list[wire.TransitionEvent], *statuses: str) -> bool:
    return any(event.status in statuses for event in events)


def _obstacles_of(events: list[wire.TransitionEvent]) -> tuple[Obstacle, ...]:
    return tuple(each for event in events for each in _obstacles(event.errors))


def _licences_are_settled(licences: list[wire.TransitionEvent], item: Item) -> bool:
    """With licence transfer their event can come after that of the plan; not for ever, though."""
    if licences:
        return _some(licences, "completed", "failed")
    transfer = item.change.type is UpgradeType.WITH_LICENSE_TRANSFER
    return not transfer or item.attempt.looks >= LOOKS_FOR_LICENCES


def _seen_in(there: list[Subscription], item: Item) -> LookResult:
    """What the subscriptions say: a whole transition changes the plan of the source, a part its
    seats."""
    source, before = source_of(item, there), item.subscription
    if source is None:
        return LookResult(Observation.UNCLEAR)
    if is_same(source.offer_id, item.change.offer_id):
        return LookResult(Observation.HAPPENED, Outcome(source.id, seen=True))
    if source.seats == before.seats and source.is_active:
        return LookResult(Observation.UNTOUCHED)
    targets = [each for each in there if _is_target(each, item)]
    if source.seats == before.seats - item.change.seats and len(targets) == 1:
        return LookResult(Observation.HAPPENED, Outcome(targets[0].id, seen=True))
    return LookResult(Observation.UNCLEAR)


def _is_ours(transition: wire.Transition, item: Item) -> bool:
    """By its operation; when the answer was lost, by what it was and when it began."""
    if item.attempt.operation_id:
        return is_same(transition.operation_id, item.attempt.operation_id)
    begun = [event.timestamp for event in transition.events if event.timestamp]
    return (
        transition.to_catalog_item_id.lower() in ("", item.change.offer_id.lower())
        and transition.quantity in (None, item.change.seats)
        and bool(begun)
        and is_since_sent(min(begun), item)
    )


def _is_target(subscription: Subscription, item: Item) -> bool:
    """The subscription moved into, or the new one with the part of the seats."""
    if item.change.into:
        return is_same(subscription.id, item.change.into)
    return can_be_target(subscription, item) and subscription.created_at is not None
