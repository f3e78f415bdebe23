"""Upgrades of traditional subscriptions: listing the options and performing one.

https://learn.microsoft.com/partner-center/developer/transition-a-subscription

The POST goes to the *source* subscription, the one whose upgrades were listed. The table of
that page names the target's id instead, but the target does not exist before the upgrade;
the page's own C# text, Microsoft's .NET and Java SDKs and their samples all post to the source.
"""

from functools import partial
from typing import Any

from bot.domain.item import Item
from bot.domain.outcome import LicenseError, Outcome
from bot.domain.subscription import Subscription, UpgradeOption, UpgradeType
from bot.errors import PartnerCenterError
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
from bot.partner_center.audit import operation_status
from bot.partner_center.client import Call, Client, Trace
from bot.partner_center.customers import Customers, each, path
from bot.partner_center.matching import can_be_target, source_of

PERFORMED = ("upgrade_only", "upgrade_with_license_transfer")
"""The kinds of upgrade that there are; an option of another kind is shown and not offered."""


class Upgrades:
    """The traditional world."""

    def __init__(self, client: Client, customers: Customers) -> None:
        self._client = client
        self._customers = customers

    async def options(
        self, customer_id: str, subscription: Subscription, trace: Trace
    ) -> list[Listed]:
        """What the subscription can be upgraded to, the ineligible options included."""
        where = _upgrades(customer_id, subscription.id)
        return await self._client.get(where, trace, each(partial(_listed, subscription)))

    async def perform(self, item: Item, listed: Listed) -> Answer:
        """Send the upgrade, once, under the request's stored ids, with the option exactly as it
        was listed just before. Every end, trouble too, is one of the verdicts."""
        where = _upgrades(item.customer.id, item.subscription.id)
        call = Call(item.ms_request_id, Trace(item.correlation_id))
        try:
            return await self._client.post(where, call, listed.as_listed, _judge)
        except PartnerCenterError as error:
            return judge_error(error)

    async def look(self, item: Item) -> LookResult:
        """Whether a sent upgrade happened, read from the customer's subscriptions.

        An upgrade leaves its source suspended with the reason `Transition` and makes a new,
        active subscription of the target offer. Raises PartnerCenterError when it cannot look.
        """
        trace = Trace(item.correlation_id)
        there = await self._customers.subscriptions(item.customer.id, trace)
        source = source_of(item, there)
        if source is not None and source.is_active:
            return await self._look_at_the_audit(item)
        if source is None or not source.was_upgraded:
            return LookResult(Observation.UNCLEAR)
        targets = [subscription for subscription in there if _is_target(subscription, item)]
        if len(targets) != 1:
            return LookResult(Observation.UNCLEAR)
        return LookResult(Observation.HAPPENED, Outcome(targets[0].id, seen=True))

    async def _look_at_the_audit(self, item: Item) -> LookResult:
        """The source is as it was. Whether it stays so, Partner Center's own records may know."""
        match await operation_status(self._client, item):
            case "failed" | "decline":
                return LookResult(Observation.REFUSED, Outcome(obstacles=(obstacle("other", ""),)))
            case "succeeded" | "progress":
                return LookResult(Observation.UNDER_WAY)
            case _:
                return LookResult(Observation.UNTOUCHED)


def _is_target(subscription: Subscription, item: Item) -> bool:
    """It can still be on its way to being active."""
    return can_be_target(subscription, item) and subscription.status in ("active", "pending")


def _judge(data: Any) -> Answer:
    """HTTP 200 is not success: with `upgradeErrors` nothing was upgraded; with `licenseErrors`
    alone it was, and these users have to be helped by hand."""
    result = wire.UpgradeResult.read(data)
    if result.upgrade_errors and result.target_subscription_id:
        return Answer(Verdict.LOST)  # it says both, so somebody has to look
    if result.upgrade_errors:
        obstacles = tuple(obstacle(e.code, e.description) for e in result.upgrade_errors)
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


def _upgrades(customer_id: str, subscription_id: str) -> str:
    return path("customers", customer_id, "subscriptions", subscription_id) + "/upgrades"


def _listed(source: Subscription, data: Any) -> Listed:
    return Listed(_option(wire.Upgrade.read(data), source), data)


def _option(upgrade: wire.Upgrade, source: Subscription) -> UpgradeOption:
    offer = upgrade.target_offer
    known = upgrade.upgrade_type in PERFORMED
    obstacles = tuple(obstacle(e.code, e.description) for e in upgrade.upgrade_errors)
    return UpgradeOption(
        offer_id=offer.id,
        name=offer.name or offer.id,
        type=UpgradeType(upgrade.upgrade_type) if known else UpgradeType.NONE,
        eligible=bool(upgrade.is_eligible) and not obstacles and known,
        seats=upgrade.quantity or source.seats,
        obstacles=obstacles,
    )


def _license_error(error: wire.UserLicenseError) -> LicenseError:
    causes = tuple(fault.description or f"code {fault.code}" for fault in error.errors)
    return LicenseError(error.user_object_id, error.name, error.email, causes)
