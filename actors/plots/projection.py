"""Densities of real and generated rows on two principal components."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from actors.plots.style import applied

DPI = 120
# inches: the picture, its two square panels and the bar of colours at their right
SIZE = (11, 5.6)
PANEL, BAR = 4.25, 0.24
BOTTOM, PANELS_AT, BAR_AT = 0.66, (0.75, 5.25), 9.75
# cells in a row of the density
FEWEST_CELLS, MOST_CELLS = 24, 80
# dark is dense, which is seen with any colour vision; its palest part is lost on white
COLOURS, PALEST, REAL_COLOUR = "magma_r", 0.15, "#e4e4e4"


def limits(real: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest shown coordinates, (2,) each: a square that holds all rows.

    It reaches at most as far beyond the real rows, (n, 2), as these are wide: generated rows,
    (m, 2), that ran away would leave no room for anything else.
    """
    width = np.ptp(real, axis=0).max() or 1.0
    low = np.maximum(np.minimum(real.min(0), samples.min(0)), real.min(0) - width)
    high = np.minimum(np.maximum(real.max(0), samples.max(0)), real.max(0) + width)
    half = 0.52 * (high - low).max() or 0.5
    middle = (low + high) / 2
    return middle - half, middle + half


def density(rows: np.ndarray, low: np.ndarray, high: np.ndarray, cells: int) -> np.ndarray:
    """Return the (cells, cells) float64 shares of (n, 2) rows in a grid, second coordinate first.

    Args:
        low, high: (2,) ends of the grid; rows beyond them are in no cell.
    """
    ends = list(zip(low[::-1], high[::-1], strict=True))
    return np.histogram2d(rows[:, 1], rows[:, 0], cells, ends)[0] / len(rows)


def draw_projection(
    real: np.ndarray,
    samples: np.ndarray,
    shares: np.ndarray,
    file: Path | BinaryIO,
    title: str,
) -> None:
    """Draw the density of real and of generated rows side by side, as PNG, on the same scales.

    Args:
        real, samples: (n, 2) and (m, 2) coordinates, on the components of the real ones.
        shares: (2,) shares of the variance of the real rows.
        file: where the picture goes.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    low, high = limits(real, samples)
    cells = int(np.clip(2 * len(samples) ** (1 / 3), FEWEST_CELLS, MOST_CELLS))
    extent = (low[0], high[0], low[1], high[1])
    of_real, of_samples = (density(rows, low, high, cells) for rows in (real, samples))
    seen = np.concatenate((of_real, of_samples))
    scale = LogNorm(seen[seen > 0].min(), seen.max())
    colours = ListedColormap(colormaps[COLOURS](np.linspace(PALEST, 1, 256)))
    with applied():
        # places are given: a layout that makes room by itself draws everything three times
        figure = Figure(figsize=SIZE)
        figure.suptitle(title, y=0.985)
        left, right = (figure.add_axes(_place(x, PANEL)) for x in PANELS_AT)
        right.sharex(left)
        right.sharey(left)
        right.tick_params(labelleft=False)
        left.locator_params(nbins=6)
        left.ticklabel_format(scilimits=(-2, 3))
        left.yaxis.set_label_coords(-0.13, 0.5)
        right.imshow(
            np.ma.masked_equal(of_real > 0, False),
            cmap=ListedColormap([REAL_COLOUR]),
            extent=extent,
            origin="lower",
        )
        for axes, shown in ((left, of_real), (right, of_samples)):
            drawn = axes.imshow(
                np.ma.masked_equal(shown, 0),
                cmap=colours,
                norm=scale,
                extent=extent,
                origin="lower",
            )
            axes.set_xlabel(f"first principal component ({100 * shares[0]:.0f} % of the variance)")
            axes.xaxis.set_label_coords(0.5, -0.07)
        left.set_ylabel(f"second principal component ({100 * shares[1]:.0f} % of the variance)")
        left.set_title(f"{len(real):,} real rows", y=1.01)
        beyond = round((1 - of_samples.sum()) * len(samples))
        away = f" ({beyond:,} beyond the picture)" if beyond else ""
        right.set_title(f"{len(samples):,} generated rows{away}", y=1.01)
        bar = figure.colorbar(
            drawn,
            cax=figure.add_axes(_place(BAR_AT, BAR)),
            ticks=LogLocator(subs=(1, 2, 5)),
            format="{x:g}",
        )
        bar.minorticks_off()
        bar.set_label("share of the rows in a cell (grey: only real rows)")
        figure.savefig(file, format="png", dpi=DPI, pil_kwargs={"compress_level": 1})


def _place(left: float, width: float) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of axes, of inches as shares of the picture."""
    return left / SIZE[0], BOTTOM / SIZE[1], width / SIZE[0], PANEL / SIZE[1]
