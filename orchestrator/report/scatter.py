"""Entropy, and variance, of the training sets against log GS: the paper's figure of correlation."""

import json
from collections.abc import Iterator
from functools import partial

from matplotlib.figure import Figure as Canvas

from orchestrator.analysis import words
from orchestrator.analysis.correlations import METRICS, Pooled, pool
from orchestrator.analysis.records import Record
from orchestrator.analysis.sentences import correlated
from orchestrator.report.figure import Figure
from orchestrator.report.styles import Style

PAPER = 0.91  # entropy against log GS, 54 runs (Shi et al. 2025)


def scatters(found: list[Record], styles: dict[str, Style]) -> Iterator[Figure]:
    """Yield a figure each for entropy and variance, where there are pairs that vary."""
    for metric in METRICS:
        pooled = pool(found, metric)
        if pooled.found.r is not None:
            yield _figure(pooled, styles)


def _figure(pooled: Pooled, styles: dict[str, Style]) -> Figure:
    metric, pairs = pooled.metric, pooled.pairs
    main = next(pair.record for pair in pairs if pair.is_main)
    card = json.loads(main.card)
    others = sum(not pair.is_main for pair in pairs)
    told = [f"Pearson {correlated(pooled)}, filled points"]
    if others:
        told.append(
            f"{others} of {len(pairs)} points, hollow, have other cards and are left out (the "
            "paper's 54 runs had training sets of six sizes)"
        )
    told.append(
        f"the paper finds {PAPER} for entropy"
        if metric == "entropy"
        else "the paper finds that variance follows GS less than entropy does"
    )
    told.append("the interval takes points for independent, which iterations of one run are not")
    text = "; ".join((f"{card['features']} features, training sets of n {card['n']:,}", *told))
    used = {pair.record.series for pair in pairs}
    label = f"{words.short(main.key)} ({main.measure.unit})"
    return Figure(
        f"{metric}-against-log-gs",
        f"{metric.capitalize()} of the training set against log GS",
        text + ".",
        partial(_draw, pooled=pooled, styles=styles, label=label),
        [
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
        ],
        {name: style for name, style in styles.items() if name in used},
    )


def _draw(
    canvas: Canvas,
    pooled: Pooled,
    styles: dict[str, Style],
    label: str,
) -> None:
    axes = canvas.subplots()
    for pair in pooled.pairs:
        style = styles[pair.record.series]
        axes.plot(
            pair.value,
            pair.log_gs,
            color=style.colour,
            marker=style.marker,
            markersize=5,
            markerfacecolor=style.colour if pair.is_main else "#ffffff",
            alpha=0.9,
        )
        axes.annotate(
            str(pair.record.iteration),
            (pair.value, pair.log_gs),
            (4, 3),
            textcoords="offset points",
            fontsize=7,
            alpha=0.75,
        )
    if pooled.found.r is not None:
        axes.set_title(f"r = {words.number(pooled.found.r, 2)}", loc="left", fontsize=9.5)
    axes.set_xlabel(label)
    axes.set_ylabel("log GS (GS: distance)")
    axes.grid(alpha=0.15)
