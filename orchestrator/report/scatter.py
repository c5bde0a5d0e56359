"""Entropy, and variance, of the training sets against log GS: the paper's figure of correlation."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure as Canvas

from actors.evaluation.correlation import Correlation, correlation
from orchestrator.report import words
from orchestrator.report.figure import Figure
from orchestrator.report.records import Record, main_card
from orchestrator.report.styles import Style

PAPER = 0.91  # entropy against log GS, 54 runs (Shi et al. 2025)
GS = ("generalization_score", "samples")


@dataclass(frozen=True)
class Pair:
    """A training set's measure with log GS of the generator trained on it."""

    record: Record
    value: float
    log_gs: float
    is_main: bool


def scatters(found: list[Record], styles: dict[str, Style]) -> Iterator[Figure]:
    """Yield a figure each for entropy and variance, where there are pairs that vary."""
    for metric in ("entropy", "variance"):
        pairs = _pairs(found, metric)
        if all_of := correlate(pairs):
            same = correlate([pair for pair in pairs if pair.is_main])
            yield _figure(metric, pairs, same, all_of, styles)


def _pairs(found: list[Record], metric: str) -> list[Pair]:
    def where(record: Record) -> tuple[str, str, int, int]:
        return record.series, record.generator, record.iteration, record.seed

    scores = {where(r): r for r in found if r.key == GS and r.measure["value"]}
    sets = [
        r
        for r in found
        if r.key == (metric, "training_set")
        and r.measure["value"] is not None
        and where(r) in scores
    ]
    if not sets:
        return []
    main = main_card(sets), main_card([scores[where(r)] for r in sets])
    return [
        Pair(
            r,
            r.measure["value"],
            math.log(scores[where(r)].measure["value"]),
            (r.card, scores[where(r)].card) == main,
        )
        for r in sets
    ]


def correlate(pairs: list[Pair]) -> Correlation | None:
    """Return the correlation over the distinct pairs, arms sharing iteration 1 for instance."""
    points = np.array(sorted({(pair.value, pair.log_gs) for pair in pairs}))
    try:
        return correlation(points[:, 0], points[:, 1])
    except (ValueError, IndexError):  # too few, or all the same
        return None


def spelled(found: Correlation) -> str:
    """Return r with its interval."""
    told = f"r = {words.number(found.r, 2)} over {found.n} distinct points"
    if found.interval is None:
        return told
    low, high = (words.number(end, 2) for end in found.interval)
    return f"{told}, 95 % interval {low} to {high}"


def _figure(
    metric: str,
    pairs: list[Pair],
    same: Correlation | None,
    all_of: Correlation,
    styles: dict[str, Style],
) -> Figure:
    card = json.loads(main_card([pair.record for pair in pairs]))
    others = sum(not pair.is_main for pair in pairs)
    told = []
    if same:
        told.append(f"Pearson {spelled(same)}, filled points")
    if others:
        told.append(
            f"{others} of {len(pairs)} points, hollow, were measured on other numbers of rows "
            f"(as the paper's 54 runs were); with them Pearson {spelled(all_of)}"
        )
    told.append(
        f"the paper finds {PAPER} for entropy"
        if metric == "entropy"
        else "the paper finds that variance follows GS less than entropy does"
    )
    told.append("the interval takes points for independent, which iterations of one run are not")
    text = "; ".join((f"{card['features']} features, training sets of n {card['n']:,}", *told))
    used = {pair.record.series for pair in pairs}
    unit = pairs[0].record.measure["unit"]
    return Figure(
        f"{metric}-against-log-gs",
        f"{metric.capitalize()} of the training set against log GS",
        text + ".",
        partial(
            _draw, pairs=pairs, styles=styles, label=f"training-set {metric} ({unit})", text=same
        ),
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
    pairs: list[Pair],
    styles: dict[str, Style],
    label: str,
    text: Correlation | None,
) -> None:
    axes = canvas.subplots()
    for pair in pairs:
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
    if text:
        axes.set_title(f"r = {words.number(text.r, 2)}", loc="left", fontsize=9.5)
    axes.set_xlabel(label)
    axes.set_ylabel("log GS (GS: distance)")
    axes.grid(alpha=0.15)
