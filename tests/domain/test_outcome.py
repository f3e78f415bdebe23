"""What came of a change."""

import pytest

from bot.domain.outcome import LicenseError, Outcome


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
