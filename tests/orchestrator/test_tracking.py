"""What a run writes to MLflow, read back through the client and through the server."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import xxhash
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.entities import Run as MlflowRun

from actors.pool.storage import Storage
from orchestrator.config import load
from orchestrator.outcome import Outcome
from orchestrator.run import Run
from orchestrator.tracking import Log, Tracker
from tests.orchestrator.conftest import FinishedRun
from tests.runs import ROOT, TINY, call, environment


@pytest.fixture(scope="module")
def client(finished: FinishedRun) -> MlflowClient:
    return MlflowClient(f"sqlite:///{finished.store.path}/mlflow.db")


def runs_of(client: MlflowClient) -> dict[str, MlflowRun]:
    experiment = client.get_experiment_by_name("ouroboros")
    assert experiment is not None
    found = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}

    def path(run: MlflowRun) -> str:
        """Return the names from an experiment's arm down, e.g. greedy/ddpm."""
        above = found.get(run.data.tags.get("mlflow.parentRunId", ""))
        below_arm = above and "mlflow.parentRunId" in above.data.tags
        return f"{path(above)}/{run.info.run_name}" if below_arm else run.info.run_name

    return {path(run): run for run in found.values()}


def test_arms_are_below_the_experiment_and_generators_below_them_all_finished(
    client: MlflowClient,
) -> None:
    runs = runs_of(client)
    generators = {f"{arm}/{name}" for arm in ("vanilla", "greedy") for name in ("ddpm", "edm")}
    assert set(runs) == {"tiny", "vanilla", "greedy", *generators}
    assert len(client.search_runs([runs["tiny"].info.experiment_id])) == 7
    for arm in ("vanilla", "greedy"):
        assert runs[arm].data.tags["mlflow.parentRunId"] == runs["tiny"].info.run_id
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    files = {file.path for file in client.list_artifacts(runs["tiny"].info.run_id)}
    assert files == {"config.yaml", "figures", "report.html"}
    figures = client.list_artifacts(runs["tiny"].info.run_id, "figures")
    assert {file.path.rpartition(".")[2] for file in figures} == {"png", "svg", "csv"}
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    assert runs["greedy"].data.tags.get("mlflow.source.git.commit", "") == commit
    assert runs["greedy"].data.params["selection.kind"] == "greedy"
    assert runs["vanilla"].data.params["generators.ddpm.training.steps"] == "20"
    assert runs["vanilla/ddpm"].data.params["training.steps"] == "20"
    tags = runs["vanilla/ddpm"].data.tags
    expected = {"paradigm": "replace", "selection": "random", "ratio": "0.5", "seed": "0"}
    expected |= {"generator": "ddpm", "kind": "ddpm", "arm": "vanilla"}
    assert {name: tags[name] for name in expected} == expected
    assert f"run {TINY}" in tags["command"]


def test_metrics_are_the_results_with_the_iteration_as_step(
    client: MlflowClient, finished: FinishedRun
) -> None:
    runs = runs_of(client)
    for arm in ("vanilla", "greedy"):
        for run, name in ((arm, "edm/frechet_distance"), (f"{arm}/edm", "frechet_distance")):
            check(client.get_metric_history(runs[run].info.run_id, name), arm, finished)


def check(history: list[Metric], arm: str, finished: FinishedRun) -> None:
    """Compare a history of the distance with the results."""
    expected = {
        r["iteration"]: r["value"]
        for r in finished.store.results()
        if (r["arm"], r["generator"], r["metric"]) == (arm, "edm", "frechet_distance")
    }
    assert {point.step: point.value for point in history} == expected
    assert len(history) == 2


def test_losses_go_on_over_iterations_and_checkpoints_are_listed_by_reference(
    client: MlflowClient, finished: FinishedRun, tmp_path: Path
) -> None:
    run_id = runs_of(client)["greedy/ddpm"].info.run_id
    history = client.get_metric_history(run_id, "training_loss")
    listed = json.loads(
        Path(client.download_artifacts(run_id, "checkpoints.json", str(tmp_path))).read_text()
    )
    assert [one["iteration"] for one in listed] == [1, 2]
    # tiny trains for 20 steps in each iteration
    losses = {
        (one["iteration"] - 1) * 20 + step: loss
        for one in listed
        for step, loss in json.loads(
            (finished.store.path / one["folder"]).with_name("losses.json").read_text()
        )
    }
    assert {point.step: point.value for point in history} == losses
    assert max(losses) == 40
    for one in listed:
        for file in one["files"]:
            content = (finished.store.path / file["path"]).read_bytes()
            assert xxhash.xxh128_hexdigest(content) == file["xxh128"]
    assert all(one["folder"].endswith("/checkpoint") and one["files"] for one in listed)
    assert str(finished.store.path) not in json.dumps(listed)


def test_pictures_are_images_with_steps_and_the_real_data_is_an_input(client: MlflowClient) -> None:
    run = runs_of(client)["greedy/ddpm"]
    images = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    for step in (1, 2):
        for name in ("samples", "nearest", "projection"):
            assert any(f"pictures~{name}+step+{step}+" in path for path in images)
    shares = [run.data.metrics[f"training_set/selected_share/{n}"] for n in ("ddpm", "edm")]
    assert sum(shares) == pytest.approx(1)
    names = {entry.dataset.name for entry in run.inputs.dataset_inputs}
    assert names == {"digits-train", "digits-reference"}


def test_running_again_adds_no_run_and_no_point(
    client: MlflowClient, finished: FinishedRun
) -> None:
    call("run", str(TINY), "--store", str(finished.store.path))
    test_arms_are_below_the_experiment_and_generators_below_them_all_finished(client)
    test_metrics_are_the_results_with_the_iteration_as_step(client, finished)


def test_the_server_the_run_names_shows_its_runs_and_serves_its_images(
    client: MlflowClient, finished: FinishedRun, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"sqlite:///{finished.store.path}/mlflow.db"
    program = str(Path(sys.executable).parent / "mlflow")
    assert f"mlflow server --backend-store-uri {uri} --port" in finished.output
    server = subprocess.Popen(
        [program, "server", "--backend-store-uri", uri, "--port", str(port), "--workers", "1"],
        cwd=tmp_path,
        env=environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        run = runs_of(client)["greedy/ddpm"]
        found = json.loads(get(f"{base}/api/2.0/mlflow/runs/get?run_id={run.info.run_id}"))
        assert found["run"]["info"]["run_name"] == "ddpm"
        image = next(
            f.path for f in client.list_artifacts(run.info.run_id, "images") if "png" in f.path
        )
        path = urllib.parse.quote(image)
        picture = get(f"{base}/get-artifact?path={path}&run_uuid={run.info.run_id}")
        assert picture.startswith(b"\x89PNG")
    finally:
        server.terminate()
        server.wait()


def get(url: str, seconds: float = 60) -> bytes:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_a_trial_is_a_run_below_its_sweep_with_its_generators_below_it(
    finished: FinishedRun, tmp_path: Path
) -> None:
    shutil.copytree(finished.store.path / "steps", tmp_path / "steps")
    storage = Storage(str(tmp_path))
    sweep = Log(storage, "sweep", "a sweep", {"search": "grid"}, {"ratio": [0.5]})
    experiment = load(str(TINY), [("arms", {}), ("store", str(tmp_path))])
    run = Run(experiment, storage, "experiments/tiny", Outcome("tiny", "running", 0))
    plan, results = run.plan, run.results()
    assert len(results) == 4
    for _ in range(2):  # found again, and nothing is doubled
        tracker = Tracker(plan, storage, sweep.run_id, "ratio 0.5", "sweep/1", {"point": "0.5"})
        for result in results:
            tracker.log(result)
        tracker.close("finished")
    sweep.close("finished")
    client = MlflowClient(sweep.uri)
    runs = runs_of(client)
    assert set(runs) == {"a sweep", "ratio 0.5", "ratio 0.5/ddpm", "ratio 0.5/edm"}
    trial = runs["ratio 0.5"]
    assert trial.data.tags["mlflow.parentRunId"] == sweep.run_id
    assert {run.data.tags.get("point") for name, run in runs.items() if "ratio" in name} == {"0.5"}
    assert len(client.get_metric_history(trial.info.run_id, "ddpm/frechet_distance")) == 2
    ddpm = runs["ratio 0.5/ddpm"].info.run_id
    assert len(client.get_metric_history(ddpm, "training_loss")) == 2
    assert len(client.list_artifacts(ddpm, "images")) == 12
    # what was written before its marker, and is written again, is there once
    again = Tracker(plan, storage, sweep.run_id, "ratio 0.5", "sweep/1")
    again._logged.clear()
    for result in results:
        again.log(result)
    again.close("finished")
    assert len(client.get_metric_history(ddpm, "training_loss")) == 2
    assert len(client.get_metric_history(ddpm, "frechet_distance")) == 2
    assert len(client.list_artifacts(ddpm, "images")) == 12
