"""The facts that an approval is for, and what has become of them.

An approval is for one exact thing: as a fingerprint beside each vote, and fact by fact just
before the upgrade is sent.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.subscription import Customer, Subscription, UpgradeOption


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


MAY_BE_UNSAID = frozenset({Fact.TERM, Fact.BILLING_CYCLE, Fact.ENDS_AT})
"""Facts that Partner Center says in one answer and not in the other; that is no change."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is no longer what was approved. Values as text, empty when there is none."""

    fact: Fact
    was: str
    now: str


def fingerprint(customer: Customer, subscription: Subscription, option: UpgradeOption) -> str:
    """The exact thing that is approved, as 64 hexadecimal digits."""
    facts = [customer.id, subscription.id, option.type.value]
    facts += [f"{fact}={value}" for fact, value in _facts(subscription, option)]
    return hashlib.sha256("\n".join(facts).lower().encode()).hexdigest()


def differences(
    approved: tuple[Subscription, UpgradeOption], now: tuple[Subscription, UpgradeOption]
) -> tuple[Difference, ...]:
    """What Partner Center shows now that is not what was approved; empty when nothing."""
    then, there = dict(_facts(*approved)), dict(_facts(now[0], now[1].for_seats(approved[1].seats)))
    return tuple(
        Difference(fact, then[fact], there[fact])
        for fact in Fact
        if then[fact] != there[fact]
        and not (fact in MAY_BE_UNSAID and "" in (then[fact], there[fact]))
    )


def _facts(subscription: Subscription, option: UpgradeOption) -> list[tuple[Fact, str]]:
    ends_at = subscription.ends_at.date().isoformat() if subscription.ends_at else ""
    return [
        (Fact.SEATS, str(subscription.seats)),
        (Fact.STATUS, subscription.status),
        (Fact.PLAN, subscription.offer_id.lower()),
        (Fact.TERM, subscription.term),
        (Fact.BILLING_CYCLE, subscription.billing_cycle),
        (Fact.ENDS_AT, ends_at),
        (Fact.TARGET, _target(option)),
        (Fact.ELIGIBLE, _eligibility(option)),
        (Fact.TARGET_SEATS, str(option.seats)),
    ]


def _eligibility(option: UpgradeOption) -> str:
    """`yes`, or the codes that stand against it."""
    if option.eligible:
        return "yes"
    return " ".join(obstacle.code for obstacle in option.obstacles) or "no"


def _target(option: UpgradeOption) -> str:
    parts = (option.offer_id.lower(), option.into.lower(), option.term, option.billing_cycle)
    return " ".join(part for part in parts if part)
