"""Who made the training sets: shares of sources over iterations, and the contamination matrix."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from actors.plots.figure import WIDTH, Figure
from actors.plots.style import GREY, GROUND, Style, styles
from orchestrator.analysis.records import outcomes
from orchestrator.contamination import Shares, in_order, training_sets
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report.heat import draw_heat

# more columns than these are drawn without numbers
NUMBERED_BARS, NUMBERED_CELLS = 9, 14


def named_sets(outcome: Outcome | Sweep) -> dict[str, Shares]:
    """Return the shares by arm (or point), and generator where they differ; of the first seed."""
    sets: dict[str, Shares] = {}
    for series, _, _, run in outcomes(outcome):
        for (arm, generator), shares in training_sets(run.results).items():
            sets.setdefault(", ".join(filter(None, (series or arm, generator))), shares)
    return sets


def shares_of_sources(sets: dict[str, Shares]) -> list[Figure]:
    """Return a figure of stacked shares for each training set."""
    sources = {source for shares in sets.values() for by in shares.values() for source, _ in by}
    # real rows are grey, as nobody made them
    legend = {"real": Style(GREY, "X")} if "real" in sources else {}
    legend |= styles(sorted(sources - {"real"}))
    figures = []
    for name, shares in sets.items():
        heights = {
            source: [
                sum(share for origin, share in shares[n].items() if origin[0] == source)
                for n in sorted(shares)
            ]
            for source in legend
        }
        rows = [
            {"series": name, "iteration": iteration, "source": source, "share": share}
            for at, iteration in enumerate(sorted(shares))
            for source in legend
            for share in [heights[source][at]]
        ]
        title = f"Sources of the training sets, {name}"
        caption = "Share of the rows of the training set of each iteration."
        draw = partial(_draw_shares, iterations=sorted(shares), heights=heights, legend=legend)
        labels = "iteration", "share of the training set"
        figures.append(Figure(f"shares-{name}", title, caption, draw, labels, rows, legend))
    return figures


def _draw_shares(
    axes: Axes,
    iterations: list[int],
    heights: dict[str, list[float]],
    legend: dict[str, Style],
) -> None:
    bottom = np.zeros(len(iterations))
    for source, style in legend.items():
        shares = heights[source]
        bars = axes.bar(
            iterations, shares, 0.8, bottom=bottom, color=style.colour, ec=GROUND, lw=0.8
        )
        if len(iterations) <= NUMBERED_BARS:
            texts = [f"{share:.0%}" if share > 0.09 else "" for share in shares]
            axes.bar_label(bars, texts, label_type="center", fontsize=8, color="#000000")
        bottom += shares
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def matrices(sets: dict[str, Shares]) -> list[Figure]:
    """Return the contamination matrix of each training set of several origins."""
    figures = []
    for name, shares in sets.items():
        origins = in_order({origin for by in shares.values() for origin in by})
        if len(origins) < 2:
            continue
        iterations = sorted(shares)
        values = np.array([[shares[n].get(origin, 0.0) for origin in origins] for n in iterations])
        numbered = len(origins) <= NUMBERED_CELLS
        texts = [[f"{v:.0%}" if v and numbered else "" for v in row] for row in values.tolist()]
        makers = [f"{source}\n{made}" if made else source for source, made in origins]
        figure = Figure(
            f"contamination-{name}",
            f"Contamination, {name}",
            "Share of the training set of an iteration (row) that was made by a source at an "
            "iteration (column); real rows are of no iteration.",
            partial(
                draw_heat,
                values=values,
                texts=texts,
                rows=iterations,
                columns=makers,
                scale=(0, 1),
            ),
            ("made by, at iteration", "training set of it."),
            [
                {"series": name, "iteration": n, "made_by": source, "made_at": made, "share": share}
                for n in iterations
                for (source, made), share in shares[n].items()
            ],
            size=(max(WIDTH, 1 + 0.6 * len(origins)), 1.2 + 0.34 * len(shares)),
        )
        figures.append(figure)
    return figures
