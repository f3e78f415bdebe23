"""One measured figure, its reference, and whether it meets its goal."""

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`value` and `reference` have the same unit; `goal` is a limit of the ratio, or with
    `absolute` of the value itself."""

    figure: str
    value: float
    unit: str
    reference: float | None
    goal: float
    absolute: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times the reference it is."""
        return self.value / self.reference if self.reference else None

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        measured = self.value if self.absolute else self.ratio
        return measured is not None and measured <= self.goal

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them are."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def middle(values: list[float]) -> float:
    """The median of several rounds: the machines are noisy."""
    return median(values)
