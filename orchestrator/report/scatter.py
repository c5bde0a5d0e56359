"""Entropy, and variance, of the training sets against log GS: the paper's figure of correlation."""

import json

from matplotlib.axes import Axes

from actors.plots.figure import Figure
from actors.plots.style import GROUND, Style
from orchestrator.analysis import words
from orchestrator.analysis.correlations import METRICS, pool
from orchestrator.analysis.records import Record
from orchestrator.analysis.sentences import correlated

PAPER = {
    "entropy": "the paper finds 0.91 for entropy",  # 54 runs (Shi et al. 2025)
    "variance": "the paper finds that variance follows GS less than entropy does",
}


def scatters(records: list[Record], styles: dict[str, Style]) -> list[Figure]:
    """Return a figure each for entropy and variance, where there are pairs that vary."""
    figures = [_scatter(records, metric, styles) for metric in METRICS]
    return [figure for figure in figures if figure]


def _scatter(records: list[Record], metric: str, styles: dict[str, Style]) -> Figure | None:
    pooled = pool(records, metric)
    pairs, r = pooled.pairs, pooled.correlation.r
    if r is None:
        return None
    main = next(pair.record for pair in pairs if pair.is_main)

    def draw(axes: Axes) -> None:
        for pair in pairs:
            style, here = styles[pair.record.series], (pair.value, pair.log_gs)
            face = style.colour if pair.is_main else GROUND
            axes.plot(*here, style.marker, ms=5, c=style.colour, mfc=face, alpha=0.9)
            text, beside = str(pair.record.iteration), (4, 3)
            axes.annotate(text, here, beside, textcoords="offset points", fontsize=7, alpha=0.75)
        axes.set_title(f"r = {words.number(r, 2)}", loc="left", fontsize=9.5)
        axes.grid(alpha=0.15)

    card, others = json.loads(main.card), sum(not pair.is_main for pair in pairs)
    left_out = (
        f"{others} of {len(pairs)} points, hollow, have other cards and are left out (the paper's "
        "54 runs had training sets of six sizes)"
    )
    notes = [
        f"{card['features']} features, training sets of n {card['n']:,}",
        f"Pearson {correlated(pooled)}, filled points",
        *[left_out] * bool(others),
        PAPER[metric],
        "the interval takes points for independent, which iterations of one run are not",
    ]
    rows = [
        {
            "series": pair.record.series,
            "generator": pair.record.generator,
            "iteration": pair.record.iteration,
            "seed": pair.record.seed,
            metric: pair.value,
            "log_gs": pair.log_gs,
            "comparable": pair.is_main,
        }
        for pair in pairs
    ]
    series = {pair.record.series for pair in pairs}
    return Figure(
        f"{metric}-against-log-gs",
        f"{metric.capitalize()} of the training set against log GS",
        "; ".join(notes) + ".",
        draw,
        (f"{words.short(main.key)} ({main.measure.unit})", "log GS (GS: distance)"),
        rows,
        {name: style for name, style in styles.items() if name in series},
    )
