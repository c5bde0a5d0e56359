"""Heat maps with the numbers in their cells, and two axes of a sweep against each other."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from actors.plots.figure import WIDTH, Figure
from actors.plots.style import INK
from orchestrator.analysis import words
from orchestrator.report.axes import Axis
from orchestrator.report.panels import Panel

# dark text is read on every colour of it
COLOURS, DARKEST = "YlGnBu", 0.62


def draw_heat(
    axes: Axes,
    values: np.ndarray,
    texts: list[list[str]],
    rows: list[Any],
    columns: list[Any],
    scale: tuple[float, float] | None = None,
) -> None:
    """Draw cells with text.

    Args:
        values: (rows, columns) float, NaN for a cell without a colour.
        texts: in the cells; those without a colour have theirs too.
        rows, columns: their names.
        scale: values of the palest and the darkest colour; None: those of the smallest and largest.
    """
    if scale is None and np.isfinite(values).any():
        scale = float(np.nanmin(values)), float(np.nanmax(values))
    norm = Normalize(*(scale or (0, 1)))
    for (row, column), value in np.ndenumerate(values):
        coloured = bool(np.isfinite(value))
        colour: Any = colormaps[COLOURS](DARKEST * float(norm(value))) if coloured else "none"
        axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, fc=colour, lw=0))
        ink = "#000000" if coloured else INK
        axes.text(
            column, row, texts[row][column], ha="center", va="center", fontsize=7.5, color=ink
        )
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), [*map(str, columns)])
    axes.set_yticks(range(len(rows)), [*map(str, rows)])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def crossing(panel: Panel, down: Axis, across: Axis) -> Figure:
    """Return a measure at every combination of two axes, e.g. method x paradigm."""
    values = np.full((len(down.values), len(across.values)), np.nan)
    texts = [[""] * len(across.values) for _ in down.values]
    # of the several that a cell may hold, those that are comparable are shown
    for summary in sorted(panel.summaries, key=panel.is_comparable):
        row = down.values.index(summary.record.point[down.field])
        column = across.values.index(summary.record.point[across.field])
        text = words.number(summary.interval.mean, 3)
        if panel.is_comparable(summary):
            values[row, column] = summary.interval.mean
        else:
            text += "*"
        if summary.low is not None and summary.high is not None:
            text += f"\n{words.number(summary.low, 3)} to {words.number(summary.high, 3)}"
        texts[row][column] = text

    others = sum(not panel.is_comparable(summary) for summary in panel.summaries)
    aside = f"{others} cells without a colour were measured on other sets (*) and not comparable"
    return panel.figure(
        partial(draw_heat, values=values, texts=texts, rows=down.values, columns=across.values),
        (across.field, down.field),
        [panel.unit, panel.intervals().removeprefix("bars: "), aside * bool(others)],
        at_last=True,
        suffix=f"-{down.field}-x-{across.field}",
        size=(max(WIDTH, 1.3 + 1.15 * len(across.values)), 0.9 + 0.55 * len(down.values)),
    )
