"""The operator's price list (CSV): what a seat of each offer costs.

    offer id,term,billing cycle,unit price,currency,valid from
    CFQ7TTC0LH18:0001,P1Y,monthly,12.30,EUR,2026-07-01

A price is that of one seat in one billing cycle. An empty term means any.
"""

import csv
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from bot.domain.price import MONTHS, Price, PriceList

COLUMNS = ("offer id", "term", "billing cycle", "unit price", "currency", "valid from")


class PriceListProblem(Exception):
    """The price list cannot be used; the message says where and what to write."""


def read(path: Path) -> PriceList:
    """The prices in the file. Raises PriceListProblem, which names the first lines at fault."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceListProblem(f"{path} cannot be read as UTF-8 text ({error})") from error
    rows = csv.DictReader(text.splitlines())
    heads = [(name or "").strip().lower() for name in rows.fieldnames or ()]
    if missing := [column for column in COLUMNS if column not in heads]:
        raise PriceListProblem(
            f"{path} lacks the columns {', '.join(missing)}. Its first line names them: "
            + ",".join(COLUMNS)
        )
    rows.fieldnames = heads
    prices, wrong = [], []
    for number, row in enumerate(rows, start=2):
        try:
            prices.append(_price({column: (row[column] or "").strip() for column in COLUMNS}))
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        more = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""
        raise PriceListProblem(f"{path}: {'; '.join(wrong[:5])}{more}")
    return PriceList(prices)


def _price(row: dict[str, str]) -> Price:
    """One line. Raises ValueError with what is wrong in it."""
    if not row["offer id"]:
        raise ValueError("there is no offer id")
    if (cycle := row["billing cycle"].lower()) not in MONTHS:
        raise ValueError(f"the billing cycle {cycle!r} is none of {', '.join(MONTHS)}")
    if not re.fullmatch(r"[A-Z]{3}", row["currency"]):
        raise ValueError(f"{row['currency']!r} is no currency such as EUR")
    try:
        unit = Decimal(row["unit price"])
    except InvalidOperation as error:
        raise ValueError(f"{row['unit price']!r} is no price such as 12.30") from error
    if not unit.is_finite() or unit < 0:
        raise ValueError(f"{row['unit price']!r} is no price such as 12.30")
    try:
        valid_from = date.fromisoformat(row["valid from"])
    except ValueError as error:
        raise ValueError(f"{row['valid from']!r} is no day such as 2026-07-01") from error
    term = row["term"].upper()
    return Price(row["offer id"], term, cycle, unit, row["currency"], valid_from)
