"""Heat maps with the numbers in their cells."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from actors.plots.style import LIGHT

# dark text is read on every colour of it
COLOURS = "YlGnBu"
DARKEST = 0.62


def draw_heat(
    axes: Axes,
    values: np.ndarray,
    texts: list[list[str]],
    columns: list[str],
    rows: list[str],
    scale: tuple[float, float] | None = None,
    size: float = 8,
) -> None:
    """Draw cells with text.

    Args:
        values: (rows, columns) float, NaN for a cell without a colour.
        texts: in the cells; those without a colour have theirs too.
        scale: values of the palest and the darkest colour; None: those of the smallest and largest.
    """
    if scale is None and np.isfinite(values).any():
        scale = float(np.nanmin(values)), float(np.nanmax(values))
    norm = Normalize(*(scale or (0, 1)))
    for (row, column), value in np.ndenumerate(values):
        coloured = bool(np.isfinite(value))
        colour: Any = colormaps[COLOURS](DARKEST * float(norm(value))) if coloured else "none"
        axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, fc=colour, lw=0))
        if texts[row][column]:
            axes.text(
                column,
                row,
                texts[row][column],
                ha="center",
                va="center",
                fontsize=size,
                color="#000000" if coloured else LIGHT.ink,
            )
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
