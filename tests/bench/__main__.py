"""`python -m tests.bench [--quick] [--only GROUP …] [--json FILE]`: measures, and prints a table.

Each figure stands beside a reference that was measured in the same run.
"""

import argparse
import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import structlog
from rich.console import Console
from rich.table import Table

from tests.bench.acknowledging import acknowledging
from tests.bench.decisions import deciding
from tests.bench.figure import Figure
from tests.bench.sockets import sockets


class Group(Protocol):
    """Figures that are measured together."""

    def __call__(self, *, quick: bool) -> Awaitable[list[Figure]]:
        """Measure them; `quick` with fewer rounds."""


GROUPS: dict[str, Group] = {
    "acknowledging": acknowledging,
    "deciding": deciding,
    "sockets": sockets,
}


async def measure(names: list[str], *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Every figure of these groups, in turn, so that none disturbs another."""
    figures: list[Figure] = []
    for name in names:
        say(name)
        figures += await GROUPS[name](quick=quick)
    return figures


def show(figures: list[Figure]) -> None:
    """The table."""
    table = Table("figure", "value", "reference", "ratio", "goal", "met")
    for each in figures:
        table.add_row(*each.row())
    Console(width=150).print(table)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under a minute")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=[*GROUPS], metavar="GROUP")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console(stderr=True)
    figures = asyncio.run(measure(options.only, quick=options.quick, say=console.print))
    show(figures)
    if options.json:
        options.json.write_text(json.dumps([each.as_json() for each in figures], indent=2))


if __name__ == "__main__":
    main()
