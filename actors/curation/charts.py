"""Charts of a curation's figures."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from actors.curation.curation import Curated
from actors.metrics.entropy import Entropy
from actors.plots.style import Theme

BINS = 40
SHOWN_SOURCES = 10


def draw_entropy(axes: Axes, theme: Theme, before: Entropy, after: Entropy) -> None:
    """Draw two entropies as dots: a bar would give 0 nats a meaning that it does not have."""
    values = np.array([after.nats, before.nats])
    axes.hlines([0, 1], values.min(), values, color=theme.ink, alpha=0.3, zorder=1)
    axes.scatter(values, [0, 1], s=90, color=[theme.kept, theme.before], zorder=2)
    for place, value in enumerate(values):
        axes.annotate(
            f"{value:,.2f}", (value, place), (0, 9), textcoords="offset points", ha="center"
        )
    axes.set_yticks([0, 1], [_named("kept", after), _named("random", before)])
    axes.set_ylim(-0.5, 1.7)
    axes.margins(x=0.15)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    axes.set_xlabel("entropy (nats); more is more varied")


def _named(name: str, entropy: Entropy) -> str:
    """Return a name, with how many rows have an exact copy, or as good as that."""
    if not entropy.at_floor:
        return name
    return f"{name}\n({entropy.at_floor:,} with\na copy)"


def draw_shares(axes: Axes, theme: Theme, shares: dict[str, tuple[float, float]]) -> None:
    """Draw the share of the largest sources before and after."""
    names = list(shares)[:SHOWN_SOURCES]
    before, after = np.array([shares[name] for name in names]).T
    places = np.arange(len(names))
    axes.barh(places - 0.2, before, 0.38, color=theme.before, label="candidates")
    axes.barh(places + 0.2, after, 0.38, color=theme.kept, label="kept")
    axes.set_yticks(
        places, [name if len(name) < 25 else f"{name[:10]}...{name[-11:]}" for name in names]
    )
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    more = len(shares) - len(names)
    axes.set_xlabel("share of rows" + (f" ({more:,} smaller sources not shown)" if more else ""))
    # above the bars, which leave no room
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)


def draw_distances(axes: Axes, theme: Theme, curated: Curated) -> None:
    """Draw at which distance rows were picked, and how far those left out are from a kept row."""
    is_out = np.ones(len(curated.ids), bool)
    is_out[curated.selection.positions] = False
    sets = [
        ("left out: to the row that covers it", theme.left_out, curated.reasons.distances[is_out])
    ]
    if curated.selection.distances is not None:
        picks = curated.selection.distances[1:]
        sets.append(("kept: to the nearest row picked before", theme.kept, picks))
    sets = [one for one in sets if len(one[2])]
    if not sets:
        axes.text(0.5, 0.5, "no distances", ha="center", va="center")
        axes.set_axis_off()
        return
    bins = np.histogram_bin_edges(np.concatenate([values for _, _, values in sets]), BINS).tolist()
    for label, colour, values in sets:
        axes.hist(values, bins, histtype="stepfilled", color=colour, alpha=0.45, label=label)
        axes.hist(values, bins, histtype="step", color=colour, linewidth=1.5)
    axes.set_xlabel("distance (feature units)")
    axes.set_ylabel("rows")
    axes.set_ylim(top=axes.get_ylim()[1] * 1.25)
    axes.legend(loc="upper left")
