"""What points report to a sweep: one number per measure, over generators and seeds."""

from collections.abc import Iterable, Mapping

import numpy as np

from actors.metrics.equal_rows import AT_EQUAL_N
from actors.metrics.groups import GROUPS
from orchestrator.analysis.words import metric_name
from orchestrator.config import Evaluation
from orchestrator.results import Result
from orchestrator.sweep.objectives import reported


def means(results: Iterable[Result]) -> dict[str, float]:
    """Return the mean of every measure over some results; none where one has no value."""
    values: dict[str, list[float | None]] = {}
    for result in results:
        for card in result.measures:
            name = metric_name(card.metric, card.subject)
            values.setdefault(name, []).append(card.value)
    return {
        name: float(np.mean([value for value in of_metric if value is not None]))
        for name, of_metric in values.items()
        if None not in of_metric
    }


def measured(
    results: Iterable[Result], iteration: int, objectives: Mapping[str, str]
) -> dict[str, float]:
    """Return what is reported to Ray Tune: every measure of an iteration, and the objectives.

    Args:
        objectives: `min` or `max` by measure.
    """
    measures = means(result for result in results if result.iteration == iteration)
    return {"iteration": iteration, **measures, **reported(objectives, measures)}


def known_metrics(evaluation: Evaluation) -> dict[str, set[str]]:
    """Return the names of all measures that are taken, with the sets whose rows they depend on."""
    known = {}
    for metric in (each for group in evaluation.measures for each in GROUPS[group].metrics):
        for subject in metric.subjects:
            name, sets = metric_name(metric.name, subject), metric.sets(subject)
            known[name] = sets
            if sets & evaluation.equal_rows.keys():
                known[name + AT_EQUAL_N] = sets
    return known
