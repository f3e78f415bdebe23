"""Upgrades of traditional subscriptions: listing the options and performing one.

https://learn.microsoft.com/partner-center/developer/transition-a-subscription

The POST goes to the *source* subscription, the one whose upgrades were listed. The table of
that page names the target's id instead, but the target does not exist before the upgrade;
the page's own C# text, Microsoft's .NET and Java SDKs and their samples all post to the source.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Any

from bot.domain.subscription import Obstacle, ObstacleCode, Subscription, UpgradeOption, UpgradeType
from bot.domain.upgrade import LicenseError, Outcome, UpgradeRequest
from bot.errors import (
    NotAllowed,
    NotFound,
    PartnerCenterError,
    Rejected,
    SignInFailed,
    Throttled,
    Unreachable,
)
from bot.partner_center import wire
from bot.partner_center.client import Call, Client
from bot.partner_center.customers import Customers, each, path


@dataclass(frozen=True, slots=True)
class Listed:
    """An option, and exactly what Partner Center listed for it: that is what is sent back."""

    option: UpgradeOption
    as_listed: dict[str, Any]


class Verdict(Enum):
    """What is known after a POST."""

    HAPPENED = "it happened"
    REFUSED = "it did not happen, Partner Center said no"
    NOT_SENT = "it did not happen, Partner Center never got to decide"
    LOST = "nobody knows"


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, with what Partner Center said (HAPPENED, REFUSED) or what stood in the
    way (NOT_SENT)."""

    verdict: Verdict
    outcome: Outcome | None = None
    error: PartnerCenterError | None = None


class Sight(Enum):
    """What Partner Center shows when an answer was lost."""

    HAPPENED = "the source is suspended by a transition and the target is there"
    UNTOUCHED = "the source is active, as if nothing had been sent"
    UNCLEAR = "neither the one nor the other"


class Upgrades:
    """The upgrades of one subscription at a time."""

    def __init__(self, client: Client, customers: Customers) -> None:
        self._client = client
        self._customers = customers

    async def options(
        self, customer_id: str, subscription: Subscription, correlation_id: str
    ) -> list[Listed]:
        """What the subscription can be upgraded to, the ineligible options included."""
        where = _upgrades(customer_id, subscription.id)
        return await self._client.get(where, correlation_id, each(partial(_listed, subscription)))

    async def perform(self, request: UpgradeRequest, listed: Listed) -> Answer:
        """Send the upgrade, once, under the request's stored ids.

        `listed` is the option as Partner Center listed it just before. Never raises for
        trouble at Partner Center: every end is one of the verdicts.
        """
        where = _upgrades(request.customer.id, request.subscription.id)
        call = Call(request.ms_request_id, request.correlation_id)
        try:
            return await self._client.post(where, call, listed.as_listed, _judge)
        except PartnerCenterError as error:
            return _judge_error(error)

    async def look(self, request: UpgradeRequest) -> tuple[Sight, Outcome | None]:
        """Whether a sent upgrade happened, read from the customer's subscriptions.

        An upgrade leaves its source suspended with the reason `Transition` and makes a new,
        active subscription of the target offer. Raises PartnerCenterError when it cannot look.
        """
        there = await self._customers.subscriptions(request.customer.id, request.correlation_id)
        source = next((s for s in there if _same(s.id, request.subscription.id)), None)
        if source is not None and source.is_active:
            return Sight.UNTOUCHED, None
        if source is None or not source.was_upgraded:
            return Sight.UNCLEAR, None
        for subscription in there:
            if subscription.is_active and _is_target(subscription, request):
                return Sight.HAPPENED, Outcome(subscription.id, seen=True)
        return Sight.UNCLEAR, None


def _is_target(subscription: Subscription, request: UpgradeRequest) -> bool:
    """Of the offer that was asked for, and not older than the request (clocks may differ by
    some minutes)."""
    created = subscription.created_at
    return _same(subscription.offer_id, request.option.offer_id) and (
        created is None or created >= request.created_at - timedelta(minutes=10)
    )


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _judge(data: Any) -> Answer:
    """HTTP 200 is not success: with `upgradeErrors` nothing was upgraded; with `licenseErrors`
    alone it was, and these users have to be helped by hand."""
    result = wire.UpgradeResult.read(data)
    if result.upgrade_errors:
        obstacles = tuple(_obstacle(error) for error in result.upgrade_errors)
        return Answer(Verdict.REFUSED, Outcome(obstacles=obstacles))
    if not result.target_subscription_id:
        return Answer(Verdict.LOST)
    return Answer(
        Verdict.HAPPENED,
        Outcome(
            target_subscription_id=result.target_subscription_id,
            license_errors=tuple(_license_error(error) for error in result.license_errors),
        ),
    )


def _judge_error(error: PartnerCenterError) -> Answer:
    """What an error says about whether the upgrade happened. In doubt: nobody knows.

    A conflict (409) can mean that an earlier attempt of ours is still at work.
    """
    if isinstance(error, SignInFailed | Throttled):
        return Answer(Verdict.NOT_SENT, error=error)
    if isinstance(error, Unreachable) and error.never_sent:
        return Answer(Verdict.NOT_SENT, error=error)
    if isinstance(error, Rejected | NotAllowed | NotFound) and error.status != 409:
        return Answer(Verdict.REFUSED, Outcome(status=error.status, code=error.code or ""))
    return Answer(Verdict.LOST, error=error)


def _upgrades(customer_id: str, subscription_id: str) -> str:
    return path("customers", customer_id, "subscriptions", subscription_id) + "/upgrades"


def _listed(source: Subscription, data: Any) -> Listed:
    return Listed(_option(wire.Upgrade.read(data), source), data)


def _option(upgrade: wire.Upgrade, source: Subscription) -> UpgradeOption:
    offer = upgrade.target_offer
    known = upgrade.upgrade_type in wire.UPGRADE_TYPES
    obstacles = tuple(_obstacle(error) for error in upgrade.upgrade_errors)
    return UpgradeOption(
        offer_id=offer.id,
        name=offer.name or offer.id,
        type=UpgradeType(upgrade.upgrade_type) if known else UpgradeType.NONE,
        eligible=upgrade.is_eligible and not obstacles and known and upgrade.upgrade_type != "none",
        seats=upgrade.quantity or source.seats,
        obstacles=obstacles,
    )


def _obstacle(error: wire.UpgradeError) -> Obstacle:
    known = error.code in wire.UPGRADE_ERROR_CODES
    code = ObstacleCode(error.code) if known else ObstacleCode.UNKNOWN
    return Obstacle(code, error.code, error.description)


def _license_error(error: wire.UserLicenseError) -> LicenseError:
    causes = tuple(fault.description or f"code {fault.code}" for fault in error.errors)
    return LicenseError(error.user_object_id, error.name, error.email, causes)
