"""What a run and a sweep are found again by, and what they are not."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestrator import config
from orchestrator.identity import experiment_key
from orchestrator.sweep import config as sweep_config
from tests.orchestrator.conftest import TINY_SWEEP, FinishedRun, runs_of
from tests.runs import TINY, call

SAME = [
    ("store", "elsewhere/"),
    ("damaged", "redo"),
    ("resources.selection.cpus", 3),
    ("resources.selection.shards", 2),
    ("generators.ddpm.resources.gpus", 1),
    ("generators.ddpm.sampling.batch_size", 7),
    ("generators.ddpm.sampling.workers", 2),
    ("generators.ddpm.training.checkpoint_every", 11),
]
OTHER = [
    ("seed", 5),
    ("name", "other"),
    ("iterations", 3),
    ("shard_rows", 8),
    ("dataset.rows", 60),
    ("selection.ratio", 0.4),
    ("generators.ddpm.resources.cpus", 2),
    ("resources.features.cpus", 2),
    ("generators.ddpm.sampling.rows", 40),
    ("evaluation.entropy_k", 2),
]


@pytest.mark.parametrize(("field", "value"), SAME)
def test_place_resources_and_damage_are_no_identity_of_a_run(field: str, value: Any) -> None:
    key = experiment_key(config.load(str(TINY), []))
    assert experiment_key(config.load(str(TINY), [(field, value)])) == key


def test_where_features_are_computed_is_no_identity_of_a_run() -> None:
    encoder = ("features.kind", "encoder")
    key = experiment_key(config.load(str(TINY), [encoder]))
    fields = [encoder, ("resources.features.gpus", 1)]
    assert experiment_key(config.load(str(TINY), fields)) == key


@pytest.mark.parametrize(("field", "value"), OTHER)
def test_what_comes_out_is_the_identity_of_a_run(field: str, value: Any) -> None:
    key = experiment_key(config.load(str(TINY), []))
    assert experiment_key(config.load(str(TINY), [(field, value)])) != key


@pytest.mark.parametrize(
    ("field", "value", "same"),
    [
        ("experiment.store", "elsewhere/", True),
        ("experiment.damaged", "redo", True),
        ("experiment.resources.evaluation.cpus", 2, True),
        ("experiment.generators.a.sampling.workers", 2, True),
        ("limits.hours", 2, True),
        ("experiment.iterations", 4, False),
        ("experiment.generators.a.sampling.rows", 33, False),
        ("repeat.seeds", 1, False),
    ],
)
def test_place_and_resources_are_no_identity_of_a_sweep(field: str, value: Any, same: bool) -> None:
    key = sweep_config.load(str(TINY_SWEEP), []).key
    assert (sweep_config.load(str(TINY_SWEEP), [(field, value)]).key == key) is same


def test_a_copied_store_goes_on_with_the_same_runs_and_keeps_its_artifacts(
    finished: FinishedRun, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(finished.store.path, tmp_path / "copied"))
    before = {file: file.stat().st_mtime_ns for file in finished.store.path.rglob("*")}
    runs = runs_of(finished.store.path)
    again = call("run", str(TINY), "--store", f"{copied}/", "--damaged", "redo")
    assert again.returncode == 0, again.stderr
    assert " 0 to do" in again.stdout
    assert len(list(copied.glob("experiments/*"))) == 1
    assert {file: file.stat().st_mtime_ns for file in finished.store.path.rglob("*")} == before
    found = runs_of(copied)
    assert found.keys() == runs.keys()
    assert {run.data.tags["ouroboros.store"] for run in found.values()} == {str(copied)}
    artifacts = f"{(copied / 'mlflow-artifacts').as_uri()}/"
    assert all(run.info.artifact_uri.startswith(artifacts) for run in found.values())
    (top,) = (run for run in found.values() if "mlflow.parentRunId" not in run.data.tags)
    written = copied / "mlflow-artifacts" / top.info.run_id / "artifacts" / "config.yaml"
    assert f"store: {copied}/" in written.read_text()
    lists = [json.loads(file.read_text()) for file in copied.rglob("checkpoints.json")]
    assert len(lists) == 4
    for one in (one for listed in lists for one in listed):
        assert (copied / one["folder"]).is_dir()
        assert not Path(one["folder"]).is_absolute()
