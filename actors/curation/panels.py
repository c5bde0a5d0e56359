"""The pictures that a report is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes

from actors.curation import charts, mosaics, projection
from actors.curation.curation import Curated
from actors.curation.themes import Theme
from actors.data.inputs import Candidates
from actors.features.images import Images


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
        draw = partial(projection.draw_projection, curated=curated)
        return [Panel("Candidates on their first two principal components", draw, 6.5, True)]
    kept, left_out = mosaics.kept(candidates, curated), mosaics.left_out(candidates, curated)
    found = [Panel(kept.title, kept.draw, kept.height, True)]
    if left_out:
        found.append(Panel(left_out.title, left_out.draw, left_out.height, True))
    return found
