"""Every scheduler with every search, with points that fail and points that an alarm stops.

All on the actors of one stage and in one store, so that a sweep costs little but its trials.
"""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from actors.errors import UserError
from actors.pool.storage import Storage
from orchestrator.casting import Node
from orchestrator.plan import make_plan
from orchestrator.pool.runs import named_runs
from orchestrator.sweep import config, sweeping
from orchestrator.sweep.config import SweepConfig
from orchestrator.sweep.seeds import Setting
from orchestrator.sweep.sweeping import Sweeping
from orchestrator.tracking import open_sweep

TINY = Path(__file__).parent / "tiny_sweep.yaml"
SINGULAR = "regularization: found 0, with which a covariance is singular"
LOW = {"measure": "entropy", "threshold": 1e6, "action": {"kind": "stop"}}
# one that ends as it should, one that an alarm stops, and one that fails, as a full covariance
# of fewer rows than pixels cannot be inverted
POINTS = {
    "good": {"selection": {"ratio": 1.0}},
    "stopped": {"alarms": {"low": LOW}},
    "failing": {"generators": {"a": {"covariance": "full", "regularization": 0}}},
}
SEARCHES = {"grid": {}, "random": {"points": 3, "seed": 3}, "optuna": {"points": 3, "seed": 1}}


@dataclass
class Stage:
    """Actors and a store that sweeps share."""

    storage: Storage
    setting: Setting | None = None

    def run(self, *overrides: tuple[str, Any]) -> dict[str, dict[str, Any]]:
        """Run a sweep to its end; return its trials by name."""
        sweep = load(*overrides)
        actors = sweeping.cast_points(sweep, [Node(1, 0)])
        sweeping_ = Sweeping(sweep, self.storage, actors, again="", fail_fast=False)
        tracked = open_sweep(self.storage, sweep.name, sweep.key, {}, {})
        self.setting = self.setting or sweeping_.start(tracked.run_id)
        setting = replace(self.setting, sweep=sweep, folder=sweeping_.folder, parent=tracked.run_id)
        sweeping_.begin()
        sweeping_.run_points(setting)
        tracked.close("FINISHED")
        folder = Path(self.storage.root) / sweeping_.folder / "trials"
        trials = [json.loads(file.read_text()) for file in folder.iterdir()]
        return {trial["name"]: trial for trial in trials}


def load(*overrides: tuple[str, Any]) -> SweepConfig:
    return config.load(str(TINY), list(overrides))


@pytest.fixture(scope="module")
def stage(local_ray: None, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    sweeping.prepare()
    return Stage(Storage(str(tmp_path_factory.mktemp("sweeps"))))


def sweep_of(name: str, scheduler: str, search: str, space: Any) -> list[tuple[str, Any]]:
    return [
        ("name", name),
        ("scheduler", {"kind": scheduler}),
        ("search", {"kind": search, **SEARCHES[search]}),
        ("space", space),
        ("repeat.seeds", 1),
        ("limits.max_concurrent", None if scheduler == "pbt" else 1),
    ]


def iterations(trial: dict[str, Any]) -> int:
    return max(
        (r["iteration"] for r in (trial["outcome"] or {"results": []})["results"]), default=0
    )


# points drawn at random are listed for Ray Tune beforehand, as those of a grid are
ALIKE = pytest.mark.soak


@pytest.mark.parametrize(
    ("scheduler", "search"),
    [
        ("fifo", "grid"),
        ("fifo", "optuna"),
        ("asha", "random"),
        ("asha", "optuna"),
        pytest.param("fifo", "random", marks=ALIKE),
        pytest.param("asha", "grid", marks=ALIKE),
    ],
)
def test_a_point_that_fails_and_one_that_is_stopped_leave_the_others_alone(
    stage: Stage, scheduler: str, search: str
) -> None:
    space = {"point": {"overrides": POINTS}}
    trials = stage.run(*sweep_of(f"{scheduler}-{search}", scheduler, search, space))
    kinds = {trial["point"]["point"] for trial in trials.values()}
    assert "failing" in kinds
    assert len(kinds) > 1
    for trial in trials.values():
        match trial["point"]["point"]:
            case "good":
                # asha may stop it, if another is better
                assert (trial["status"], iterations(trial)) in (
                    [("finished", 3)]
                    if scheduler == "fifo"
                    else [("finished", 3), ("stopped", 1), ("stopped", 2)]
                )
                assert trial["error"] is None
            case "stopped":
                assert (trial["status"], iterations(trial)) == ("stopped", 1)
            case "failing":
                assert (trial["status"], iterations(trial)) == ("failed", 0)
                assert SINGULAR in trial["error"]
        assert trial["outcome"]["status"] == trial["status"]


@pytest.mark.parametrize("search", ["grid", pytest.param("random", marks=ALIKE)])
def test_a_population_goes_on_without_a_member_that_fails(stage: Stage, search: str) -> None:
    space = {
        "selection.ratio": [0.5, 1.0],
        "generators.a.covariance": {"full": "full", "spherical": "spherical"},
    }
    overrides = sweep_of(f"pbt-{search}", "pbt", search, space)
    trials = stage.run(*overrides, ("experiment.generators.a.regularization", 0))
    statuses = [trial["status"] for trial in trials.values()]
    assert set(statuses) == {"failed", "finished"}
    for trial in trials.values():
        if trial["status"] == "failed":
            assert SINGULAR in trial["error"]
        else:
            assert iterations(trial) == 3


def test_a_population_whose_members_an_alarm_stops_comes_to_its_end(stage: Stage) -> None:
    space = {"selection.ratio": [0.5, 1.0]}
    overrides = sweep_of("pbt-stopped", "pbt", "grid", space)
    trials = stage.run(*overrides, ("experiment.alarms.low", LOW))
    assert [(t["status"], iterations(t)) for t in trials.values()] == [("stopped", 1)] * 2


def test_a_population_with_an_optuna_search_is_refused_before_ray_is_there() -> None:
    with pytest.raises(
        UserError, match=r"^search\.kind: found 'optuna', but scheduler 'pbt'"
    ) as at:
        load(*sweep_of("none", "pbt", "optuna", {"selection.ratio": [0.5, 1.0]}))
    assert "\n" not in str(at.value)


def test_a_seed_that_fails_ends_alone(stage: Stage) -> None:
    one_point = ("space", {"selection.ratio": [1.0]})
    before = stage.run(("name", "before"), one_point, ("repeat.seeds", [7]))
    assert [trial["status"] for trial in before.values()] == ["finished"]
    sweep = load(one_point, ("repeat.seeds", [7]))
    (sample,) = [
        planned.step.path
        for planned in make_plan(sweep.at(sweep.any_point(), 7)).steps.values()
        if planned.step.room == "generator" and planned.step.kind == "sample"
        if planned.iteration == 1
    ]
    store = Path(stage.storage.root)
    shard = next((store / sample).glob("*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-300] + b"\0" * 300)
    for manifest in store.glob("steps/*/*/step.json"):
        if sample in manifest.read_text() and manifest.parent != store / sample:
            shutil.rmtree(manifest.parent)
    trials = stage.run(("name", "damaged"), one_point, ("repeat.seeds", [0, 7]))
    assert {t["seed"]: t["status"] for t in trials.values()} == {0: "finished", 7: "failed"}
    errors = {trial["seed"]: trial["error"] for trial in trials.values()}
    assert errors[0] is None
    assert "its checksum is not that of what was written" in errors[7]


def test_what_a_point_needs_is_no_garbage_from_its_beginning_on(stage: Stage) -> None:
    """A point that Optuna suggested, which nobody knew before, and all of a population."""
    for name in ("fifo-optuna", "pbt-grid"):
        (run,) = [run for run in named_runs(stage.storage) if run.name.startswith(f"{name}-")]
        needed = set(run.steps(stage.storage))
        store = Path(stage.storage.root)
        trials = [json.loads(f.read_text()) for f in (store / run.folder / "trials").iterdir()]
        assert trials
        for trial in trials:
            assert {result["step"] for result in trial["outcome"]["results"]} <= needed
