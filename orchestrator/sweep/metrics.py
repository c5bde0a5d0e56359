"""What a sweep is told of its points: one number per measure, over generators and seeds."""

import math
from collections.abc import Iterable

import numpy as np

from actors.evaluation.groups import Sets, measure
from orchestrator.results import Result

# enough rows for every measure to be taken
ROWS = 12


def metric_name(metric: str, subject: str) -> str:
    """Return the name of a measure: entropy and variance of samples are told from the sets'."""
    shared = metric in ("entropy", "variance") and subject == "samples"
    return f"samples_{metric}" if shared else metric


def means(results: Iterable[Result]) -> dict[str, float]:
    """Return the mean of every measure over some results; minus infinity where one is that."""
    values: dict[str, list[float]] = {}
    for result in results:
        for card in result.measures:
            name = metric_name(card["metric"], card["subject"])
            if card["value"] is not None:
                values.setdefault(name, []).append(card["value"])
            elif not card.get("note"):
                values.setdefault(name, []).append(-math.inf)
    return {name: float(np.mean(found)) for name, found in values.items()}


def known_metrics(groups: tuple[str, ...]) -> list[str]:
    """Return the names of all measures of some groups."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(4, ROWS, 2)).astype(np.float32)
    sets = Sets(rows[0], rows[1], rows[2], rows[3], card={"features": "any"})
    found = measure(sets, groups)
    return list(dict.fromkeys(metric_name(one.metric, one.subject) for one in found))
