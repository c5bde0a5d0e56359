import math

import numpy as np

from orchestrator.results import Result
from orchestrator.sweep.metrics import known_metrics, means


def card(
    metric: str, value: float | None, subject: str = "samples", **more: str
) -> dict[str, object]:
    return {"metric": metric, "subject": subject, "value": value, **more}


def test_a_measure_is_the_mean_over_generators_and_seeds_and_subjects_are_told_apart() -> None:
    results = [
        Result("main", 2, "a", [card("entropy", 1.0, "training_set"), card("entropy", 5.0)]),
        Result(
            "main", 2, "b", [card("entropy", 3.0, "training_set"), card("fld", None, note="no")]
        ),
    ]
    assert means(results) == {"entropy": 2.0, "samples_entropy": 5.0}


def test_an_entropy_of_duplicates_alone_is_minus_infinity() -> None:
    found = means([Result("main", 1, "a", [card("entropy", None, "training_set")])])
    assert found == {"entropy": -math.inf}


def test_the_measures_that_an_objective_may_name_are_those_of_the_groups() -> None:
    assert known_metrics(("frechet",)) == ["frechet_distance", "frechet_distance_infinity"]
    everything = known_metrics(("dispersion", "generalization"))
    assert {"entropy", "samples_variance", "memorization_rate"} <= set(everything)
    assert len(set(everything)) == len(everything) == np.unique(everything).size
