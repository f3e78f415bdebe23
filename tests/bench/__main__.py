"""`python -m tests.bench [--quick] [--only GROUP …] [--json FILE] [--report]`: measures, and prints
a table.

Each figure stands beside a reference that was measured in the same run.
"""

import argparse
import asyncio
import json
import logging
from pathlib import Path
from time import perf_counter
from typing import Protocol

import structlog
from rich.console import Console

from tests.bench import report
from tests.bench.acknowledging import acknowledging
from tests.bench.among_many import among_many
from tests.bench.confirming import confirming
from tests.bench.costs import counting
from tests.bench.decisions import deciding
from tests.bench.figure import Measured
from tests.bench.looking_up import looking_up
from tests.bench.sockets import sockets
from tests.bench.starting import starting
from tests.bench.sustained import sustained
from tests.bench.type_ahead import type_ahead
from tests.bench.under_load import under_load

README = Path(__file__).with_name("README.md")


class Group(Protocol):
    """Figures that are measured together."""

    async def __call__(self, *, quick: bool) -> Measured:
        """Measure them; `quick` with fewer rounds."""


GROUPS: dict[str, Group] = {
    "costs": counting,
    "acknowledging": acknowledging,
    "deciding": deciding,
    "sockets": sockets,
    "looking-up": looking_up,
    "confirming": confirming,
    "under-load": under_load,
    "type-ahead": type_ahead,
    "among-many": among_many,
    "starting": starting,
    "sustained": sustained,
}


HARDLY_DISTURBED = {"looking-up", "confirming", "type-ahead"}
"""Two that wait for slow servers nearly all of their time, and one in a process of its own."""


async def measure(names: list[str], *, quick: bool) -> Measured:
    """Every figure of these groups, in turn, so that none disturbs another; if `quick` those that
    are hardly disturbed beside each other."""
    console = Console(stderr=True)
    found: dict[str, Measured] = {}

    async def one(name: str) -> None:
        began = perf_counter()
        found[name] = await GROUPS[name](quick=quick)
        console.print(f"{name}: {perf_counter() - began:.1f} s")

    beside = [name for name in names if quick and name in HARDLY_DISTURBED]
    async with asyncio.TaskGroup() as group:
        for name in beside:
            group.create_task(one(name))
    for name in names:
        if name not in beside:
            await one(name)
    figures = [figure for name in names for figure in found[name].figures]
    return Measured(figures, [curve for name in names for curve in found[name].curves])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller databases")
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="GROUP", help=str([*GROUPS]))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--report", action="store_true", help="write table and curves to README.md")
    options = parser.parse_args()
    if options.report and (options.quick or options.only):
        parser.error("a report is of a whole run: leave --quick and --only away")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    measured = asyncio.run(measure(options.only or [*GROUPS], quick=options.quick))
    report.show(measured.figures)
    if options.json:
        figures = [each.as_json() for each in measured.figures]
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    if options.report:
        report.write(measured.figures, measured.curves, README)


if __name__ == "__main__":
    main()
