"""How entropy, and variance, of training sets go with log GS: the paper's correlation.

Only points of equal cards are pooled, equal n among them.
"""

import math
from dataclasses import dataclass

import numpy as np

from actors.metrics.correlation import Correlation, correlation
from actors.metrics.equal_rows import AT_EQUAL_N
from orchestrator.analysis.cards import main_card
from orchestrator.analysis.records import Record

SCORE = "generalization_score"
METRICS = ("entropy", "variance")


@dataclass(frozen=True)
class Pair:
    """A training set's measure with log GS of the generator trained on it.

    Attributes:
        is_main: whether its cards are those that most distinct pairs have, which are pooled.
    """

    record: Record
    value: float
    log_gs: float
    is_main: bool


@dataclass(frozen=True)
class Pooled:
    """The pairs of a run or a sweep, and the correlation over those of equal cards.

    Attributes:
        correlation: over the distinct ones, as arms share iteration 1.
    """

    metric: str
    pairs: list[Pair]
    correlation: Correlation


def pool(records: list[Record], metric: str) -> Pooled:
    """Return how a metric of the training sets goes with log GS.

    Where both were measured on equally many rows, those values are taken.
    """
    pairs = _pairs(records, metric + AT_EQUAL_N, SCORE + AT_EQUAL_N)
    pairs = pairs or _pairs(records, metric, SCORE)
    main = [pair for pair in pairs if pair.is_main]
    values, scores = (np.array([getattr(p, name) for p in main]) for name in ("value", "log_gs"))
    return Pooled(metric, pairs, correlation(values, scores))


def _pairs(records: list[Record], metric: str, score: str) -> list[Pair]:
    def where(record: Record) -> tuple[str, str, int, int]:
        return record.series, record.generator, record.iteration, record.seed

    # of a distance of zero there is no logarithm
    scores = {where(r): r for r in records if r.key == (score, "samples") and r.measure.value}
    sets = [
        r
        for r in records
        if r.key == (metric, "training_set") and r.measure.value is not None and where(r) in scores
    ]
    if not sets:
        return []
    # arms that share an iteration have the same points, which count once
    points = [
        (f"{r.card} {score.card}", r.measure.known_value, math.log(score.measure.known_value))
        for r in sets
        for score in [scores[where(r)]]
    ]
    main = main_card([card for card, _, _ in dict.fromkeys(points)])
    return [
        Pair(r, value, log_gs, card == main)
        for r, (card, value, log_gs) in zip(sets, points, strict=True)
    ]


def correlations(records: list[Record]) -> dict[str, float]:
    """Return r by metric where there is one, for the tracking server."""
    values = {metric: pool(records, metric).correlation.r for metric in METRICS}
    return {metric: r for metric, r in values.items() if r is not None}
