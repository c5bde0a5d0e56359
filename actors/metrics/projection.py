"""Real and generated rows on the two directions in which the real ones vary most."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from actors.features.pca import principal

DPI = 120
# cells in a row of the density
FEWEST_CELLS, MOST_CELLS = 24, 80
# dark is dense, which is seen with any colour vision; its palest part is lost on white
COLOURS, PALEST, REAL_COLOUR = "magma_r", 0.15, "#e4e4e4"


def project(reference: np.ndarray, *sets: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Project rows onto the top two principal components of the real ones.

    Exact and in float64; a component's largest entry is positive (`actors.features.pca`).

    Args:
        reference: (n, d) features of real rows, which define the mean and the components.
        sets: (m, d) features of other rows.

    Returns:
        The (2,) float64 shares that the components have of the real rows' variance, and (m, 2)
        float64 coordinates: those of the reference first, then those of every set. Where there
        is no second component its coordinates are 0.
    """
    found = min(2, *reference.shape)
    mean, components = principal(reference, found)
    components = np.pad(components, ((0, 2 - found), (0, 0)))
    coordinates = [(rows - mean) @ components.T for rows in (reference, *sets)]
    total = reference.var(axis=0, dtype=np.float64).sum()
    return coordinates[0].var(axis=0) / (total or 1), coordinates


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
        real, samples: (n, 2) and (m, 2) coordinates, as `project` returns them.
        shares: (2,) shares of the variance of the real rows.
        file: where the picture goes.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.figure import Figure

    from actors.curation.themes import LIGHT

    low, high = limits(real, samples)
    cells = int(np.clip(2 * len(samples) ** (1 / 3), FEWEST_CELLS, MOST_CELLS))
    extent = (low[0], high[0], low[1], high[1])
    of_real, of_samples = (density(rows, low, high, cells) for rows in (real, samples))
    seen = np.concatenate((of_real, of_samples))
    scale = LogNorm(seen[seen > 0].min(), seen.max())
    colours = ListedColormap(colormaps[COLOURS](np.linspace(PALEST, 1, 256)))
    with LIGHT.applied():
        figure = Figure(figsize=(11, 5.6), layout="compressed")
        figure.suptitle(title)
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
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
        left.set_ylabel(f"second principal component ({100 * shares[1]:.0f} % of the variance)")
        left.set_title(f"{len(real):,} real rows")
        beyond = round((1 - of_samples.sum()) * len(samples))
        away = f" ({beyond:,} beyond the picture)" if beyond else ""
        right.set_title(f"{len(samples):,} generated rows{away}")
        legend = "share of the rows in a cell (grey: only real rows)"
        figure.colorbar(drawn, ax=[left, right], label=legend)
        figure.savefig(file, format="png", dpi=DPI)
