"""Selection of rows among candidates.

To add a method: a file with its function and its configuration, and its line here.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from actors.errors import UserError
from actors.selection.gist import Gist, gist
from actors.selection.greedy import Greedy, greedy
from actors.selection.kmeans_balanced import KMeansBalanced, kmeans_balanced
from actors.selection.random import Random, random_rows
from actors.selection.selection import Method, Reasons, Selection, explain
from actors.selection.semdedup import SemDeDup, semdedup
from actors.selection.threshold_decay import ThresholdDecay, threshold_decay
from actors.selection.trim import untrimmed
from actors.selection.two_level import TwoLevel, two_level
from actors.selection.variance import Variance, variance

METHODS: dict[str, type[Method]] = {
    "random": Random,
    "greedy": Greedy,
    "threshold_decay": ThresholdDecay,
    "two_level": TwoLevel,
    "variance": Variance,
    "kmeans_balanced": KMeansBalanced,
    "semdedup": SemDeDup,
    "gist": Gist,
}


def select(
    features: np.ndarray,
    n: int,
    *,
    seed: int,
    kind: str = "greedy",
    quality: np.ndarray | None = None,
    **options: Any,
) -> Selection:
    """Choose n of (N, d) rows by the method of that kind, with the reason of every row.

    Args:
        quality: (N,) values for methods that take a column, higher is better.
        options: fields of the method's configuration.

    Raises:
        UserError: the kind, n, the features or the quality are not allowed.
        pydantic.ValidationError: an option is not allowed.
    """
    if kind not in METHODS:
        raise UserError(f"kind: found {kind!r}; allowed are {', '.join(METHODS)}")
    method = METHODS[kind].model_validate({"kind": kind, **options})
    if method.trim:
        raise UserError(f"trim: found {method.trim:g}; allowed is 0, with rows from `untrimmed`")
    chosen = method.select(features, n, seed, quality, reasons=True)
    return (
        chosen if chosen.reasons else replace(chosen, reasons=explain(features, chosen.positions))
    )


__all__ = [
    "METHODS",
    "Method",
    "Reasons",
    "Selection",
    "explain",
    "gist",
    "greedy",
    "kmeans_balanced",
    "random_rows",
    "select",
    "semdedup",
    "threshold_decay",
    "two_level",
    "untrimmed",
    "variance",
]
