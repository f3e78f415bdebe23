"""What an approval is for, to the last fact, and what has become of it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.change import Change, Fact, TransitionNow
from bot.domain.drift import FORMULA, differences, fingerprint
from bot.domain.item import State
from bot.domain.subscription import Kind, Obstacle, ObstacleCode, Subscription, UpgradeType
from tests.factories import CHANGE, CUSTOMER, NOW, OPTION, SUBSCRIPTION, item_in

NEW_COMMERCE = replace(SUBSCRIPTION, offer_id="CFQ7TTC0LF8R:0001", kind=Kind.NEW_COMMERCE)
TRANSITION = TransitionNow(
    "CFQ7TTC0LFLX:0002", "Office 365 Enterprise E3", UpgradeType.UPGRADE_ONLY, seats=10
)
INTO = replace(
    TRANSITION,
    into="AAAAAAAA-9999-4999-8999-999999999999",
    into_name="Office 365 E3",
    term="P3Y",
    billing_cycle="annual",
)


@pytest.mark.parametrize(
    ("subscription", "change", "digits"),
    [
        (SUBSCRIPTION, CHANGE, "82a63f360ab3365125b6fb309df6b7b21e8978fd8b57a8d749cc5e1e184246d5"),
        (
            SUBSCRIPTION,
            replace(CHANGE, type=UpgradeType.WITH_LICENSE_TRANSFER),
            "2b425f3d49428ac8450b05af4f93f9385463bee98a1085f2c077232d240ffc1b",
        ),
        (
            replace(SUBSCRIPTION, term="", billing_cycle="", ends_at=None),
            CHANGE,
            "26b8f4396736a13cf99773691e761cea2298fddac521d1b398e1fa068c554fb4",
        ),
        (
            NEW_COMMERCE,
            TRANSITION,
            "020cc673858bb19435b081df3b7cda59de5673e265f243e8efce543b4d1d99e4",
        ),
        (NEW_COMMERCE, INTO, "e812491bb32f4465bfbc963274f98c65f22d82a3d34bd897ba8eb2391229c981"),
    ],
)
def test_the_first_formula_is_what_it_was_when_it_was_the_only_one(
    subscription: Subscription, change: Change, digits: str
) -> None:
    """What is stored beside votes stays good for exactly this."""
    # The digits are those that the program made for these facts when requests had options, and no
    # items and changes yet: `fingerprint(customer, subscription, option)`.
    assert fingerprint(CUSTOMER, subscription, change, 1) == digits


def test_new_fingerprints_are_made_by_the_newest_formula() -> None:
    """An older one is used only for what was approved by it."""
    newest = fingerprint(CUSTOMER, SUBSCRIPTION, CHANGE, FORMULA)
    assert fingerprint(CUSTOMER, SUBSCRIPTION, CHANGE) == newest
    item = item_in(State.AWAITING_APPROVAL, subscription=SUBSCRIPTION)
    assert item.fingerprint() == item.fingerprint(FORMULA)


def test_a_formula_that_does_not_exist_proves_nothing() -> None:
    """Rather than any other formula."""
    with pytest.raises(KeyError):
        fingerprint(CUSTOMER, SUBSCRIPTION, CHANGE, 0)


@pytest.mark.parametrize(
    ("change", "fact", "was", "now"),
    [
        ({"seats": 26}, Fact.SEATS, "25", "26"),
        ({"status": "suspended"}, Fact.STATUS, "active", "suspended"),
        ({"offer_id": "e2"}, Fact.PLAN, "e1", "e2"),
        ({"term": "P3Y"}, Fact.TERM, "P1Y", "P3Y"),
        ({"billing_cycle": "annual"}, Fact.BILLING_CYCLE, "monthly", "annual"),
        ({"ends_at": NOW}, Fact.ENDS_AT, "2027-02-28", "2026-11-20"),
    ],
)
def test_every_fact_of_the_subscription_is_part_of_the_fingerprint(
    change: dict[str, Any], fact: Fact, was: str, now: str
) -> None:
    """Any change is a difference, and another exact thing."""
    changed = replace(SUBSCRIPTION, **change)
    (difference,) = differences(SUBSCRIPTION, CHANGE, changed, OPTION)
    assert (difference.fact, difference.was, difference.now) == (fact, was, now)
    assert fingerprint(CUSTOMER, changed, CHANGE) != fingerprint(CUSTOMER, SUBSCRIPTION, CHANGE)


@pytest.mark.parametrize("change", [CHANGE, TRANSITION], ids=["upgrade", "transition"])
def test_every_fact_of_the_change_is_part_of_the_fingerprint(change: Change) -> None:
    """Another target, other seats, another way, and for a transition where it goes."""
    others: list[Change] = [
        replace(change, offer_id="e5"),
        replace(change, seats=9),
        replace(change, type=UpgradeType.WITH_LICENSE_TRANSFER),
    ]
    if isinstance(change, TransitionNow):
        into = replace(change, into="aaaa")
        others += [into, replace(into, term="P3Y"), replace(into, billing_cycle="annual")]
    prints = {fingerprint(CUSTOMER, SUBSCRIPTION, each) for each in (change, *others)}
    assert len(prints) == len(others) + 1


def test_the_customer_and_the_subscription_are_part_of_the_fingerprint() -> None:
    """By their ids; their names say nothing about which they are."""
    mine = fingerprint(CUSTOMER, SUBSCRIPTION, CHANGE)
    assert fingerprint(replace(CUSTOMER, id="c"), SUBSCRIPTION, CHANGE) != mine
    assert fingerprint(CUSTOMER, replace(SUBSCRIPTION, id="s"), CHANGE) != mine
    renamed = replace(CUSTOMER, name="N", domain="n"), replace(SUBSCRIPTION, name="N")
    assert fingerprint(*renamed, replace(CHANGE, name="N")) == mine


@pytest.mark.parametrize("fact", ["term", "billing_cycle", "ends_at"])
def test_what_partner_center_does_not_say_this_time_is_no_difference(fact: str) -> None:
    """One of its answers has the field, the other has not."""
    unsaid: dict[str, Any] = {fact: None if fact == "ends_at" else ""}
    silent = replace(SUBSCRIPTION, **unsaid)
    assert differences(SUBSCRIPTION, CHANGE, silent, OPTION) == ()
    assert differences(silent, CHANGE, SUBSCRIPTION, OPTION) == ()


@pytest.mark.parametrize(
    ("missing", "fact"), [({"status": ""}, Fact.STATUS), ({"offer_id": ""}, Fact.PLAN)]
)
def test_any_other_fact_that_is_missing_is_a_difference(
    missing: dict[str, Any], fact: Fact
) -> None:
    """Partner Center says these in every answer."""
    (difference,) = differences(SUBSCRIPTION, CHANGE, replace(SUBSCRIPTION, **missing), OPTION)
    assert (difference.fact, difference.now) == (fact, "")


def test_the_case_of_ids_is_no_difference() -> None:
    """Partner Center writes the same id in either case."""
    same = replace(SUBSCRIPTION, offer_id="E1"), replace(OPTION, offer_id="E3")
    assert differences(SUBSCRIPTION, CHANGE, *same) == ()
    shouted = replace(SUBSCRIPTION, offer_id="E1")
    mine = fingerprint(CUSTOMER, SUBSCRIPTION, CHANGE)
    assert fingerprint(CUSTOMER, shouted, replace(CHANGE, offer_id="E3")) == mine


def test_other_seats_to_buy_are_a_difference() -> None:
    """An upgrade moves all there are, and these are others than were approved."""
    (difference,) = differences(SUBSCRIPTION, CHANGE, SUBSCRIPTION, replace(OPTION, seats=26))
    assert (difference.fact, difference.was, difference.now) == (Fact.TARGET_SEATS, "25", "26")


def test_the_part_of_the_seats_that_was_approved_is_compared_and_not_all_that_are_listed() -> None:
    """Ten of 25 are ten; where only nine are left that is a difference."""
    listed = replace(OPTION, offer_id=TRANSITION.offer_id, seats_can_be_fewer=True)
    assert differences(NEW_COMMERCE, TRANSITION, NEW_COMMERCE, listed) == ()
    fewer = replace(listed, seats=9)
    (difference,) = differences(NEW_COMMERCE, TRANSITION, NEW_COMMERCE, fewer)
    assert (difference.fact, difference.was, difference.now) == (Fact.TARGET_SEATS, "10", "9")


def test_an_option_that_is_not_eligible_says_by_which_codes() -> None:
    """So that the difference can be told; without a code it is a plain no."""
    obstacle, other = Obstacle(ObstacleCode.OTHER), Obstacle(ObstacleCode.USER_LICENSE_ERROR)
    for obstacles, said in (
        ((obstacle,), "other"),
        ((obstacle, other), "other user_license_error"),
        ((), "no"),
    ):
        now = replace(OPTION, eligible=False, obstacles=obstacles)
        (difference,) = differences(SUBSCRIPTION, CHANGE, SUBSCRIPTION, now)
        assert (difference.fact, difference.was, difference.now) == (Fact.ELIGIBLE, "yes", said)


def test_differences_are_told_in_the_order_of_the_facts() -> None:
    """Of the subscription first, then of the change."""
    found = differences(
        SUBSCRIPTION,
        CHANGE,
        replace(SUBSCRIPTION, seats=26, status="suspended"),
        replace(OPTION, seats=26, eligible=False),
    )
    assert [each.fact for each in found] == [
        Fact.SEATS,
        Fact.STATUS,
        Fact.ELIGIBLE,
        Fact.TARGET_SEATS,
    ]
