"""Who made the training sets: shares of sources over iterations, and the contamination matrix."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator, PercentFormatter

from orchestrator.analysis.records import outcomes
from orchestrator.contamination import Origin, contamination
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report.figure import Figure
from orchestrator.report.heat import draw_heat
from orchestrator.report.styles import Style, styles

# training set of an iteration, to the share of every origin
Shares = dict[int, dict[Origin, float]]
# more columns than this are drawn without numbers
NUMBERED = 14


def training_sets(found: Outcome | Sweep) -> dict[str, Shares]:
    """Return the shares by arm (or point), and generator where they differ; of the first seed."""
    sets: dict[str, Shares] = {}
    for series, _, _, outcome in outcomes(found):
        by_arm: dict[str, dict[str, Shares]] = {}
        for (arm, generator, iteration), shares in contamination(outcome.results).shares.items():
            by_arm.setdefault(series or arm, {}).setdefault(generator, {})[iteration] = shares
        for arm, own in by_arm.items():
            alike = all(one == next(iter(own.values())) for one in own.values())
            named = (
                {arm: next(iter(own.values()))}
                if alike
                else {f"{arm}, {generator}": one for generator, one in own.items()}
            )
            for name, shares_of in named.items():
                sets.setdefault(name, shares_of)
    return sets


def shares(found: Outcome | Sweep) -> Iterator[Figure]:
    """Yield the stacked shares of sources for each training set that changes its sources."""
    sets = training_sets(found)
    sources = list(dict.fromkeys(o[0] for own in sets.values() for s in own.values() for o in s))
    # real rows are grey, as nobody made them
    drawn = {"real": Style("#767676", "X", "-")} if "real" in sources else {}
    drawn |= styles([source for source in sources if source != "real"])
    for name, own in sets.items():
        by_source = {
            iteration: {s: sum(v for o, v in found.items() if o[0] == s) for s in drawn}
            for iteration, found in sorted(own.items())
        }
        yield Figure(
            f"shares-{name}",
            f"Sources of the training sets, {name}",
            "Share of the rows of the training set of each iteration.",
            partial(_draw_shares, by_source=by_source, styles=drawn),
            [
                {"series": name, "iteration": iteration, "source": source, "share": share}
                for iteration, found in by_source.items()
                for source, share in found.items()
            ],
            drawn,
        )


def _draw_shares(
    canvas: Canvas, by_source: dict[int, dict[str, float]], styles: dict[str, Style]
) -> None:
    axes = canvas.subplots()
    bottom = np.zeros(len(by_source))
    for source, style in styles.items():
        heights = np.array([found[source] for found in by_source.values()])
        axes.bar(
            list(by_source), heights, 0.8, bottom=bottom, color=style.colour, ec="#ffffff", lw=0.8
        )
        for place, height, low in zip(by_source, heights, bottom, strict=True):
            if height > 0.09 and len(by_source) <= 9:
                axes.text(
                    place,
                    low + height / 2,
                    f"{height:.0%}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="#000000",
                )
        bottom += heights
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("iteration")
    axes.set_ylabel("share of the training set")


def matrices(found: Outcome | Sweep) -> Iterator[Figure]:
    """Yield the contamination matrix of each training set: iterations x origins."""
    for name, own in training_sets(found).items():
        origins = sorted({o for s in own.values() for o in s}, key=lambda o: (o[1], o[0]))
        if len(origins) < 2:
            continue
        yield Figure(
            f"contamination-{name}",
            f"Contamination, {name}",
            "Share of the training set of an iteration (row) that was made by a source at an "
            "iteration (column); real rows are of no iteration.",
            partial(_draw_matrix, own=own, origins=origins),
            [
                {"series": name, "iteration": n, "made_by": source, "made_at": made, "share": share}
                for n, shares in sorted(own.items())
                for (source, made), share in sorted(shares.items(), key=lambda s: s[0][::-1])
            ],
            size=(max(3.9, 1 + 0.6 * len(origins)), 1.2 + 0.34 * len(own)),
        )


def _draw_matrix(canvas: Canvas, own: Shares, origins: list[Origin]) -> None:
    iterations = sorted(own)
    values = np.array([[own[n].get(origin, 0.0) for origin in origins] for n in iterations])
    numbered = len(origins) <= NUMBERED
    texts = [[f"{v:.0%}" if v and numbered else "" for v in row] for row in values.tolist()]
    columns = [source if not made else f"{source}\n{made}" for source, made in origins]
    axes = canvas.subplots()
    draw_heat(axes, values, texts, columns, [str(n) for n in iterations], (0, 1), 8)
    axes.set_xlabel("made by, at iteration")
    axes.set_ylabel("training set of it.")
