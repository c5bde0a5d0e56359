"""What a run writes to MLflow, read back through the client and through the server."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.orchestrator.conftest import FinishedRun
from tests.runs import ROOT, TINY, call, environment


@pytest.fixture(scope="module")
def client(finished: FinishedRun) -> MlflowClient:
    return MlflowClient(f"sqlite:///{finished.store.path}/mlflow.db")


def runs_of(client: MlflowClient) -> dict[str, Run]:
    experiment = client.get_experiment_by_name("ouroboros")
    assert experiment is not None
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_arms_are_children_of_the_experiment_and_all_are_finished(client: MlflowClient) -> None:
    runs = runs_of(client)
    assert set(runs) == {"tiny", "vanilla", "greedy"}
    for arm in ("vanilla", "greedy"):
        assert runs[arm].data.tags["mlflow.parentRunId"] == runs["tiny"].info.run_id
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    assert runs["greedy"].data.tags.get("mlflow.source.git.commit", "") == commit
    assert runs["greedy"].data.params["selection.kind"] == "greedy"
    assert runs["vanilla"].data.params["generators.ddpm.training.steps"] == "20"


def test_metrics_are_the_results_with_the_iteration_as_step(
    client: MlflowClient, finished: FinishedRun
) -> None:
    runs = runs_of(client)
    for arm in ("vanilla", "greedy"):
        history = client.get_metric_history(runs[arm].info.run_id, "edm/frechet_distance")
        expected = {
            r["iteration"]: r["value"]
            for r in finished.store.results()
            if (r["arm"], r["generator"], r["metric"]) == (arm, "edm", "frechet_distance")
        }
        assert {point.step: point.value for point in history} == expected
        assert len(history) == 2


def test_pictures_are_images_with_steps_and_the_real_data_is_an_input(client: MlflowClient) -> None:
    run = runs_of(client)["greedy"]
    images = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    for step in (1, 2):
        for name in ("samples", "nearest", "projection"):
            assert any(f"ddpm~{name}+step+{step}+" in path for path in images)
    shares = [run.data.metrics[f"training_set/selected_share/{n}/edm"] for n in ("ddpm", "edm")]
    assert sum(shares) == pytest.approx(1)
    names = {entry.dataset.name for entry in run.inputs.dataset_inputs}
    assert names == {"digits-train", "digits-reference"}


def test_running_again_adds_no_run_and_no_point(
    client: MlflowClient, finished: FinishedRun
) -> None:
    call("run", str(TINY), "--store", str(finished.store.path))
    test_arms_are_children_of_the_experiment_and_all_are_finished(client)
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
        run = runs_of(client)["greedy"]
        found = json.loads(get(f"{base}/api/2.0/mlflow/runs/get?run_id={run.info.run_id}"))
        assert found["run"]["info"]["run_name"] == "greedy"
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
