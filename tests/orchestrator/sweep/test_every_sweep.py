"""Every scheduler with every search: points that fail or that an alarm stops, a killed driver.

All on the actors of one stage and in one store, so that a sweep costs little but its trials.
"""

import argparse
import io
import os
import shutil
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import ray
from rich.console import Console

from actors.errors import UserError
from actors.pool.format import mark_format
from actors.pool.inspect.contents import read_contents
from actors.pool.inspect.garbage import remove_folder
from actors.pool.storage import Storage
from orchestrator.commands.pool import gc
from orchestrator.execution.placement import Node
from orchestrator.named_runs import named_runs
from orchestrator.outcome import read_sweep
from orchestrator.planning import make_plan
from orchestrator.sweep import config, sweeping
from orchestrator.sweep.config import SweepConfig
from orchestrator.sweep.seeds import Setting
from orchestrator.sweep.sweeping import Sweeping
from orchestrator.sweep.table import best_line, print_table
from orchestrator.sweep.trial import ENDED
from orchestrator.tracking import Log
from tests.actors.pool.inspect.stores import Written

TINY = Path(__file__).parent / "tiny_sweep.yaml"
SECONDS = 300
SINGULAR = "regularization: found 0, with which a covariance is singular"
LOW = {"measure": "entropy", "threshold": 1e6, "action": {"kind": "stop"}}
# one that ends as it should, one that an alarm stops, and one that fails, as a full covariance
# of fewer rows than pixels cannot be inverted
POINTS = {
    "good": {"selection": {"ratio": 1.0}},
    "stopped": {"alarms": {"low": LOW}},
    "failing": {"generators": {"a": {"covariance": "full", "regularization": 0}}},
}
# a population cannot change alarms; one has a member that fails, the other goes on to its end
POPULATIONS: dict[str, Any] = {
    "grid": {
        "point": {
            "overrides": {
                "whole": {"selection": {"ratio": 1.0}},
                "half": {"selection": {"ratio": 0.5}},
                "failing": POINTS["failing"],
            }
        }
    },
    "random": {"selection.ratio": {"low": 0.3, "high": 1.0}},
}
SEARCHES: dict[str, Any] = {
    "grid": {},
    "random": {"points": 3, "seed": 3},
    "optuna": {"points": 3, "seed": 1},
}


def carry_out(sweep: SweepConfig, storage: Storage, setting: Setting | None = None) -> Setting:
    """Run a sweep to its end, on the actors of another's where there are some."""
    sweeping_ = Sweeping(sweep, storage, [Node(1, 0)], resume_command="", fail_fast=False)
    tracked = Log(storage, sweep.key, sweep.name, {}, {})
    setting = setting or sweeping_.start(tracked.run_id)
    own = replace(setting, sweep=sweep, folder=sweeping_.folder, parent=tracked.run_id)
    sweeping_.begin()
    sweeping_.run_points(own)
    tracked.close("finished")
    return setting


@ray.remote(num_cpus=0)
class Driver:
    """A process of its own that carries out a sweep."""

    def __init__(self) -> None:
        sweeping.prepare()

    def pid(self) -> int:
        return os.getpid()

    def carry_out(self, sweep: SweepConfig, storage: Storage, setting: Setting) -> None:
        carry_out(sweep, storage, setting)


@dataclass
class Stage:
    """Actors and a store that sweeps share."""

    storage: Storage
    setting: Setting | None = None

    def run(self, *overrides: tuple[str, Any]) -> dict[str, dict[str, Any]]:
        """Run a sweep to its end, if it has not come to it; return its trials by name."""
        sweep = load(*overrides)
        ended = [trial["status"] in (*ENDED, "failed") for trial in self.trials(sweep)]
        if sum(ended) < sweeping.planned_points(sweep) * len(sweep.repeat.seeds):
            self.setting = carry_out(sweep, self.storage, self.setting)
        return {trial["name"]: trial for trial in self.trials(sweep)}

    def trials(self, sweep: SweepConfig) -> list[dict[str, Any]]:
        files = self.storage.files(f"{folder_of(sweep)}/trials")
        return [self.storage.read_json(file) for file in files if file.endswith("outcome.json")]

    def table(self, *overrides: tuple[str, Any]) -> str:
        """Return what a sweep prints when it has ended."""
        sweep = read_sweep(self.storage, folder_of(load(*overrides)))
        console = Console(file=io.StringIO(), width=200)
        with console.capture() as printed:
            print_table(console, sweep)
        return f"{printed.get()}{best_line(sweep)}"

    def finished(self) -> set[str]:
        """Return the paths of the steps that are done."""
        files = self.storage.files("steps")
        return {file.rpartition("/")[0] for file in files if file.endswith("/step.json")}

    def forget(self, *overrides: tuple[str, Any]) -> None:
        """Remove a sweep, and every step that it needed."""
        folder = folder_of(load(*overrides))
        (run,) = [run for run in named_runs(self.storage) if run.folder == folder]
        for path in [*run.steps(), folder]:
            remove_folder(self.storage, path)

    def begin(self, *overrides: tuple[str, Any]) -> tuple[int, Any]:
        """Begin a sweep in a process of its own; return its id, and what waits for its end.

        It has come to the second iteration of some point, and not to the end.
        """
        sweep = load(*overrides)
        driver = Driver.remote()  # type: ignore[attr-defined]
        pid = ray.get(driver.pid.remote())
        running = driver.carry_out.remote(sweep, self.storage, self.setting)
        deadline = time.monotonic() + SECONDS
        while max(map(iterations, self.trials(sweep)), default=0) < 2:
            assert time.monotonic() < deadline
            assert not ray.wait([running], timeout=0.02)[0], "it has ended"
        return pid, running


def folder_of(sweep: SweepConfig) -> str:
    return f"sweeps/{sweep.name}-{sweep.key[:8]}"


def load(*overrides: tuple[str, Any]) -> SweepConfig:
    return config.load(str(TINY), list(overrides))


@pytest.fixture(scope="module")
def stage(local_ray: None, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    sweeping.prepare()
    storage = Storage(str(tmp_path_factory.mktemp("sweeps")))
    mark_format(storage)
    return Stage(storage)


def sweep_of(scheduler: str, search: str, *more: tuple[str, Any]) -> list[tuple[str, Any]]:
    # every member is a process
    two = {"points": 2} if (scheduler, search) == ("pbt", "random") else {}
    space = {"point": {"overrides": POINTS}}
    return [
        ("name", f"{scheduler}-{search}"),
        ("scheduler", {"kind": scheduler}),
        ("search", {"kind": search, **SEARCHES[search], **two}),
        ("space", POPULATIONS.get(search, space) if scheduler == "pbt" else space),
        ("repeat.seeds", 1),
        ("limits.max_concurrent", None if scheduler == "pbt" else 1),
        *more,
    ]


def iterations(trial: dict[str, Any]) -> int:
    return max((r["iteration"] for r in trial["results"]), default=0)


ALONE = [(scheduler, search) for scheduler in ("fifo", "asha") for search in SEARCHES]
TOGETHER = [("pbt", "grid"), ("pbt", "random")]
# the rest is for `make soak`, as processes take their time to start: points drawn at random are
# listed for Ray Tune beforehand, as those of a grid are
SOAK = [("fifo", "random"), ("asha", "grid")]
# in test_sweeping the command itself is killed, with "fifo" and "grid", and in test_suggesting
# a search by Optuna is broken off
KILLED = [("pbt", "random")]


def every(some: list[tuple[str, str]], soak: list[tuple[str, str]]) -> list[Any]:
    return [pytest.param(*one, marks=[pytest.mark.soak] if one in soak else []) for one in some]


@pytest.mark.parametrize(("scheduler", "search"), every(ALONE, SOAK))
def test_a_point_that_fails_and_one_that_is_stopped_leave_the_others_alone(
    stage: Stage, scheduler: str, search: str
) -> None:
    trials = stage.run(*sweep_of(scheduler, search))
    assert {trial["point"]["point"] for trial in trials.values()} == {*POINTS}
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


def test_a_population_goes_on_without_a_member_that_fails(stage: Stage) -> None:
    trials = stage.run(*sweep_of("pbt", "grid"))
    assert len(trials) == 3
    assert {trial["status"] for trial in trials.values()} == {"failed", "finished"}
    for trial in trials.values():
        if trial["status"] == "failed":
            assert SINGULAR in trial["error"]
        else:
            assert iterations(trial) == 3


@pytest.mark.parametrize(
    ("scheduler", "search"),
    every([*ALONE, *TOGETHER], [one for one in [*ALONE, *TOGETHER] if one not in KILLED]),
)
def test_a_sweep_whose_driver_is_killed_goes_on_to_the_same_table_and_nothing_of_it_is_garbage(
    stage: Stage, scheduler: str, search: str
) -> None:
    sweep = sweep_of(scheduler, search)
    stage.run(*sweep)
    without = stage.table(*sweep)
    stage.forget(*sweep)
    before = stage.finished()
    pid, running = stage.begin(*sweep)
    done = stage.finished() - before
    garbage = Written(stage.storage).sample("real", 0, 6)
    remove = argparse.Namespace(drop=[], yes=True)
    gc.gc(Console(file=io.StringIO()), read_contents(stage.storage), remove)
    assert garbage not in stage.finished()
    assert done
    assert done <= stage.finished()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ray.exceptions.RayActorError):
        ray.get(running)
    assert {trial["status"] for trial in stage.trials(load(*sweep))} & {"running", "interrupted"}
    stage.run(*sweep)
    assert stage.table(*sweep) == without


def test_a_population_whose_members_an_alarm_stops_comes_to_its_end(stage: Stage) -> None:
    members = ("space", {"selection.ratio": [0.5, 1.0]})
    sweep = sweep_of("pbt", "grid", ("name", "pbt-stopped"), members)
    trials = stage.run(*sweep, ("experiment.alarms.low", LOW))
    assert [(t["status"], iterations(t)) for t in trials.values()] == [("stopped", 1)] * 2


def test_a_population_with_an_optuna_search_is_refused_before_ray_is_there() -> None:
    with pytest.raises(
        UserError, match=r"^search\.kind: found 'optuna', but scheduler 'pbt'"
    ) as at:
        load(*sweep_of("pbt", "optuna"))
    assert "\n" not in str(at.value)


def test_a_seed_that_fails_ends_alone(stage: Stage) -> None:
    # its point ran with seed 0 there
    stage.run(*sweep_of("fifo", "grid"))
    seeds = [("name", "seeds"), ("space", {"selection.ratio": [1.0]}), ("repeat.seeds", [0, 7])]
    sweep = load(*seeds)
    (sample,) = [
        planned.step.path
        for planned in make_plan(sweep.at(sweep.any_point(), 0)).steps.values()
        if planned.step.room == "generator" and planned.step.kind == "sample"
        if planned.iteration == 1
    ]
    store = Path(stage.storage.root)
    shard = next((store / sample).glob("*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-300] + b"\0" * 300)
    for manifest in store.glob("steps/*/*/step.json"):
        if sample in manifest.read_text() and manifest.parent != store / sample:
            shutil.rmtree(manifest.parent)
    trials = stage.run(*seeds)
    assert {t["seed"]: t["status"] for t in trials.values()} == {0: "failed", 7: "finished"}
    errors = {trial["seed"]: trial["error"] for trial in trials.values()}
    assert errors[7] is None
    assert "its checksum is not that of what was written" in errors[0]
    # for the tests after this
    stage.forget(*seeds)
