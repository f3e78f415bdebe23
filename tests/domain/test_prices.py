"""What an upgrade costs more: every figure here is worked out by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import price_list
from bot.domain.price import Price, PriceChange, PriceList, total
from tests import factories
from tests.factories import DAY, NOW, OPTION

SUBSCRIPTION = replace(factories.SUBSCRIPTION, ends_at=NOW + 90 * DAY)

TODAY = NOW.date()
JULY, OCTOBER = date(2026, 7, 1), date(2026, 10, 1)

OLD = Price("e1", "P1Y", "monthly", Decimal("8.00"), "EUR", JULY)
NEW = Price("e3", "P1Y", "monthly", Decimal("16.00"), "EUR", OCTOBER)


def change(*prices: Price, now: datetime = NOW) -> PriceChange | None:
    """What 25 seats cost more that move from E1 to E3, paid monthly, by these prices."""
    return PriceList(prices).change(SUBSCRIPTION, OPTION, now)


def a_month(*prices: Price, now: datetime = NOW) -> Decimal | None:
    there = change(*prices, now=now)
    return there.per_month if there else None


def test_all_seats_cost_the_difference_of_the_two_prices() -> None:
    """25 * 8 a month; to the end 200 * 90 / 30.4375 days; by the day of the newer price."""
    expected = PriceChange(Decimal("200.00"), Decimal("591.38"), "EUR", OCTOBER)
    assert change(OLD, NEW) == expected
    later = replace(OLD, valid_from=date(2026, 11, 1))
    assert change(later, NEW) == replace(expected, as_of=date(2026, 11, 1))


def test_what_becomes_cheaper_is_less_than_nothing() -> None:
    """And what costs the same is nothing, which is known."""
    less = change(OLD, replace(NEW, unit=Decimal("7.90")))
    assert less == PriceChange(Decimal("-2.50"), Decimal("-7.39"), "EUR", OCTOBER)
    same = change(OLD, replace(NEW, unit=OLD.unit))
    assert same == PriceChange(Decimal(0), Decimal(0), "EUR", OCTOBER)


def test_only_the_seats_that_move_cost_more() -> None:
    """Not those that stay in the old subscription, however many it has."""
    three = replace(OPTION, seats_can_be_fewer=True).for_seats(3)
    there = PriceList([OLD, NEW]).change(SUBSCRIPTION, three, NOW)
    assert there == PriceChange(Decimal("24.00"), Decimal("70.97"), "EUR", OCTOBER)


@pytest.mark.parametrize(
    ("left", "to_the_end"),
    [
        (timedelta(days=365), Decimal("2398.36")),  # 73000 / 30.4375 = 2398.357…
        (timedelta(days=100), Decimal("657.08")),  # 20000 / 30.4375 = 657.084…
        (timedelta(days=100, seconds=-1), Decimal("650.51")),  # 19800 / 30.4375 = 650.513…
        (timedelta(days=1), Decimal("6.57")),  # 200 / 30.4375 = 6.570…
        (timedelta(hours=23), Decimal(0)),
        (timedelta(0), None),
        (timedelta(days=-1), None),
        (None, None),
    ],
)
def test_what_is_left_of_the_term_is_counted_in_whole_days(
    left: timedelta | None, to_the_end: Decimal | None
) -> None:
    """A term that is over, or of which nobody knows when it ends, has no figure; a month has one
    all the same."""
    ends_at = NOW + left if left is not None else None
    there = PriceList([OLD, NEW]).change(replace(SUBSCRIPTION, ends_at=ends_at), OPTION, NOW)
    assert there == PriceChange(Decimal("200.00"), to_the_end, "EUR", OCTOBER)


def test_into_another_subscription_the_end_is_not_known() -> None:
    """The seats end with that one; it has its own term and billing cycle, and so its own price."""
    into = replace(OPTION, into="t", term="P3Y", billing_cycle="annual")
    of_three_years = Price("e3", "P3Y", "annual", Decimal("168.00"), "EUR", JULY)  # 14 a month
    there = PriceList([OLD, NEW, of_three_years]).change(SUBSCRIPTION, into, NOW)
    assert there == PriceChange(Decimal("150.00"), None, "EUR", JULY)
    assert PriceList([OLD, NEW]).change(SUBSCRIPTION, into, NOW) is None


@pytest.mark.parametrize(
    ("cycle", "unit", "per_month"),
    [
        ("monthly", "12.30", "12.30"),
        ("annual", "147.60", "12.30"),
        ("triennial", "442.80", "12.30"),
    ],
)
def test_whatever_the_cycle_a_price_is_told_by_the_month(
    cycle: str, unit: str, per_month: str
) -> None:
    """12 months a year, 36 in three."""
    price = Price("e3", "", cycle, Decimal(unit), "EUR", JULY)
    assert price.per_month == Decimal(per_month)


def test_cents_are_rounded_once_and_at_the_end() -> None:
    """10 more a year are 0.8333… a month: 25 seats are 20.83, and not 25 * 0.83. To the end it is
    20.8333… * 90 / 30.4375 = 61.601…, and not 20.83 * 90 / 30.4375 = 61.591…"""
    yearly = replace(SUBSCRIPTION, billing_cycle="annual")
    prices = [
        replace(OLD, billing_cycle="annual", unit=Decimal(90)),
        replace(NEW, billing_cycle="annual", unit=Decimal(100)),
    ]
    there = PriceList(prices).change(yearly, OPTION, NOW)
    assert there == PriceChange(Decimal("20.83"), Decimal("61.60"), "EUR", OCTOBER)


@pytest.mark.parametrize(
    ("unit", "per_month"),
    [("8.0049", "0.00"), ("8.0051", "0.01"), ("8.015", "0.02"), ("8.025", "0.02"),
     ("7.985", "-0.02")],
)  # fmt: skip
def test_a_cent_is_the_smallest_figure(unit: str, per_month: str) -> None:
    """To the nearest, and half a cent to the even one, as banks do; the same up and down."""
    one_seat = replace(OPTION, seats=1)
    prices = PriceList([OLD, replace(NEW, unit=Decimal(unit))])
    there = prices.change(SUBSCRIPTION, one_seat, NOW)
    assert there is not None
    assert str(there.per_month) == per_month


@pytest.mark.parametrize(
    "prices",
    [
        (),
        (OLD,),
        (NEW,),
        (OLD, replace(NEW, currency="USD")),
        (replace(OLD, currency="USD"), NEW),
        (OLD, replace(NEW, term="P1M")),
        (OLD, replace(NEW, billing_cycle="annual")),
        (OLD, replace(NEW, offer_id="e33")),
        (OLD, replace(NEW, valid_from=TODAY + timedelta(days=1))),
        (replace(OLD, valid_from=TODAY + timedelta(days=1)), NEW),
    ],
)
def test_what_is_not_known_or_not_comparable_has_no_figure(prices: tuple[Price, ...]) -> None:
    """Nothing is guessed: not a rate, not from another term or cycle, not from tomorrow's list."""
    assert change(*prices) is None


@pytest.mark.parametrize("fact", ["term", "billing_cycle"])
def test_a_subscription_that_does_not_say_its_term_or_cycle_has_no_price_of_one(fact: str) -> None:
    """Without the term a price of any term counts; without the cycle none does."""
    unsaid = replace(SUBSCRIPTION, **{fact: ""})  # type: ignore[arg-type]
    assert PriceList([OLD, NEW]).change(unsaid, OPTION, NOW) is None
    of_any_term = PriceList([replace(OLD, term=""), replace(NEW, term="")])
    assert (of_any_term.change(unsaid, OPTION, NOW) is not None) == (fact == "term")


OTHERS = (
    replace(NEW, unit=Decimal(99), valid_from=TODAY + timedelta(days=1)),
    replace(NEW, unit=Decimal(98), valid_from=date(2026, 9, 30)),
    replace(NEW, unit=Decimal(97), valid_from=TODAY, term="P3Y"),
    replace(NEW, unit=Decimal(96), valid_from=TODAY, billing_cycle="annual"),
)


@given(
    st.permutations([OLD, replace(OLD, valid_from=date(2025, 1, 1), unit=Decimal(1)), NEW, *OTHERS])
)
def test_the_newest_price_that_is_valid_counts_wherever_it_stands(prices: list[Price]) -> None:
    """Not tomorrow's, not an older one, and not that of another term or cycle."""
    assert a_month(*prices) == Decimal("200.00")


def test_a_price_of_any_term_counts_where_it_is_the_newest() -> None:
    """As the one that names the term does."""
    any_term = replace(NEW, term="", unit=Decimal(17))
    assert a_month(OLD, any_term) == Decimal("225.00")
    assert a_month(OLD, NEW, replace(any_term, valid_from=TODAY)) == Decimal("225.00")
    assert a_month(OLD, NEW, replace(any_term, valid_from=JULY)) == Decimal("200.00")


def test_of_two_prices_of_one_day_the_one_that_names_the_term_counts() -> None:
    """In whatever order the list has them: of any term means of any other term, then."""
    any_term = replace(NEW, term="", unit=Decimal(17))
    assert a_month(OLD, NEW, any_term) == Decimal("200.00")
    assert a_month(OLD, any_term, NEW) == Decimal("200.00")
    of_three_years = replace(NEW, term="P3Y")
    assert a_month(OLD, of_three_years, any_term) == Decimal("225.00")


def test_a_price_is_valid_from_the_beginning_of_its_day() -> None:
    """Of the day in UTC, wherever the bot stands."""
    today = replace(NEW, valid_from=TODAY, unit=Decimal(17))
    assert a_month(OLD, NEW, today) == Decimal("225.00")
    berlin = timezone(timedelta(hours=1))
    before = datetime(TODAY.year, TODAY.month, TODAY.day, 0, 59, tzinfo=berlin)
    assert before.date() == TODAY
    assert a_month(OLD, NEW, today, now=before) == Decimal("200.00")
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    assert a_month(OLD, NEW, today, now=midnight.astimezone(berlin)) == Decimal("225.00")


def test_the_case_of_an_offers_id_is_no_difference() -> None:
    """Partner Center writes it in either, and so do operators."""
    assert a_month(replace(OLD, offer_id="E1"), NEW) == Decimal("200.00")
    shouted = replace(SUBSCRIPTION, offer_id="E1"), replace(OPTION, offer_id="E3")
    there = PriceList([OLD, NEW]).change(*shouted, NOW)
    assert there is not None
    assert there.per_month == Decimal("200.00")


def test_a_list_may_write_offers_terms_and_cycles_in_either_case(tmp_path: Path) -> None:
    """The bot compares them as Partner Center writes them; a price in the other would silently be
    none."""
    path = tmp_path / "prices.csv"
    path.write_text(
        "offer id,term,billing cycle,unit price,currency,valid from\n"
        "E1,p1y,Monthly,8.00,EUR,2026-07-01\n"
        "E3,P1y,MONTHLY,16.00,EUR,2026-10-01\n",
        encoding="utf-8",
    )
    there = price_list.read(path).change(SUBSCRIPTION, OPTION, NOW)
    assert there is not None
    assert (there.per_month, there.currency) == (Decimal("200.00"), "EUR")


CENTS = st.decimals(0, 10_000, places=2)


@given(CENTS, CENTS, st.integers(1, 10_000), st.integers(1, 1_100))
def test_the_way_back_saves_what_the_way_there_costs(
    old: Decimal, new: Decimal, seats: int, days: int
) -> None:
    """To the cent."""
    prices = PriceList([replace(OLD, unit=old), replace(NEW, unit=new)])
    here = replace(SUBSCRIPTION, ends_at=NOW + timedelta(days=days))
    option = replace(OPTION, seats=seats)
    there = prices.change(here, option, NOW)
    back = prices.change(replace(here, offer_id="e3"), replace(option, offer_id="e1"), NOW)
    assert there is not None
    assert back is not None
    assert there.to_the_end is not None
    assert there.per_month == (new - old) * seats
    assert (back.per_month, back.to_the_end) == (-there.per_month, -there.to_the_end)


A = PriceChange(Decimal("200.00"), Decimal("650.51"), "EUR", OCTOBER)
B = PriceChange(Decimal("-2.55"), Decimal("-7.39"), "EUR", JULY)


def test_several_cost_together_what_each_of_them_costs() -> None:
    """To the cent, by the newest day of all; one alone costs what it costs."""
    assert total([A, B]) == PriceChange(Decimal("197.45"), Decimal("643.12"), "EUR", OCTOBER)
    assert total([B, A]) == total([A, B])
    assert total([B]) == B


def test_where_one_figure_is_not_known_the_sum_of_them_is_not() -> None:
    """A sum that leaves one out would be told as that of all."""
    assert total([A, None]) is None
    assert total([None, A]) is None
    assert total([]) is None
    open_end = replace(B, to_the_end=None)
    assert total([A, open_end]) == PriceChange(Decimal("197.45"), None, "EUR", OCTOBER)


def test_euros_and_dollars_are_not_added() -> None:
    """Whichever comes first, and although their numbers could be."""
    assert total([A, replace(B, currency="USD")]) is None
    assert total([replace(A, currency="USD"), A, B]) is None


FIGURES = st.decimals(-10_000, 10_000, places=2)
CHANGES = st.builds(
    PriceChange,
    FIGURES,
    st.none() | FIGURES,
    st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
    st.dates(JULY, OCTOBER),
)


@given(st.lists(st.none() | CHANGES, min_size=1), st.lists(st.none() | CHANGES, min_size=1))
def test_a_sum_of_sums_is_the_sum(
    some: list[PriceChange | None], more: list[PriceChange | None]
) -> None:
    """However they are put together, and in whatever order."""
    assert total([total(some), total(more)]) == total([*some, *more]) == total([*more, *some])
