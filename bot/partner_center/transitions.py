"""Transitions of new-commerce subscriptions: listing, performing, and following them.

https://learn.microsoft.com/partner-center/developer/create-subscription-transitions

A transition is asynchronous: the POST answers with a first event, and Partner Center works on
it for minutes to a day. A whole transition to a new plan keeps the subscription and its id; a
part of the seats, or seats that move into another subscription, leave the rest where it is.
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from bot.domain.subscription import Obstacle, Subscription, UpgradeOption, UpgradeType
from bot.domain.upgrade import Outcome, UpgradeRequest
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

TYPES = {
    "transition_only": UpgradeType.UPGRADE_ONLY,
    "transition_with_license_transfer": UpgradeType.WITH_LICENSE_TRANSFER,
}
CLOCKS_DIFFER = timedelta(minutes=10)
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

    async def perform(self, request: UpgradeRequest, _listed: Listed) -> Answer:
        """Start the transition, once, under the request's stored ids.

        The body names what was approved; every end, trouble too, is one of the verdicts.
        """
        where = _transitions(request.customer.id, request.subscription.id)
        call = Call(request.ms_request_id, Trace(request.correlation_id))
        try:
            return await self._client.post(where, call, _body(request), partial(_judge, request))
        except PartnerCenterError as error:
            return judge_error(error)

    async def look(self, request: UpgradeRequest) -> LookResult:
        """What became of a transition that was sent: by the history, and where that has nothing,
        by the subscriptions themselves. Raises PartnerCenterError when it cannot look."""
        where = _transitions(request.customer.id, request.subscription.id)
        params = {"operationId": request.operation_id} if request.operation_id else {}
        try:
            history = await self._client.get(
                where, Trace(request.correlation_id), wire.Transitions.read, params=params
            )
        except NotFound:
            history = wire.Transitions()
        for transition in history.items + history.transition:
            if _is_ours(transition, request):
                return _progress(transition, request)
        return await self._look_at_subscriptions(request)

    async def _look_at_subscriptions(self, request: UpgradeRequest) -> LookResult:
        """A whole transition changes the plan of the source; a part makes it smaller."""
        trace = Trace(request.correlation_id)
        there = await self._customers.subscriptions(request.customer.id, trace)
        option, before = request.option, request.subscription
        source = next((s for s in there if _same(s.id, before.id)), None)
        if source is None:
            return LookResult(Observation.UNCLEAR)
        if _same(source.offer_id, option.offer_id):
            return LookResult(Observation.HAPPENED, Outcome(source.id, seen=True))
        if source.seats == before.seats and source.is_active:
            return LookResult(Observation.UNTOUCHED)
        targets = [s for s in there if _is_target(s, request)]
        if source.seats == before.seats - option.seats and len(targets) == 1:
            return LookResult(Observation.HAPPENED, Outcome(targets[0].id, seen=True))
        return LookResult(Observation.UNCLEAR)


def _transitions(customer_id: str, subscription_id: str) -> str:
    return path("customers", customer_id, "subscriptions", subscription_id) + "/transitions"


def _body(request: UpgradeRequest) -> dict[str, Any]:
    """With `toSubscriptionId`, term and billing cycle are those of that subscription."""
    option, subscription = request.option, request.subscription
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
    item = wire.TransitionEligibility.read(data)
    seats = item.quantity or source.seats
    options = [
        UpgradeOption(
            offer_id=item.catalog_item_id,
            name=item.title or item.catalog_item_id,
            type=TYPES.get(each.transition_type, UpgradeType.NONE),
            eligible=bool(each.is_eligible) and not each.errors and each.transition_type in TYPES,
            seats=seats,
            obstacles=_obstacles(each.errors),
            seats_can_be_fewer=not at_renewal,
            at_renewal=at_renewal,
        )
        for each in item.eligibilities
    ]
    kinds = [option.type for option in options if option.eligible] or [UpgradeType.UPGRADE_ONLY]
    options += [
        UpgradeOption(
            offer_id=item.catalog_item_id,
            name=item.title or item.catalog_item_id,
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
        for there in item.subscription_eligibilities
        for kind in kinds
    ]
    return [Listed(option, data) for option in options]


def _obstacles(errors: list[wire.TransitionError]) -> tuple[Obstacle, ...]:
    return tuple(obstacle(error.code, error.description) for error in errors)


def _judge(request: UpgradeRequest, data: Any) -> Answer:
    """The first answer to a POST: seldom more than `Started`."""
    transition = wire.Transition.read(data)
    seen = _progress(transition, request)
    if seen.observation is Observation.HAPPENED:
        return Answer(Verdict.HAPPENED, seen.outcome)
    if seen.observation is Observation.REFUSED:
        return Answer(Verdict.REFUSED, seen.outcome)
    if not transition.operation_id:
        return Answer(Verdict.LOST, error=Unreadable("a transition without an operation id"))
    return Answer(Verdict.STARTED, operation_id=transition.operation_id)


def _progress(transition: wire.Transition, request: UpgradeRequest) -> LookResult:
    """What the events say. The plan (`Conversion`) decides; licences that did not follow
    (`SeatReassignment`, `LicenseReassignment`) are a matter of their own. A whole transition
    keeps the subscription, so without another id it is the same one."""
    target = transition.to_subscription_id or request.option.into or request.subscription.id
    plan = [event for event in transition.events if event.name.lower() == "conversion"]
    licences = [event for event in transition.events if event.name.lower() != "conversion"]
    if any(event.status == "failed" for event in plan):
        errors = [error for event in plan for error in event.errors]
        return LookResult(Observation.REFUSED, Outcome(obstacles=_obstacles(errors)))
    done = any(event.status == "completed" for event in plan)
    if done and _licences_are_settled(licences, request):
        moved = not any(event.status == "failed" for event in licences)
        errors = [error for event in licences for error in event.errors]
        return LookResult(
            Observation.HAPPENED, Outcome(target, obstacles=_obstacles(errors), moved=moved)
        )
    return LookResult(Observation.RUNNING, operation_id=transition.operation_id)


def _licences_are_settled(licences: list[wire.TransitionEvent], request: UpgradeRequest) -> bool:
    """With licence transfer their event can come after that of the plan; not for ever, though."""
    if licences:
        return any(event.status in ("completed", "failed") for event in licences)
    transfer = request.option.type is UpgradeType.WITH_LICENSE_TRANSFER
    return not transfer or request.looks >= LOOKS_FOR_LICENCES


def _is_ours(transition: wire.Transition, request: UpgradeRequest) -> bool:
    """By its operation; when the answer was lost, by what it was and when it began."""
    if request.operation_id:
        return _same(transition.operation_id, request.operation_id)
    begun = [event.timestamp for event in transition.events if event.timestamp]
    sent_at = request.sent_at or request.created_at
    return (
        transition.to_catalog_item_id.lower() in ("", request.option.offer_id.lower())
        and transition.quantity in (None, request.option.seats)
        and bool(begun)
        and min(begun) >= sent_at - CLOCKS_DIFFER
    )


def _is_target(subscription: Subscription, request: UpgradeRequest) -> bool:
    """The subscription moved into, or the new one with the part of the seats."""
    option, created = request.option, subscription.created_at
    if option.into:
        return _same(subscription.id, option.into)
    sent_at = request.sent_at or request.created_at
    return (
        _same(subscription.offer_id, option.offer_id)
        and subscription.seats == option.seats
        and created is not None
        and created >= sent_at - CLOCKS_DIFFER
    )


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
