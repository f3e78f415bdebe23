"""The table of a run: for the terminal, and with the machine and the curves for the README."""

import os
import platform
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figure import Curve, Figure

HEAD = ("figure", "value", "reference", "ratio", "goal", "met")
BEGIN, END = "<!-- measured: written by --report -->", "<!-- end -->"

NOTES = {
    "acknowledging /upgrade, 64 at once": "The stock app does nothing behind its acknowledgement. "
    "The bot checks, names and times each command, reads it into a model and begins a look-up; "
    "it makes up for that by reading forms faster, and from run to run it is 1.0 to 1.1 times as "
    "many.",
    "acknowledging a decision, 1 at a time, p50": "About 0.5 ms are reading, Bolt and the answer, "
    "0.3 the step with its seal and five statements, 0.3 and more the disk's sync, and the rest is "
    "the way to the store's thread and back, and the network. In quiet minutes it is met.",
    "acknowledging a decision, 64 at once, p99": "All of it is Python in one process, one click "
    "after the other: 14 to 18 ms until all are read and dispatched, 16 to 20 for their steps and "
    "statements, 3 for the commit, and 5 to 8 until all are answered. The quietest bursts took "
    "38 ms; the speed of this machine changes by half within minutes.",
    "memory of an idle bot": "The four libraries that the start is compared with take 66 MB, Bolt "
    "alone 35; PgQueuer and what it loads take 10, and the sign-in's cryptography 4.",
    "decisions, 1 bot on SQLite": "A bare commit is 0.2 ms, and a decision 0.7 of Python before "
    "its commit; behind it a card, a line in the thread and a direct message take 10 ms more, "
    "which begin after a quarter of a second.",
    "decisions, 2 bots on PostgreSQL": "As on SQLite, with ten round trips for a decision and as "
    "many for its job; and two bots, the database, the practice Slack and the caller share two "
    "cores.",
}
"""By the name of a figure that misses its goal: what stands in the way."""


def show(figures: Sequence[Figure]) -> None:
    """On the terminal."""
    table = Table(*HEAD)
    for each in figures:
        table.add_row(*each.row())
    Console(width=150).print(table)


def write(figures: Sequence[Figure], curves: Sequence[Curve], readme: Path) -> None:
    """Into the README, in place of the run before, and the curves beside it."""
    from tests.bench.plots import draw

    pictures = [f"![{curve.title}]({draw(curve, readme.parent)})" for curve in curves]
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    parts = (f"{_when()}, {machine()}.", "\n".join(_table(figures)), *_notes(figures), *pictures)
    new = "\n\n".join((BEGIN, *parts, END))
    readme.write_text(before + new + after, encoding="utf-8")


def machine() -> str:
    """What it was measured on."""
    words = (
        f"{os.cpu_count()} cores ({_processor()})",
        f"{_memory():.0f} GB",
        _system(),
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
    )
    return ", ".join(words)


def _when() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _table(figures: Sequence[Figure]) -> Iterator[str]:
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for each in figures:
        yield f"| {' | '.join(each.row())} |"


def _notes(figures: Sequence[Figure]) -> Iterator[str]:
    """A sentence for each figure that misses its goal, where there is one."""
    for each in figures:
        if not each.met and each.figure in NOTES:
            yield f"*{each.figure}*: {NOTES[each.figure]}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3


def _system() -> str:
    named = platform.freedesktop_os_release()
    return named.get("PRETTY_NAME", platform.system())
