"""The figures of a curation's report: its rows first, then its numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from actors.curation.curation import Curated
from actors.data.feature_source import Candidates, pick
from actors.features.images import Images
from actors.features.pca import project
from actors.metrics.entropy import Entropy
from actors.plots.figure import WIDTH, Figure
from actors.plots.images import evenly, grid, paired, thumbnails
from actors.plots.style import GREY, INK, Style

KEPT, LEFT_OUT, CANDIDATES = Style("c1", "o"), Style("c4", "X"), Style(GREY, "s")
LARGE = 7.0  # inches
KEPT_COLUMNS, KEPT_ROWS = 12, 6
PAIR_COLUMNS, PAIR_ROWS = 6, 6
PROJECTED = 3000  # candidates on a projection
SHOWN_SOURCES = 10
BINS = 40


def figures(candidates: Candidates, curated: Curated) -> list[Figure]:
    """Return the figures of a curation; those of the rows are wide."""
    before, after, shares = curated.figures.before, curated.figures.after, curated.figures.shares
    if isinstance(candidates, Images):
        rows = [kept(candidates, curated), left_out(candidates, curated)]
    else:
        rows = [projection(curated)]
    numbers = [
        entropies(before, after) if before and after else None,
        sources(shares) if shares else None,
        distances(curated),
    ]
    return [figure for figure in (*rows, *numbers) if figure]


def kept(images: Images, curated: Curated) -> Figure:
    """Return kept images, evenly over the ranks, the first picked first."""
    positions = curated.selection.positions
    shown = evenly(positions, KEPT_COLUMNS * KEPT_ROWS)
    title = f"Kept: {len(shown):,} of {len(positions):,} images"
    tiles = thumbnails(images.images(shown))
    return _mosaic("kept", title, "In the order of picking.", tiles, KEPT_COLUMNS, _gap(tiles))


def left_out(images: Images, curated: Curated) -> Figure | None:
    """Return images left out, each beside the kept one nearest to it, the nearest pair first."""
    positions, reasons = _left_out(curated), curated.reasons
    if not len(positions) or reasons is None:
        return None
    rising = positions[np.argsort(reasons.distances[positions], kind="stable")]
    shown = evenly(rising, PAIR_COLUMNS * PAIR_ROWS)
    out, covering = (thumbnails(images.images(p)) for p in (shown, reasons.covered_by[shown]))
    pairs = paired(out, covering, _gap(out))
    return _mosaic(
        "left-out",
        f"Left out: {len(shown):,} of {len(positions):,} images",
        "Each left-out image (left) with the kept one nearest to it (right) and their distance "
        "(feature units).",
        pairs,
        PAIR_COLUMNS,
        max(1, round(0.12 * pairs.shape[2])),
        [f"{distance:.3g}" for distance in reasons.distances[shown].tolist()],
    )


def _left_out(curated: Curated) -> np.ndarray:
    return np.setdiff1d(np.arange(len(curated.ids)), curated.selection.positions)


def _gap(tiles: np.ndarray) -> int:
    return max(1, round(0.07 * max(tiles.shape[1:3])))


def _mosaic(
    name: str,
    title: str,
    caption: str,
    tiles: np.ndarray,
    columns: int,
    gap: int,
    captions: list[str] | None = None,
) -> Figure:
    """Return a grid of tiles, with a line of text below each where there are captions."""
    height, width = tiles.shape[1:3]
    room = round(0.04 * width) if captions else 0
    picture = grid(np.pad(tiles, ((0, 0), (0, room), (0, 0), (0, 0))), columns, gap=gap)

    def draw(axes: Axes) -> None:
        axes.imshow(picture)
        axes.set_anchor("NW")
        axes.set_axis_off()
        for place, text in enumerate(captions or []):
            row, column = divmod(place, columns)
            middle = column * (width + gap) + width / 2
            axes.text(
                middle,
                row * (height + room + gap) + height,
                text,
                ha="center",
                va="top",
                fontsize=8,
            )

    size = (LARGE, LARGE * picture.shape[0] / picture.shape[1])
    return Figure(name, title, caption, draw, size=size)


def projection(curated: Curated) -> Figure:
    """Return candidates on their principal components, kept or not; of many some at random."""
    rows = len(curated.ids)
    shown = np.sort(np.random.default_rng(0).choice(rows, min(rows, PROJECTED), replace=False))
    shares, (coordinates,) = project(pick(curated.features, shown))
    is_kept = np.isin(shown, curated.selection.positions)

    def draw(axes: Axes) -> None:
        for style, here in ((LEFT_OUT, ~is_kept), (KEPT, is_kept)):
            x, y = coordinates[here].T
            marker = style.marker.lower()
            axes.scatter(x, y, s=14, c=style.colour, marker=marker, linewidths=0.8, alpha=0.7)
        axes.set_aspect("equal", "datalim")

    return Figure(
        "projection",
        "Candidates on their first two principal components",
        f"{len(shown):,} of {rows:,} candidates, with each component's share of the variance.",
        draw,
        (
            f"first principal component ({shares[0]:.0%}, feature units)",
            f"second principal component ({shares[1]:.0%}, feature units)",
        ),
        legend={"kept": KEPT, "left out": LEFT_OUT},
        size=(LARGE, 6),
    )


def entropies(before: Entropy, after: Entropy) -> Figure:
    """Return two entropies as dots: a bar would give 0 nats a meaning that it does not have."""
    values = np.array([after.nats, before.nats])
    # how many rows have an exact copy, or as good as that
    copies = [f"\n({n:,} with\na copy)" * bool(n) for n in (after.at_floor, before.at_floor)]

    def draw(axes: Axes) -> None:
        axes.hlines([0, 1], values.min(), values, color=INK, alpha=0.3, zorder=1)
        axes.scatter(values, [0, 1], s=90, color=[KEPT.colour, CANDIDATES.colour], zorder=2)
        for place, value in enumerate(values):
            here, above = (value, place), (0, 9)
            axes.annotate(f"{value:,.2f}", here, above, textcoords="offset points", ha="center")
        axes.set_yticks([0, 1], [f"kept{copies[0]}", f"random{copies[1]}"])
        axes.set_ylim(-0.5, 1.7)
        axes.margins(x=0.15)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))

    title = f"Entropy of {before.n:,} random and {after.n:,} kept rows"
    labels = "entropy (nats)", ""
    return Figure("entropy", title, "More is more varied.", draw, labels, size=(WIDTH, 1.7))


def sources(shares: dict[str, tuple[float, float]]) -> Figure:
    """Return the shares of the largest sources among the candidates and among the kept rows."""
    names = list(shares)[:SHOWN_SOURCES]
    places, more = np.arange(len(names)), len(shares) - len(names)
    legend = {"candidates": CANDIDATES, "kept": KEPT}

    def draw(axes: Axes) -> None:
        for side, style in enumerate(legend.values()):
            values = [shares[name][side] for name in names]
            axes.barh(places + 0.4 * side - 0.2, values, 0.38, color=style.colour)
        short = [name if len(name) < 25 else f"{name[:10]}...{name[-11:]}" for name in names]
        axes.set_yticks(places, short)
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))

    caption = f"{more:,} smaller sources are not shown." if more else ""
    size = (WIDTH, 0.9 + 0.3 * len(names))
    title, labels = "Share of each source", ("share of rows", "")
    return Figure("sources", title, caption, draw, labels, legend=legend, size=size)


def distances(curated: Curated) -> Figure:
    """Return at which distance rows were picked, and how far those left out are from a kept row."""
    picks = curated.selection.distances
    sets = {}
    if curated.reasons:
        sets["left out"] = LEFT_OUT, curated.reasons.distances[_left_out(curated)]
    if picks is not None:
        sets["kept"] = KEPT, picks[1:]
    sets = {name: drawn for name, drawn in sets.items() if len(drawn[1])}

    def draw(axes: Axes) -> None:
        every = np.concatenate([np.empty(0), *(values for _, values in sets.values())])
        bins = np.histogram_bin_edges(every, BINS).tolist()
        for style, values in sets.values():
            axes.hist(values, bins, histtype="stepfilled", color=style.colour, alpha=0.45)
            axes.hist(values, bins, histtype="step", color=style.colour, linewidth=1.5)

    return Figure(
        "distances",
        "Distance to the nearest kept row",
        "Of rows left out: to the row that covers them. Of kept ones: to the nearest row picked "
        "before."
        if sets
        else "There are no distances.",
        draw,
        ("distance (feature units)", "rows"),
        legend={name: style for name, (style, _) in sets.items()},
    )
