"""A pasted table: what its lines say, as they were typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.table import Line, parse_table


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a, E3", [Line(1, "a", "E3")]),
        ("\n\na;E3;with licence transfer\n", [Line(3, "a", "E3", "with licence transfer")]),
        ("Customer\tTarget plan\na, b\tE3\t\t", [Line(2, "a, b", "E3")]),
        ('"a, b", E3', [Line(1, "a, b", "E3")]),
        ("a, b, E3, upgrade only", [Line(1, "a", "b", "E3", more=True)]),
        ('"a, E3\nb, E3', [Line(1, "a, E3"), Line(2, "b", "E3")]),
        ("customer, plan", []),
        ("a, E3\nb,\tE3", [Line(1, "a", "E3"), Line(2, "b", "E3")]),
        (" , ,\n,", []),
    ],
)
def test_a_pasted_table_is_read_line_by_line(text: str, lines: list[Line]) -> None:
    """As sheets and people put them; one broken line breaks no other."""
    assert parse_table(text) == lines


@pytest.mark.parametrize(
    ("way", "with_transfer"),
    [
        ("", False),
        ("upgrade only", False),
        ("  Upgrade\u00a0 ONLY ", False),
        ("with licence transfer", True),
        ("With  License Transfer", True),
        ("licence transfer", True),
        ("license transfer", True),
        ("without licence transfer", None),
        ("no licence transfer", None),
        ("transfer", None),
        ("upgrade", None),
        ("yes", None),
        ("E5", None),
    ],
)
def test_the_third_cell_says_whether_licences_move_or_nothing_is_guessed(
    way: str, with_transfer: bool | None
) -> None:
    """Two different orders; the plain one is meant where it says so or is empty."""
    assert Line(1, "a", "E3", way).with_transfer is with_transfer


@given(st.text(max_size=300))
def test_nothing_that_is_pasted_breaks_the_reading(text: str) -> None:
    """Each line says where it stands."""
    numbers = [line.number for line in parse_table(text)]
    assert numbers == sorted(set(numbers))
