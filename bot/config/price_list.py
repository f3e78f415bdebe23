"""The operator's price list (CSV): what a seat of each offer costs.

    offer id,term,billing cycle,unit price,currency,valid from
    CFQ7TTC0LH18:0001,P1Y,monthly,12.30,EUR,2026-07-01

A price is that of one seat in one billing cycle. An empty term means any.
"""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.domain.price import Price, PriceList

Cycle = Literal["monthly", "annual", "triennial"]

WRONG = {
    "offer id": "there is no offer id",
    "billing cycle": f"the billing cycle {{given!r}} is none of {', '.join(get_args(Cycle))}",
    "unit price": "{given!r} is no price such as 12.30",
    "currency": "{given!r} is no currency such as EUR",
    "valid from": "{given!r} is no day such as 2026-07-01",
}
"""What is said of a value that cannot be used."""

SHOWN = 5
"""Lines at fault that a problem names."""


class PriceListProblem(Exception):
    """The price list cannot be used; the message says where and what to write."""


class Line(BaseModel):
    """A line of the file."""

    model_config = ConfigDict(str_strip_whitespace=True)

    offer_id: str = Field(alias="offer id", min_length=1)
    term: Annotated[str, BeforeValidator(str.upper)]
    billing_cycle: Annotated[Cycle, BeforeValidator(str.lower)] = Field(alias="billing cycle")
    unit: Decimal = Field(alias="unit price", ge=0, allow_inf_nan=False)
    currency: str = Field(pattern="^[A-Z]{3}$")
    valid_from: Annotated[date, BeforeValidator(date.fromisoformat)] = Field(alias="valid from")


COLUMNS = tuple(field.alias or name for name, field in Line.model_fields.items())


def read(path: Path) -> PriceList:
    """The prices in the file. Raises PriceListProblem, which names the first lines at fault."""
    prices, wrong = [], []
    for number, row in enumerate(_rows(path), start=2):
        try:
            prices.append(Price(**dict(Line.model_validate(row))))
        except ValidationError as error:
            column = str(error.errors()[0]["loc"][0])
            wrong.append(f"line {number}: {WRONG[column].format(given=row[column])}")
    if wrong:
        more = f" (and {len(wrong) - SHOWN} more)" if len(wrong) > SHOWN else ""
        raise PriceListProblem(f"{path}: {'; '.join(wrong[:SHOWN])}{more}")
    return PriceList(prices)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceListProblem(f"{path} cannot be read as UTF-8 text ({error})") from error


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """The lines below the first, by the names of the columns. Raises PriceListProblem."""
    rows = csv.DictReader(_text(path).splitlines())
    rows.fieldnames = [(name or "").strip().lower() for name in rows.fieldnames or ()]
    if missing := [column for column in COLUMNS if column not in rows.fieldnames]:
        raise PriceListProblem(
            f"{path} lacks the columns {', '.join(missing)}. Its first line names them: "
            + ",".join(COLUMNS)
        )
    for row in rows:
        yield {column: (row[column] or "").strip() for column in COLUMNS}
