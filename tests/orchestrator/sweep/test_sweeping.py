"""Sweeps end to end, each in a process of its own with a Ray of its own."""

import json
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from orchestrator.analysis import words
from tests.orchestrator.conftest import FEW, PICTURES, Swept, runs_of, sweep
from tests.runs import SECONDS, call, start


def table_of(output: str) -> str:
    return output[output.index("Points at their last iteration") : output.index("lowest ")]


def test_every_point_runs_with_every_seed_and_what_they_share_is_done_once(swept: Swept) -> None:
    trials = swept.trials()
    assert len(trials) == 4 * 2
    assert {trial["status"] for trial in trials} == {"finished"}
    assert {len(trial["results"]) for trial in trials} == {3}
    trained = list(swept.store.glob("steps/train/*/step.json"))
    # iteration 1 once per seed; with ratio 1 both methods take the same rows, in another order
    assert len(trained) == 2 + 8 * 2
    orders = list(swept.store.glob("steps/order/*/step.json"))
    # iteration 2: one order per seed for both ratios; iteration 3: one for each
    assert len(orders) == 2 + 2 * 2
    shared = json.loads((swept.folder / "sweep.json").read_text())["shared"]
    done = len(list(swept.store.glob("steps/*/*/step.json")))
    assert shared["done"] == done < shared["steps"]
    assert f"shared: {done} steps were done for the {int(shared['steps'])}" in swept.output
    listed = json.loads((swept.folder / "steps.json").read_text())["steps"]
    assert len(listed) == done
    assert not list(swept.store.glob("tmp/*"))
    numbers = pq.read_table(swept.folder / "results.parquet").to_pylist()
    assert {row["trial"] for row in numbers} == {trial["id"] for trial in trials}
    measured = [m["value"] for t in trials for r in t["results"] for m in r["measures"]]
    assert sorted(map(str, measured)) == sorted(str(row["value"]) for row in numbers)


def test_its_status_tells_how_many_points_came_to_their_end(swept: Swept) -> None:
    done = call("status", "--store", str(swept.store))
    points = len({json.dumps(trial["point"]) for trial in swept.trials()})
    assert done.stdout == f"sweep {swept.folder.name}: finished, {points} of {points} points done\n"


def test_mlflow_has_the_sweep_its_trials_below_it_and_their_generators_below_them(
    swept: Swept,
) -> None:
    client = MlflowClient(f"sqlite:///{swept.store}/mlflow.db")
    experiment = client.get_experiment_by_name("ouroboros")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    below: dict[str | None, list[Any]] = {}
    for run in runs:
        below.setdefault(run.data.tags.get("mlflow.parentRunId"), []).append(run)
    (top,) = below[None]
    trials = below[top.info.run_id]
    assert top.info.run_name == "tiny_sweep"
    assert len(trials) == 8
    assert {run.info.status for run in runs} == {"FINISHED"}
    best = re.search(r"lowest Fréchet distance at iteration 3: (.+?), ([0-9.]+) ", swept.output)
    assert best is not None
    assert f"{top.data.metrics['best/frechet_distance']:.4g}" == best[2]
    assert top.data.tags["best/frechet_distance"] == best[1]
    report = (swept.folder / "report.html").read_text()
    assert f"Lowest Fréchet distance at iteration 3: {best[1]}, {best[2]} " in report
    pooled = re.search(r"r = (\S+) over \d+ distinct points of equal cards", report)
    assert pooled is not None
    assert words.number(top.data.metrics["correlation/entropy"], 2) == pooled[1]
    shared = json.loads((swept.folder / "sweep.json").read_text())["shared"]
    assert {name: top.data.metrics[f"shared/{name}"] for name in shared} == shared
    files = {file.path for file in client.list_artifacts(top.info.run_id)}
    assert files == {"config.yaml", "figures", "report.html"}
    for trial in trials:
        (generator,) = below[trial.info.run_id]
        assert generator.info.run_name == "a"
        history = client.get_metric_history(trial.info.run_id, "a/frechet_distance")
        assert sorted(point.step for point in history) == [1, 2, 3]
    some = next(run for run in trials if "ratio=0.25, kind=greedy, seed 1" in run.info.run_name)
    assert some.data.params["selection.ratio"] == "0.25"
    assert some.data.tags["seed"] == "1"


def test_every_point_is_measured_on_equally_many_rows_too(swept: Swept) -> None:
    cards = [
        measure
        for trial in swept.trials()
        for result in trial["results"]
        for measure in result["measures"]
    ]
    own = {m["n"] for m in cards if (m["metric"], m["subject"]) == ("entropy", "training_set")}
    equal = [m for m in cards if m["metric"] == "entropy_at_equal_n"]
    # 40 real rows, then a quarter and all of 80 samples
    assert own == {20, 40, 80}
    assert {m["n"] for m in equal} == {min(own)}
    assert len(equal) == 4 * 2 * 3
    assert all(m["value"] is not None for m in equal)
    assert "on 20 rows" in swept.output


@pytest.mark.soak
def test_a_copied_sweep_repeats_no_trial_prints_the_same_table_and_has_the_same_runs(
    swept: Swept, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(swept.store, tmp_path / "copied"))
    steps = {file: file.stat().st_mtime_ns for file in copied.glob("steps/*/*/*")}
    again = call(*sweep(f"{copied}/", *PICTURES, *FEW, "--experiment.damaged", "redo"))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "8 of 8 trials ended before" in again.stdout
    assert table_of(again.stdout) == table_of(swept.output)
    assert {file: file.stat().st_mtime_ns for file in copied.glob("steps/*/*/*")} == steps
    assert len(list(copied.glob("sweeps/*"))) == 1
    assert runs_of(copied).keys() == runs_of(swept.store).keys()


def test_a_sweep_that_was_killed_goes_on_to_the_same_numbers(swept: Swept, tmp_path: Path) -> None:
    """Every scheduler with every search is in test_every_sweep; this one is the command itself."""
    store, log = tmp_path / "store", tmp_path / "output"
    part = sweep(
        store,
        *("--repeat.seeds", "1"),
        *("--space.selection.ratio", "[0.25]", "--space.selection.kind", "[greedy]"),
        *("--experiment.evaluation.measures", "[dispersion, frechet]"),
        *("--limits.max_concurrent", "1"),
    )
    with log.open("w") as output:
        process = start(*part, output=output)
        deadline = time.monotonic() + SECONDS
        while not list(store.glob("steps/evaluate/*/step.json")):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # a worker first, then the driver
        family = psutil.Process(process.pid).children(recursive=True)
        workers = [p for p in family if any("ray::Worker" in part for part in p.cmdline())]
        workers[0].kill()
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(list(store.glob("steps/evaluate/*/step.json"))) < 3
    assert list(store.glob("tmp/tune-*"))
    again = call(*part)
    assert again.returncode == 0, again.stdout + again.stderr
    expected = {trial["id"]: measured(trial) for trial in swept.trials()}
    found = {trial["id"]: measured(trial) for trial in Swept(store, again.stdout).trials()}
    ((id, measures),) = found.items()
    assert measures
    assert measures.items() <= expected[id].items()
    assert not list(store.glob("tmp/tune-*"))


def measured(trial: dict[str, Any]) -> dict[tuple[int, str, str], Any]:
    return {
        (result["iteration"], measure["metric"], measure["subject"]): measure["value"]
        for result in trial["results"]
        for measure in result["measures"]
    }


@pytest.mark.soak
def test_a_trial_that_fails_shows_its_error_and_leaves_the_others_alone(tmp_path: Path) -> None:
    # 20 rows of 64 pixels: a full covariance is singular, which is found when it is fitted
    done = call(
        *sweep(
            tmp_path / "store",
            *("--repeat.seeds", "1", "--experiment.iterations", "2"),
            *("--experiment.generators.a.regularization", "0"),
            *("--space.selection.ratio", "[0.25]", "--space.selection.kind", "[random]"),
            *("--space.generators.a.covariance", "[full, spherical]"),
        )
    )
    assert done.returncode == 1
    assert "regularization: found 0, with which a covariance is singular" in done.stdout
    swept = Swept(tmp_path / "store", done.stdout)
    ended = {t["point"]["generators.a.covariance"]: t["status"] for t in swept.trials()}
    assert ended == {"full": "failed", "spherical": "finished"}
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.soak
def test_a_point_that_falls_behind_is_stopped_early(tmp_path: Path) -> None:
    done = call(
        *sweep(
            tmp_path / "store",
            *("--repeat.seeds", "1", "--scheduler.kind", "asha"),
            *("--objectives", "{entropy: max}", "--limits.max_concurrent", "1"),
            *("--space.selection.ratio", "[0.25, 1.0]"),
        )
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trials = Swept(tmp_path / "store", done.stdout).trials()
    by_status = {status: [t for t in trials if t["status"] == status] for status in
                 ("finished", "stopped")}  # fmt: skip
    assert len(by_status["finished"]) + len(by_status["stopped"]) == 4
    assert by_status["stopped"]
    for trial in by_status["stopped"]:
        assert max(r["iteration"] for r in trial["results"]) < 3
    assert "stopped after iteration" in done.stdout


@pytest.mark.soak
def test_a_sweep_that_ran_into_a_limit_says_so_and_goes_on_without_it(
    swept: Swept, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    ended = call(*sweep(store, *FEW, "--limits.cpu_hours", "1e-9"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"ended early: limits.cpu_hours: \S+ were spent of 1e-09; go on", ended.stdout)
    begun = Swept(store, ended.stdout)
    assert json.loads((begun.folder / "sweep.json").read_text())["status"] == "interrupted"
    assert "interrupted" in {trial["status"] for trial in begun.trials()}
    again = call(*sweep(store, *FEW))
    assert again.returncode == 0, again.stdout + again.stderr
    assert table_of(again.stdout) == table_of(swept.output)


@pytest.mark.soak
def test_optuna_suggests_points_for_two_objectives_and_goes_on_with_those_it_had(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    searched = sweep(
        store,
        *("--repeat.seeds", "1", "--experiment.iterations", "2", "--search.kind", "optuna"),
        *("--objectives", "{frechet_distance: min, entropy: max}"),
        *("--space.selection.ratio", "{low: 0.2, high: 1.0}"),
    )
    done = call(*searched, "--search.points", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    trials = Swept(store, done.stdout).trials()
    assert [trial["status"] for trial in trials] == ["finished"] * 4
    ratios = {trial["point"]["selection.ratio"] for trial in trials}
    assert len(ratios) == 4
    assert min(ratios) >= 0.2
    assert max(ratios) <= 1.0
    for objective in ("lowest Fréchet distance", "highest entropy of the training set at equal n"):
        assert f"{objective} at iteration 2: ratio=" in done.stdout
    again = call(*searched, "--search.points", "4")
    assert "4 of 4 trials ended before" in again.stdout
    assert table_of(again.stdout) == table_of(done.stdout)


@pytest.mark.soak
def test_members_of_a_population_take_over_what_the_best_have_come_to(tmp_path: Path) -> None:
    done = call(
        *sweep(
            tmp_path / "store",
            *("--repeat.seeds", "1", "--scheduler.kind", "pbt"),
            *("--search", "{kind: random, points: 2, seed: 3}"),
            *("--space.selection.ratio", "{low: 0.3, high: 1.0}"),
            *("--space.selection.kind", "[greedy]"),
        )
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trials = Swept(tmp_path / "store", done.stdout).trials()
    assert {trial["status"] for trial in trials} == {"finished"}
    changed = [t for t in trials if t["arms"]["main"]["changes"]]
    assert changed
    assert all(" from " in trial["name"] for trial in changed)
