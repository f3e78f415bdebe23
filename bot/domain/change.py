"""A change: what will be sent to Partner Center about one subscription, and nothing else.

Each kind is a class of its own. `facts` are what an approval of it is for; `as_listed` is the same
change as Partner Center lists it at the moment.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from bot.domain.subscription import Kind, Subscription, UpgradeOption, UpgradeType


class Fact(StrEnum):
    """The facts that an approval is for."""

    SEATS = "seats"
    STATUS = "status"
    PLAN = "plan"
    TERM = "term"
    BILLING_CYCLE = "billing_cycle"
    ENDS_AT = "ends_at"
    TARGET = "target"
    ELIGIBLE = "eligible"
    TARGET_SEATS = "target_seats"


@dataclass(frozen=True, slots=True)
class UpgradeNow:
    """Traditional commerce: all seats move to another offer, at once."""

    offer_id: str
    name: str
    type: UpgradeType
    seats: int
    kind: Literal["upgrade_now"] = "upgrade_now"

    into = ""
    into_name = ""
    term = ""
    billing_cycle = ""

    def facts(self) -> dict[Fact, str]:
        """What of the change itself is approved."""
        return {Fact.TARGET: self.offer_id.lower(), Fact.TARGET_SEATS: str(self.seats)}

    def is_listed_as(self, option: UpgradeOption) -> bool:
        """Whether an option is this change, whatever its seats and eligibility."""
        return _same(self.offer_id, option.offer_id) and self.type is option.type

    def as_listed(self, option: UpgradeOption) -> "UpgradeNow":
        """The change with what Partner Center says now."""
        return replace(self, offer_id=option.offer_id, name=option.name, seats=option.seats)


@dataclass(frozen=True, slots=True)
class TransitionNow:
    """New commerce: all or some seats move to another product at once, into a new subscription or,
    with `into`, an existing one; then `term` and `billing_cycle` are those of that one."""

    offer_id: str
    name: str
    type: UpgradeType
    seats: int
    into: str = ""
    into_name: str = ""
    term: str = ""
    billing_cycle: str = ""
    kind: Literal["transition_now"] = "transition_now"

    def facts(self) -> dict[Fact, str]:
        """What of the change itself is approved."""
        parts = (self.offer_id.lower(), self.into.lower(), self.term, self.billing_cycle)
        target = " ".join(part for part in parts if part)
        return {Fact.TARGET: target, Fact.TARGET_SEATS: str(self.seats)}

    def is_listed_as(self, option: UpgradeOption) -> bool:
        """Whether an option is this change, whatever its seats and eligibility."""
        same = _same(self.offer_id, option.offer_id) and _same(self.into, option.into)
        return same and self.type is option.type and not option.at_renewal

    def as_listed(self, option: UpgradeOption) -> "TransitionNow":
        """The change with what Partner Center says now, for as many of its seats as there are."""
        return TransitionNow(
            offer_id=option.offer_id,
            name=option.name,
            type=option.type,
            seats=option.for_seats(self.seats).seats,
            into=option.into,
            into_name=option.into_name,
            term=option.term,
            billing_cycle=option.billing_cycle,
        )


Change = UpgradeNow | TransitionNow
"""Every kind of change. A new kind is a new member."""


def change_for(subscription: Subscription, option: UpgradeOption) -> Change:
    """The change that an option of a subscription stands for."""
    what = (option.offer_id, option.name, option.type, option.seats)
    if subscription.kind is Kind.NEW_COMMERCE:
        into = (option.into, option.into_name, option.term, option.billing_cycle)
        return TransitionNow(*what, *into)
    return UpgradeNow(*what)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
