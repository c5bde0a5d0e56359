import numpy as np
import optuna
import pytest

from orchestrator.outcome import Outcome, Sweep, Trial
from orchestrator.results import Result
from orchestrator.sweep.table import best, best_line, front, interval


def trial(name: str, seed: int, status: str, **measures: float) -> Trial:
    cards = [{"metric": m, "subject": "samples", "value": v} for m, v in measures.items()]
    outcome = Outcome(name, status, seed, {}, [Result("main", 1, "a", cards)])
    return Trial(f"{name}{seed}", f"{name}, seed {seed}", {"x": name}, seed, status, None, outcome)


def sweep(trials: list[Trial], **objectives: str) -> Sweep:
    return Sweep("s", "finished", ["x"], [0, 1], objectives, len(trials), trials=trials)


def test_the_best_point_is_that_of_the_mean_over_seeds_among_those_that_ran_to_their_end() -> None:
    found = sweep(
        [
            trial("x=1", 0, "finished", fld=1.0),
            trial("x=1", 1, "finished", fld=5.0),
            trial("x=2", 0, "finished", fld=2.0),
            trial("x=2", 1, "finished", fld=3.0),
            trial("x=3", 0, "stopped", fld=0.0),
            trial("x=3", 1, "finished", fld=0.0),
        ],
        fld="min",
    )
    assert best(found) == {"fld": (2.5, "x=2")}
    assert best_line(found) == "best fld: 2.5 at x=2"


@pytest.mark.parametrize("seed", range(5))
def test_the_front_of_two_objectives_is_that_of_optuna(seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 6, (20, 2)).astype(float)
    trials = [
        trial(f"x={i}", 0, "finished", fld=one, kid=other)
        for i, (one, other) in enumerate(values.tolist())
    ]
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.add_trials([optuna.trial.create_trial(values=pair) for pair in values.tolist()])
    found = sweep(trials, fld="min", kid="max")
    assert front(found) == [f"x={one.number}" for one in study.best_trials]
    assert "no other is better in all: " in (best_line(found) or "")


def test_an_interval_needs_two_finite_values() -> None:
    assert interval([]) == ""
    assert interval([1.0]) == "1.00"
    assert interval([1.0, float("-inf")]) == "-inf"
    assert interval([1.0, 3.0]) == "2.00 ± 12.71"  # t = 12.706 with one degree of freedom
