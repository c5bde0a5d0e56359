"""What a sweep is told of its points: one number per measure, over generators and seeds."""

from collections.abc import Iterable

import numpy as np

from actors.metrics.equal_rows import AT_EQUAL_N, depends_on
from actors.metrics.groups import Sets, measure
from orchestrator.analysis.words import metric_name
from orchestrator.config import Evaluation
from orchestrator.results import Result

# enough rows for every measure to be taken
ROWS = 12


def means(results: Iterable[Result]) -> dict[str, float]:
    """Return the mean of every measure over some results; none where one has no value."""
    values: dict[str, list[float | None]] = {}
    for result in results:
        for card in result.measures:
            name = metric_name(card.metric, card.subject)
            values.setdefault(name, []).append(card.value)
    return {
        name: float(np.mean([value for value in found if value is not None]))
        for name, found in values.items()
        if None not in found
    }


def known_metrics(evaluation: Evaluation) -> dict[str, set[str]]:
    """Return the names of all measures that are taken, with the sets whose rows they depend on."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(4, ROWS, 2)).astype(np.float32)
    sets = Sets(rows[0], rows[1], rows[2], rows[3], card={"features": "any"})
    known = {}
    for one in measure(sets, evaluation.measures):
        name, sets_of = metric_name(one.metric, one.subject), depends_on(one)
        known[name] = sets_of
        if sets_of & evaluation.equal_rows.keys():
            known[name + AT_EQUAL_N] = sets_of
    return known
