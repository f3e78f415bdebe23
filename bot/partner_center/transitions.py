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

from bot.domain.subscription import Obstacle, Subscription, UpgradeOption, UpgradeType
from bot.domain.upgrade import Outcome, UpgradeRequest
from bot.errors import NotFound, PartnerCenterError, Unreadable
from bot.partner_center import wire
from bot.partner_center.answers import (
    Answer,
    Listed,
    Seen,
    Sight,
    Verdict,
    judge_error,
    obstacle,
)
from bot.partner_center.client import Call, Client, Trace
from bot.partner_center.customers import each, path

TYPES = {
    "transition_only": UpgradeType.UPGRADE_ONLY,
    "transition_with_license_transfer": UpgradeType.WITH_LICENSE_TRANSFER,
}
ON_THE_WIRE = {kind: name for name, kind in TYPES.items()}


class Transitions:
    """The new-commerce world."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def options(
        self, customer_id: str, subscription: Subscription, trace: Trace
    ) -> list[Listed]:
        """What the subscription can move to now, and what at its renewal (`at_renewal`)."""
        where = path("customers", customer_id, "subscriptions", subscription.id)
        now, later = await asyncio.gather(
            self._eligibilities(where, subscription, trace, "immediate"),
            self._eligibilities(where, subscription, trace, "scheduled"),
        )
        return now + later

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
            return await self._client.post(where, call, _body(request), _judge)
        except PartnerCenterError as error:
            return judge_error(error)

    async def look(self, request: UpgradeRequest) -> Seen:
        """What the history says of a transition that was sent, by its operation or, when the
        answer was lost, by what it was. Raises PartnerCenterError when it cannot look."""
        where = _transitions(request.customer.id, request.subscription.id)
        params = {"operationId": request.operation_id} if request.operation_id else {}
        try:
            history = await self._client.get(
                where, Trace(request.correlation_id), wire.Transitions.read, params=params
            )
        except NotFound:
            return Seen(Sight.UNCLEAR)
        for transition in history.items + history.transition:
            if _is_ours(transition, request):
                return _see(transition, request)
        return Seen(Sight.UNCLEAR if request.operation_id else Sight.UNTOUCHED)


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
    return body | {
        key: value
        for key, value in (
            ("termDuration", option.term),
            ("billingCycle", option.billing_cycle),
        )
        if value
    }


def _listed(source: Subscription, at_renewal: bool, data: Any) -> list[Listed]:
    """One target: an option for each type, and one for each subscription to move into."""
    item = wire.TransitionEligibility.read(data)
    seats = item.quantity or source.seats
    options = [
        UpgradeOption(
            offer_id=item.catalog_item_id,
            name=item.title or item.catalog_item_id,
            type=TYPES.get(each.transition_type, UpgradeType.NONE),
            eligible=each.is_eligible and not each.errors and each.transition_type in TYPES,
            seats=seats,
            obstacles=_obstacles(each.errors),
            term=source.term,
            billing_cycle=source.billing_cycle,
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
            eligible=there.is_eligible and not there.errors,
            seats=seats,
            obstacles=_obstacles(there.errors),
            into=there.subscription_id,
            into_name=there.subscription_friendly_name,
            term=there.subscription_term_duration,
            billing_cycle=there.subscription_billing_cycle,
            seats_can_be_fewer=True,
        )
        for there in item.subscription_eligibilities
        for kind in kinds
    ]
    return [Listed(option, data) for option in options]


def _obstacles(errors: list[wire.TransitionError]) -> tuple[Obstacle, ...]:
    return tuple(obstacle(error.code, error.description) for error in errors)


def _judge(data: Any) -> Answer:
    """The first answer to a POST: seldom more than `Started`."""
    transition = wire.Transition.read(data)
    seen = _progress(transition, transition.to_subscription_id)
    if seen.sight is Sight.HAPPENED:
        return Answer(Verdict.HAPPENED, seen.outcome)
    if seen.sight is Sight.REFUSED:
        return Answer(Verdict.REFUSED, seen.outcome)
    if not transition.operation_id:
        return Answer(Verdict.LOST, error=Unreadable("a transition without an operation id"))
    return Answer(Verdict.STARTED, operation_id=transition.operation_id)


def _see(transition: wire.Transition, request: UpgradeRequest) -> Seen:
    """A whole transition keeps the subscription, so without another id it is the same one."""
    return _progress(transition, transition.to_subscription_id or request.subscription.id)


def _progress(transition: wire.Transition, target: str) -> Seen:
    """What the events say. The plan (`Conversion`) decides; licences that did not follow
    (`SeatReassignment`, `LicenseReassignment`) are a matter of their own."""
    plan = [event for event in transition.events if event.name.lower() == "conversion"]
    licences = [event for event in transition.events if event.name.lower() != "conversion"]
    if any(event.status == "failed" for event in plan):
        errors = [error for event in plan for error in event.errors]
        return Seen(Sight.REFUSED, Outcome(obstacles=_obstacles(errors)))
    done = any(event.status == "completed" for event in plan)
    if done and (not licences or _ended(licences)):
        moved = not any(event.status == "failed" for event in licences)
        errors = [error for event in licences for error in event.errors]
        return Seen(Sight.HAPPENED, Outcome(target, obstacles=_obstacles(errors), moved=moved))
    return Seen(Sight.RUNNING, operation_id=transition.operation_id)


def _ended(events: list[wire.TransitionEvent]) -> bool:
    return any(event.status in ("completed", "failed") for event in events)


def _is_ours(transition: wire.Transition, request: UpgradeRequest) -> bool:
    if request.operation_id:
        return transition.operation_id.lower() == request.operation_id.lower()
    begun = [event.timestamp for event in transition.events if event.timestamp]
    sent_at = request.sent_at or request.created_at
    return (
        transition.to_catalog_item_id.lower() == request.option.offer_id.lower()
        and transition.quantity in (None, request.option.seats)
        and (not begun or min(begun) >= sent_at - timedelta(minutes=10))
    )
