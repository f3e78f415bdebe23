"""Subscriptions and the options there are for them."""

from dataclasses import replace

import pytest

from tests.factories import OPTION, SUBSCRIPTION


def test_a_source_that_was_upgraded_is_suspended_for_that_reason() -> None:
    """No other suspension is an upgrade."""
    assert SUBSCRIPTION.is_active
    for status, because, upgraded in (
        ("suspended", ("Transition",), True),
        ("suspended", ("Fraud", "transition"), True),
        ("suspended", ("Fraud",), False),
        ("suspended", (), False),
        ("active", ("Transition",), False),
    ):
        source = replace(SUBSCRIPTION, status=status, suspended_because=because)
        assert source.was_upgraded is upgraded
        assert source.is_active is (status == "active")


@pytest.mark.parametrize(
    ("eligible", "at_renewal", "possible"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_what_is_eligible_at_once_is_possible(
    eligible: bool, at_renewal: bool, possible: bool
) -> None:
    """The bot performs nothing at a renewal."""
    assert replace(OPTION, eligible=eligible, at_renewal=at_renewal).is_possible is possible


@pytest.mark.parametrize(
    ("can_be_fewer", "wanted", "seats"),
    [(True, 3, 3), (True, 24, 24), (True, 25, 25), (True, 26, 25), (True, 0, 25), (False, 3, 25)],
)
def test_fewer_seats_move_only_where_that_is_possible(
    can_be_fewer: bool, wanted: int, seats: int
) -> None:
    """Never more than there are, and never none."""
    assert replace(OPTION, seats_can_be_fewer=can_be_fewer).for_seats(wanted).seats == seats
