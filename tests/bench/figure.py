"""One measured figure, its reference, and whether it meets its goal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any


class Goal(StrEnum):
    """What the number of a goal limits."""

    AT_MOST = "≤ {} ×"
    """… the reference."""
    AT_LEAST = "≥ {} ×"
    """… the reference."""
    BELOW = "≤ {} {unit}"
    """The value itself, whatever the reference is."""
    BEYOND = "+ {} {unit} at most"
    """What the value is beyond the reference."""
    EQUAL = "equal"
    """The value is the reference."""


@dataclass(frozen=True)
class Figure:
    """`value` and `reference` have the same unit."""

    figure: str
    value: float
    unit: str
    reference: float | None
    limit: float
    goal: Goal = Goal.AT_MOST

    @property
    def ratio(self) -> float | None:
        """How many times the reference it is."""
        return self.value / self.reference if self.reference else None

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        match self.goal:
            case Goal.BELOW:
                return self.value <= self.limit
            case Goal.BEYOND:
                return self.reference is not None and self.value <= self.reference + self.limit
            case Goal.EQUAL:
                return self.value == self.reference
            case Goal.AT_LEAST:
                return self.ratio is not None and self.ratio >= self.limit
        return self.ratio is not None and self.ratio <= self.limit

    @property
    def wanted(self) -> str:
        """The goal, for people."""
        return self.goal.format(f"{self.limit:g}", unit=self.unit)

    def row(self) -> tuple[str, ...]:
        """A line of the table: figure, value, reference, ratio, goal, met."""
        return (
            self.figure,
            f"{number(self.value)} {self.unit}",
            f"{number(self.reference)} {self.unit}" if self.reference is not None else "-",
            f"{self.ratio:.3g}" if self.ratio is not None else "-",
            self.wanted,
            "yes" if self.met else "NO",
        )

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "figure": self.figure,
            "value": self.value,
            "unit": self.unit,
            "reference": self.reference,
            "ratio": self.ratio,
            "goal": self.wanted,
            "met": self.met,
        }


@dataclass(frozen=True)
class Curve:
    """How a figure grows, beside its reference: more than a number can say. `name` is that of the
    file it is drawn into."""

    name: str
    title: str
    along: str
    unit: str
    steps: Sequence[int]
    values: Sequence[float]
    reference: Sequence[float]
    beside: str


@dataclass(frozen=True)
class Measured:
    """What a group of figures found."""

    figures: list[Figure]
    curves: list[Curve] = field(default_factory=list)


def number(value: float) -> str:
    """With as many digits as mean something."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them are."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def middle(values: Sequence[float]) -> float:
    """The median, of many calls or of several rounds: the machines are noisy."""
    return median(values)
