"""The pictures that a report is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from actors.curation import charts
from actors.curation.curation import Curated
from actors.data.feature_source import pick
from actors.data.inputs import Candidates
from actors.features.images import Images
from actors.features.pca import project
from actors.plots.mosaics import Mosaic, evenly, thumbnails
from actors.plots.projection import Points, draw_points
from actors.plots.style import Theme

KEPT_COLUMNS, KEPT_ROWS = 12, 6
PAIR_COLUMNS, PAIR_ROWS = 6, 6
# candidates on a projection
PROJECTED = 3000


@dataclass(frozen=True)
class Panel:
    """A picture: its title, what draws it, its height in inches at a width of mosaics.WIDTH."""

    title: str
    draw: Callable[[Axes, Theme], None]
    height: float
    is_large: bool = False


def panels(candidates: Candidates, curated: Curated) -> list[Panel]:
    """Return the panels of a curation: rows first, then figures."""
    figures = curated.figures
    found = _rows(candidates, curated)
    if figures.before and figures.after:
        title = f"Entropy of {figures.before.n:,} random and {figures.after.n:,} kept rows"
        draw = partial(charts.draw_entropy, before=figures.before, after=figures.after)
        found.append(Panel(title, draw, 2.2))
    if figures.shares:
        height = 1.5 + 0.4 * min(len(figures.shares), charts.SHOWN_SOURCES)
        draw = partial(charts.draw_shares, shares=figures.shares)
        found.append(Panel("Share of each source", draw, height))
    draw = partial(charts.draw_distances, curated=curated)
    found.append(Panel("Distance to the nearest kept row", draw, 3.6))
    return found


def _rows(candidates: Candidates, curated: Curated) -> list[Panel]:
    """Return pictures of the rows themselves: images, or a projection of features."""
    if not isinstance(candidates, Images):
        return [projection(curated)]
    mosaics = [kept(candidates, curated), left_out(candidates, curated)]
    return [Panel(one.title, one.draw, one.height, True) for one in mosaics if one]


def projection(curated: Curated) -> Panel:
    """Return a random part of the candidates on their principal components, kept or not."""
    rows = len(curated.ids)
    shown = np.sort(np.random.default_rng(0).choice(rows, min(rows, PROJECTED), replace=False))
    shares, (coordinates,) = project(pick(curated.features, shown))
    is_kept = np.isin(shown, curated.selection.positions)
    part = "" if rows <= PROJECTED else f"{PROJECTED:,} of {rows:,} candidates"

    def draw(axes: Axes, theme: Theme) -> None:
        sets = [
            Points("left out", theme.left_out, "x", coordinates[~is_kept]),
            Points("kept", theme.kept, "o", coordinates[is_kept]),
        ]
        draw_points(axes, sets, shares, part)

    return Panel("Candidates on their first two principal components", draw, 6.5, True)


def kept(images: Images, curated: Curated) -> Mosaic:
    """Return kept images, evenly over the ranks, the first picked first."""
    positions = curated.selection.positions
    shown = evenly(positions, KEPT_COLUMNS * KEPT_ROWS)
    title = f"Kept: {len(shown):,} of {len(positions):,} images, in the order of picking"
    return Mosaic(title, thumbnails(images.images(shown))[:, None], KEPT_COLUMNS)


def left_out(images: Images, curated: Curated) -> Mosaic | None:
    """Return images left out, each beside the kept one nearest to it, the nearest pair first."""
    reasons = curated.reasons
    is_out = np.ones(len(curated.ids), bool)
    is_out[curated.selection.positions] = False
    positions = np.flatnonzero(is_out)
    if not len(positions):
        return None
    rising = positions[np.argsort(reasons.distances[positions], kind="stable")]
    shown = evenly(rising, PAIR_COLUMNS * PAIR_ROWS)
    out = thumbnails(images.images(shown))
    covering = thumbnails(images.images(reasons.covered_by[shown]))
    captions = tuple(f"{distance:.3g}" for distance in reasons.distances[shown].tolist())
    title = (
        f"Left out: {len(shown):,} of {len(positions):,} images (left), each with the kept one\n"
        "nearest to it (right) and their distance (feature units)"
    )
    return Mosaic(title, np.stack((out, covering), axis=1), PAIR_COLUMNS, captions)
