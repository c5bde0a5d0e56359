import math

import numpy as np
import optuna
import pytest
from ray.tune.schedulers.async_hyperband import _Bracket

from orchestrator.sweep.objectives import WORST, objective, reported

BOTH = {"fld": "min", "entropy": "max"}


def test_what_is_missing_or_no_number_is_the_worst_and_infinities_keep_their_side() -> None:
    nothing = {objective("fld"): WORST, objective("entropy"): -WORST}
    assert reported(BOTH, {}) == nothing
    assert reported(BOTH, {"fld": math.nan, "entropy": math.nan, "kid": 1.0}) == nothing
    assert reported(BOTH, {"fld": 2.0, "entropy": -math.inf}) == {
        objective("fld"): 2.0,
        objective("entropy"): -WORST,
    }
    assert reported({"entropy": "min"}, {"entropy": -math.inf}) == {objective("entropy"): -WORST}


@pytest.mark.parametrize("failed", [1, 3])
def test_a_failed_point_leaves_asha_a_cutoff_that_the_better_half_passes(failed: int) -> None:
    """Minus infinity would make the cutoff no number, which stops nobody."""
    (worst,) = reported({"entropy": "max"}, {}).values()
    recorded = dict(enumerate([worst] * failed + [10.0, 20.0, 30.0, 40.0]))
    cutoff = _Bracket(1, 4, 2, 0).cutoff(recorded)
    assert cutoff == np.median(list(recorded.values()))
    assert np.isfinite(cutoff)


def test_optuna_goes_on_suggesting_after_failed_points() -> None:
    study = optuna.create_study(
        directions=["minimize", "maximize"],
        sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=5),
    )
    for number in range(20):
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        measured = {} if x > 0.5 else {"fld": x, "entropy": x + number}
        study.tell(trial, list(reported(BOTH, measured).values()))
    assert all(trial.params["x"] <= 0.5 for trial in study.best_trials)
