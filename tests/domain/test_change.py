"""A change: which option of Partner Center's list it is, and what of it is approved."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.change import Change, Fact, TransitionNow, UpgradeNow, change_for
from bot.domain.subscription import Kind, UpgradeOption, UpgradeType
from tests.factories import OPTION, SUBSCRIPTION

NEW_COMMERCE = replace(SUBSCRIPTION, kind=Kind.NEW_COMMERCE)
INTO = UpgradeOption(
    "CFQ7TTC0LFLX:0002",
    "Microsoft 365 E3",
    UpgradeType.UPGRADE_ONLY,
    eligible=True,
    seats=25,
    into="AAAA",
    into_name="Their E3",
    term="P3Y",
    billing_cycle="annual",
    seats_can_be_fewer=True,
)

UPGRADE = change_for(SUBSCRIPTION, OPTION)
TRANSITION = change_for(NEW_COMMERCE, INTO)


@pytest.mark.parametrize("kind", Kind)
def test_only_new_commerce_has_transitions(kind: Kind) -> None:
    """Every other subscription is upgraded as a whole."""
    change = change_for(replace(SUBSCRIPTION, kind=kind), OPTION)
    assert isinstance(change, TransitionNow if kind is Kind.NEW_COMMERCE else UpgradeNow)


def test_a_change_is_made_of_the_option_that_was_chosen() -> None:
    """An upgrade has no subscription to move into, and no term of its own."""
    upgrade = UpgradeNow("e3", "Office 365 Enterprise E3", UpgradeType.UPGRADE_ONLY, seats=25)
    assert upgrade == UPGRADE
    assert (UPGRADE.into, UPGRADE.into_name, UPGRADE.term, UPGRADE.billing_cycle) == ("",) * 4
    transition = TransitionNow(
        "CFQ7TTC0LFLX:0002",
        "Microsoft 365 E3",
        UpgradeType.UPGRADE_ONLY,
        seats=25,
        into="AAAA",
        into_name="Their E3",
        term="P3Y",
        billing_cycle="annual",
    )
    assert transition == TRANSITION


def test_each_kind_of_change_has_a_word_of_its_own() -> None:
    """Stored changes are read by it."""
    assert (UPGRADE.kind, TRANSITION.kind) == ("upgrade_now", "transition_now")


@pytest.mark.parametrize(
    ("change", "target", "seats"),
    [
        (UPGRADE, "e3", "25"),
        (replace(UPGRADE, offer_id="E3", seats=3), "e3", "3"),
        (TRANSITION, "cfq7ttc0lflx:0002 aaaa P3Y annual", "25"),
        (change_for(NEW_COMMERCE, replace(OPTION, seats=7)), "e3", "7"),
    ],
)
def test_what_is_approved_of_a_change_is_its_target_and_its_seats(
    change: Change, target: str, seats: str
) -> None:
    """The target has all that tells it from another one, and names are no part of it."""
    assert change.facts() == {Fact.TARGET: target, Fact.TARGET_SEATS: seats}
    assert replace(change, name="Another name").facts() == change.facts()


@pytest.mark.parametrize(
    ("change", "option"), [(UPGRADE, OPTION), (TRANSITION, INTO)], ids=["upgrade", "transition"]
)
class TestOfEitherKind:
    """What holds for upgrades and for transitions."""

    @pytest.mark.parametrize(
        "other",
        [
            {},
            {"seats": 3},
            {"eligible": False},
            {"name": "Another name"},
            {"term": "P1M"},
            {"billing_cycle": "monthly"},
        ],
    )
    def test_it_is_the_same_option_with_other_seats_or_eligibility(
        self, change: Change, option: UpgradeOption, other: dict[str, Any]
    ) -> None:
        """What is different then is a difference, and not another option."""
        assert change.is_listed_as(replace(option, **other))

    def test_the_case_of_ids_tells_no_options_apart(
        self, change: Change, option: UpgradeOption
    ) -> None:
        """Partner Center writes the same id in either case."""
        swapped = {"offer_id": option.offer_id.swapcase(), "into": option.into.swapcase()}
        assert change.is_listed_as(replace(option, **swapped))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "other",
        [
            {"offer_id": "e33"},
            {"type": UpgradeType.WITH_LICENSE_TRANSFER},
            {"type": UpgradeType.NONE},
        ],
    )
    def test_another_offer_or_another_way_is_another_option(
        self, change: Change, option: UpgradeOption, other: dict[str, Any]
    ) -> None:
        """Licences that move are another order."""
        assert not change.is_listed_as(replace(option, **other))

    def test_as_listed_it_has_what_partner_center_says_now(
        self, change: Change, option: UpgradeOption
    ) -> None:
        """The name, the seats and the writing of the id, in a change of the same kind."""
        listed = replace(option, offer_id=option.offer_id.upper(), name="Renamed", seats=20)
        now = change.as_listed(listed)
        assert (now.offer_id, now.name, now.seats) == (listed.offer_id, "Renamed", 20)
        assert (now.kind, now.type, now.into) == (change.kind, change.type, change.into)
        assert change.as_listed(option) == change


@pytest.mark.parametrize("other", [{"into": "BBBB"}, {"into": ""}, {"at_renewal": True}])
def test_into_another_subscription_or_at_the_renewal_is_another_transition(
    other: dict[str, Any],
) -> None:
    """The same offer is listed once for each."""
    assert not TRANSITION.is_listed_as(replace(INTO, **other))


def test_a_transition_as_listed_has_the_term_of_where_it_goes() -> None:
    """It is that of the subscription that the seats move into."""
    moved = replace(INTO, into_name="Renamed", term="P1Y", billing_cycle="monthly")
    now = TRANSITION.as_listed(moved)
    assert (now.into_name, now.term, now.billing_cycle) == ("Renamed", "P1Y", "monthly")


def test_a_part_of_the_seats_stays_the_part_that_was_asked_for() -> None:
    """Unless there are fewer by now, or a part cannot move any more."""
    part = replace(TRANSITION, seats=10)
    assert part.as_listed(INTO).seats == 10
    assert part.as_listed(replace(INTO, seats=9)).seats == 9
    assert part.as_listed(replace(INTO, seats_can_be_fewer=False)).seats == 25


def test_an_upgrade_moves_all_seats_that_there_are() -> None:
    """Also where an option seems to allow fewer."""
    part = replace(UPGRADE, seats=10)
    assert part.as_listed(replace(OPTION, seats_can_be_fewer=True)).seats == 25
