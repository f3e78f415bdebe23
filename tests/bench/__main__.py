"""`python -m tests.bench [--quick] [--json FILE]`: measures, and prints a table."""

import argparse
import asyncio
import json
import logging
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

import bot.app  # noqa: F401 - its memory is part of the figure
from tests.bench.decisions import decisions
from tests.bench.figure import Figure
from tests.bench.lookups import fan_out
from tests.bench.starting import starting
from tests.bench.type_ahead import type_ahead


async def measure(*, quick: bool) -> list[Figure]:
    """Every figure, in turn, so that none disturbs another."""
    return [
        *await starting(rounds=3 if quick else 9),
        *await type_ahead(questions=640 if quick else 6400),
        await fan_out(rounds=1 if quick else 5),
        *await decisions(quick=quick),
    ]


def show(figures: list[Figure]) -> None:
    """The table."""
    table = Table("figure", "value", "reference", "ratio", "goal", "met")
    for each in figures:
        table.add_row(
            each.figure,
            f"{each.value:.2f} {each.unit}",
            f"{each.reference:.2f} {each.unit}" if each.reference else "-",
            f"{each.ratio:.2f}" if each.ratio else "-",
            f"≤ {each.goal:g} {each.unit if each.absolute else '×'}",
            "yes" if each.met else "NO",
        )
    Console(width=140).print(table)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under a minute")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures = asyncio.run(measure(quick=options.quick))
    show(figures)
    if options.json:
        options.json.write_text(json.dumps([each.as_json() for each in figures], indent=2))


if __name__ == "__main__":  # the bots' processes import it, too
    main()
