"""What an approval is for, and what has become of it.

An approval is for one exact thing: as a fingerprint beside each vote, and fact by fact just
before the change is sent.
"""

import hashlib
from dataclasses import dataclass

from bot.domain.change import Change, Fact
from bot.domain.subscription import Customer, Subscription, UpgradeOption

FORMULA = 1
"""The version of the formula by which new fingerprints are made."""

MAY_BE_UNSAID = frozenset({Fact.TERM, Fact.BILLING_CYCLE, Fact.ENDS_AT})
"""Facts that Partner Center says in one answer and not in the other; that is no change."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is no longer what was approved. Values as text, empty when there is none."""

    fact: Fact
    was: str
    now: str


def fingerprint(
    customer: Customer, subscription: Subscription, change: Change, formula: int = FORMULA
) -> str:
    """The exact thing that is approved, as 64 hexadecimal digits, by one version of the formula:
    what was approved under an older one is compared by that one.

    Raises KeyError for a version that does not exist.
    """
    return _FORMULAS[formula](customer, subscription, change)


def differences(
    subscription: Subscription, change: Change, now: Subscription, listed: UpgradeOption
) -> tuple[Difference, ...]:
    """What Partner Center shows now that is not what was approved; empty when nothing."""
    then = {**_facts(subscription), **change.facts(), Fact.ELIGIBLE: "yes"}
    listed_change = change.as_listed(listed)
    there = {**_facts(now), **listed_change.facts(), Fact.ELIGIBLE: _eligibility(listed)}
    return tuple(
        Difference(fact, then[fact], there[fact])
        for fact in Fact
        if then[fact] != there[fact]
        and not (fact in MAY_BE_UNSAID and "" in (then[fact], there[fact]))
    )


def _formula_1(customer: Customer, subscription: Subscription, change: Change) -> str:
    facts = {**_facts(subscription), **change.facts(), Fact.ELIGIBLE: "yes"}
    lines = [customer.id, subscription.id, change.type.value]
    lines += [f"{fact}={facts[fact]}" for fact in Fact]
    return hashlib.sha256("\n".join(lines).lower().encode()).hexdigest()


_FORMULAS = {1: _formula_1}


def _facts(subscription: Subscription) -> dict[Fact, str]:
    ends_at = subscription.ends_at.date().isoformat() if subscription.ends_at else ""
    return {
        Fact.SEATS: str(subscription.seats),
        Fact.STATUS: subscription.status,
        Fact.PLAN: subscription.offer_id.lower(),
        Fact.TERM: subscription.term,
        Fact.BILLING_CYCLE: subscription.billing_cycle,
        Fact.ENDS_AT: ends_at,
    }


def _eligibility(option: UpgradeOption) -> str:
    """`yes`, or the codes that stand against it."""
    if option.eligible:
        return "yes"
    return " ".join(obstacle.code for obstacle in option.obstacles) or "no"
