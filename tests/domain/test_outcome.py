"""What came of a change."""

from dataclasses import replace

import pytest

from bot.domain.outcome import Aftermath, FollowUp, LicenseError, Outcome
from bot.domain.subscription import Subscription
from tests.factories import SUBSCRIPTION


@pytest.mark.parametrize(
    ("outcome", "went_well"),
    [
        (Outcome("new"), True),
        (Outcome(), True),
        (Outcome("new", seen=True), False),
        (Outcome("new", moved=False), False),
        (
            Outcome("new", license_errors=(LicenseError("u", "Ulla", "ulla@contoso.example"),)),
            False,
        ),
    ],
)
def test_it_went_well_where_people_have_nothing_to_do_about_it(
    outcome: Outcome, went_well: bool
) -> None:
    """What was only seen, and licences that did not move, are for a person to look at."""
    assert outcome.went_well is went_well


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        (None, SUBSCRIPTION, FollowUp.WELL),
        (SUBSCRIPTION, SUBSCRIPTION, FollowUp.WELL),
        (replace(SUBSCRIPTION, add_ons=("Audio",)), SUBSCRIPTION, FollowUp.LEFT_TO_DO),
        (SUBSCRIPTION, replace(SUBSCRIPTION, status="suspended"), FollowUp.LEFT_TO_DO),
        (SUBSCRIPTION, None, FollowUp.LEFT_TO_DO),
    ],
)
def test_a_look_is_well_where_the_new_plan_is_active_and_nothing_is_left_over(
    source: Subscription | None, target: Subscription | None, found: FollowUp
) -> None:
    """Anything else is left to do for a person."""
    assert Aftermath(source, target).found is found
