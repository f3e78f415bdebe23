"""Draws the curves, as SVG. Only a report needs it, and what it draws with."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Sheet

from tests.bench.figure import Curve

OURS, REFERENCE, GRID = "#1264a3", "#8a8a8a", "#dddddd"


def draw(curve: Curve, folder: Path) -> str:
    """Draw a curve; the name of the file that it is in."""
    name = f"{curve.name}.svg"
    sheet = Sheet(figsize=(6.4, 3.6), layout="constrained")
    axes = sheet.add_subplot()
    axes.plot(curve.steps, curve.values, marker="o", color=OURS, label="upgrade-bot")
    axes.plot(
        curve.steps, curve.reference, marker=".", linestyle="--", color=REFERENCE,
        label=curve.beside,
    )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(curve.steps, [f"{step:,}" for step in curve.steps])
    axes.minorticks_off()
    axes.set_ylim(0, 1.1 * max(*curve.values, *curve.reference))
    axes.set_title(curve.title)
    axes.set_xlabel(curve.along)
    axes.set_ylabel(curve.unit)
    axes.grid(color=GRID)
    axes.legend(frameon=False)
    with mpl.rc_context({"svg.hashsalt": curve.name, "svg.fonttype": "none"}):
        sheet.savefig(folder / name, metadata={"Date": None})  # the same curve is the same file
    return name
