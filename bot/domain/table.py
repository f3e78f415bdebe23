"""A table that somebody pasted, one upgrade a line, and what its lines turned out to mean."""

import csv
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.policy import Person
from bot.domain.price import PriceChange
from bot.domain.subscription import Customer, Obstacle, Subscription, UpgradeOption
from bot.errors import PartnerCenterError

DELIMITERS = "\t;,"
"""A sheet puts tabs, and a name can have a comma; so the first of these that the first line with
any has counts for all."""

HEADS = frozenset({"customer", "customer name", "company", "tenant", "tenant id", "domain"})
TARGET_HEADS = frozenset({"target", "target plan", "plan", "offer", "offer id", "to"})

WITHOUT_TRANSFER = frozenset({"", "upgrade only"})
WITH_TRANSFER = frozenset(
    f"{before}{licence} transfer" for before in ("", "with ") for licence in ("licence", "license")
)


class Amiss(StrEnum):
    """Why a line is no upgrade that could be asked for."""

    NOT_A_ROW = "not_a_row"
    UNKNOWN_WAY = "unknown_way"
    NOT_A_NAME = "not_a_name"
    UNKNOWN_CUSTOMER = "unknown_customer"
    SEVERAL_CUSTOMERS = "several_customers"
    NO_SUCH_TARGET = "no_such_target"
    NOT_POSSIBLE = "not_possible"
    SEVERAL_SUBSCRIPTIONS = "several_subscriptions"
    TWICE = "twice"
    BUSY = "busy"
    EVIDENCE_MISSING = "evidence_missing"
    MAY_NOT_REQUEST = "may_not_request"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was typed. `way` is its third cell; `more` whether there are others."""

    number: int
    customer: str
    target: str = ""
    way: str = ""
    more: bool = False

    @property
    def with_transfer(self) -> bool | None:
        """Whether licences are to move too; None when the third cell says neither."""
        way = " ".join(self.way.casefold().split())
        if way in WITHOUT_TRANSFER:
            return False
        return True if way in WITH_TRANSFER else None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be asked for, and what its sentence needs: customers that it may mean,
    plans there are, what Partner Center says against it, the other line that says the same."""

    line: Line
    amiss: Amiss
    customers: tuple[Customer, ...] = ()
    targets: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    other: int = 0
    trouble: PartnerCenterError | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that can be asked for: exactly one upgrade of one subscription."""

    number: int
    customer: Customer
    subscription: Subscription
    option: UpgradeOption
    price: PriceChange | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What was previewed to one person: the button below it asks for exactly this."""

    id: str
    person: Person
    channel_id: str
    reason: str
    evidence: str
    wanted: tuple[Wanted, ...]
    made_at: datetime


def parse_table(text: str) -> list[Line]:
    """The lines that say something, without the heads. Nothing is refused here."""
    signs = (sign for line in text.splitlines() for sign in DELIMITERS if sign in line.strip())
    delimiter = next(signs, ",")
    lines = [
        _line(number, cells)
        for number, typed in enumerate(text.splitlines(), 1)
        for cells in csv.reader([typed], delimiter=delimiter, skipinitialspace=True)
        if any(cell.strip() for cell in cells)
    ]
    return lines[1:] if lines and _is_head(lines[0]) else lines


def _line(number: int, cells: list[str]) -> Line:
    cells = [cell.strip() for cell in cells]
    while len(cells) > 1 and not cells[-1]:  # a sheet can have empty columns
        cells.pop()
    customer, target, way, *more = [*cells, "", ""]
    return Line(number, customer, target, way, any(more))


def _is_head(line: Line) -> bool:
    return line.customer.casefold() in HEADS and line.target.casefold() in TARGET_HEADS
