import numpy as np

from actors.metrics.base import Measure
from orchestrator.config import Evaluation
from orchestrator.results import Result
from orchestrator.sweep.metrics import known_metrics, means


def card(metric: str, value: float | None, subject: str = "samples") -> Measure:
    return Measure(metric, subject, value, "nats", "pixels", 9)


def test_a_measure_is_the_mean_over_generators_and_seeds_and_subjects_are_told_apart() -> None:
    results = [
        Result("main", 2, "a", [card("entropy", 1.0, "training_set"), card("entropy", 5.0)]),
        Result("main", 2, "b", [card("entropy", 3.0, "training_set"), card("fld", None)]),
    ]
    assert means(results) == {"entropy": 2.0, "samples_entropy": 5.0}


def test_a_mean_of_which_one_value_could_not_be_taken_is_none_of_the_others() -> None:
    results = [
        Result("main", 1, "a", [card("fld", 1.0)]),
        Result("main", 1, "b", [card("fld", None)]),
    ]
    assert means(results) == {}


def test_the_measures_that_an_objective_may_name_are_those_of_the_groups() -> None:
    assert list(known_metrics(Evaluation(measures=("frechet",)))) == [
        "frechet_distance",
        "frechet_distance_infinity",
    ]
    everything = known_metrics(Evaluation(measures=("dispersion", "generalization")))
    assert {"entropy", "samples_variance", "memorization_rate"} <= everything.keys()
    assert len(everything) == np.unique(list(everything)).size


def test_measures_on_equally_many_rows_are_known_with_the_sets_that_they_depend_on() -> None:
    evaluation = Evaluation(
        measures=("dispersion", "generalization", "frechet"), equal_rows={"training_set": 9}
    )
    known = known_metrics(evaluation)
    assert known["entropy_at_equal_n"] == {"training_set"}
    assert known["generalization_score_at_equal_n"] == {"training_set", "samples"}
    assert not {"samples_entropy_at_equal_n", "frechet_distance_at_equal_n"} & known.keys()
