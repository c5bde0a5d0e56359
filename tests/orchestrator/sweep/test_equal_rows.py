from pathlib import Path
from typing import Any

import pytest

from actors.errors import UserError
from orchestrator.sweep import config
from orchestrator.sweep.config import SweepConfig
from orchestrator.sweep.equal_rows import on_equal_rows
from tests.runs import ROOT

TINY = Path(__file__).parent / "tiny_sweep.yaml"
RATIOS = {"selection.ratio": {"low": 0.2, "high": 1.0}}
OPTUNA = {"kind": "optuna", "points": 3}
LOWER = {"measure": "entropy", "threshold": 0, "action": {"kind": "lower_ratio", "factor": 0.5}}


def resolved(**fields: Any) -> SweepConfig:
    """Return the tiny sweep with other fields; two underscores stand for a dot."""
    overrides = [(name.replace("__", "."), value) for name, value in fields.items()]
    return on_equal_rows(config.load(str(TINY), overrides))


def equal_rows(sweep: SweepConfig) -> dict[str, int]:
    return sweep.at(sweep.any_point(), 0).evaluation.equal_rows


def test_points_of_several_ratios_are_measured_on_the_rows_of_the_smallest_training_set() -> None:
    # 80 samples: training sets of 40 real rows, then of 20, 40 and 80
    sweep = resolved(objectives={"entropy": "max"})
    assert equal_rows(sweep) == {"training_set": 20}
    assert sweep.objectives == {"entropy_at_equal_n": "max"}
    assert resolved(objectives={"frechet_distance": "min"}).objectives == {
        "frechet_distance": "min"
    }


def test_points_of_equal_sizes_have_nothing_measured_twice() -> None:
    sweep = resolved(space={"selection.ratio": [0.5]}, objectives={"entropy": "max"})
    assert equal_rows(sweep) == {}
    assert sweep.objectives == {"entropy": "max"}


def test_a_sweep_over_sizes_cuts_every_set_that_differs() -> None:
    sizes = {
        str(n): {"dataset": {"rows": n}, "generators": {"a": {"sampling": {"rows": n}}}}
        for n in (30, 60)
    }
    sweep = resolved(
        space={"size": {"overrides": sizes}, "selection.ratio": [1.0]},
        objectives={"frechet_distance": "min"},
    )
    assert equal_rows(sweep) == {"training_set": 30, "samples": 30, "real": 30}
    assert sweep.objectives == {"frechet_distance_at_equal_n": "min"}


@pytest.mark.parametrize("kind", ["range", "labels"])
def test_optuna_ranks_points_of_several_ratios_by_equal_n(kind: str) -> None:
    space: dict[str, Any] = RATIOS if kind == "range" else {"selection.ratio": [0.5, 0.2, 1.0]}
    space = {**space, "generators.a.sampling.rows": {"low": 80, "high": 120, "integer": True}}
    sweep = resolved(space=space, search=OPTUNA, objectives={"entropy": "max"})
    # the smallest of all combinations: a fifth of 80
    assert equal_rows(sweep) == {"training_set": 16, "samples": 80}
    assert sweep.objectives == {"entropy_at_equal_n": "max"}


def test_what_ray_tune_would_rank_though_it_cannot_be_compared_is_refused_in_one_line() -> None:
    features = {"features": [{"kind": "pixels"}, {"kind": "pca", "components": 4}]}
    for ranked in ({"search": {**OPTUNA, "points": 2}}, {"scheduler": {"kind": "asha"}}):
        with pytest.raises(
            UserError, match=r"^objectives\.frechet_distance: found points"
        ) as found:
            resolved(space=features, **ranked)
        assert "\n" not in str(found.value)
        resolved(space=features, experiment__evaluation__features={"kind": "pixels"}, **ranked)
        with pytest.raises(
            UserError, match=r"^objectives\.entropy: depends .* alarms\.low\.action"
        ):
            resolved(experiment__alarms={"low": LOWER}, objectives={"entropy": "max"}, **ranked)
    # the table and the report say which of these are not compared
    resolved(space=features)


def test_more_equal_rows_than_a_point_has_are_refused_with_the_fewest() -> None:
    with pytest.raises(
        UserError, match=r"equal_rows\.training_set: found 21; .* up to 20, the few"
    ):
        resolved(experiment__evaluation__equal_rows={"training_set": 21})
    sweep = resolved(experiment__evaluation__equal_rows={"training_set": 10})
    assert equal_rows(sweep) == {"training_set": 10}
    with pytest.raises(UserError, match=r"equal_rows\.rows"):
        resolved(experiment__evaluation__equal_rows={"rows": 21})


def test_the_shipped_ratio_sweep_has_a_random_arm_at_every_ratio_and_51_equal_rows() -> None:
    sweep = on_equal_rows(config.load(str(ROOT / "tune_configs" / "ratio_sweep.yaml"), []))
    ratios = {
        kind: {p["selection.ratio"] for p in sweep.points() if p["selection.kind"] == kind}
        for kind in ("random", "greedy")
    }
    assert ratios["random"] == ratios["greedy"] == {"0.2", "0.4", "0.6", "0.8", "1"}
    assert equal_rows(sweep) == {"training_set": 51}
