"""A run's answers to what goes wrong in its rounds and at its end."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from actors.errors import DamagedError, StorageError
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.execution.execute import StepError
from orchestrator.outcome import Outcome, read_outcome
from orchestrator.planning import make_plan
from orchestrator.run import REDONE, Run
from orchestrator.tracking import Tracker
from tests.runs import TINY


def test_a_step_whose_files_are_damaged_time_and_again_is_done_again_so_often_and_then_told(
    tmp_path: Path,
) -> None:
    chosen = config.load(str(TINY), [("store", str(tmp_path)), ("damaged", "redo")])
    plan, storage = make_plan(chosen), Storage(str(tmp_path))
    run = Run(chosen, storage, "experiments/tiny", Outcome("tiny", "running", 0))
    step, reader = list(plan.steps.values())[:2]
    shard = f"{step.step.path}/rows-0.arrow"
    error = StepError(reader, DamagedError(step.step.path, shard, "its checksum is not that"))
    for _ in range(REDONE):
        storage.write(shard, lambda file: file.write_bytes(b"damaged"))
        assert "its step is done again" in run.redo(error)
        assert not storage.exists(shard)
    with pytest.raises(StepError, match=rf"{shard}: .* although its step was redone 2 times"):
        run.redo(error)


def test_a_run_whose_store_is_away_ends_in_mlflow_all_the_same_and_waits_for_nothing(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    chosen = config.load(str(TINY), [("store", str(store)), ("arms", {})])
    storage = Storage(str(store))
    run = Run(chosen, storage, "experiments/tiny", Outcome("tiny", "running", 0))
    tracker = Tracker(run.plan, storage)
    run.open(tracker)
    assert read_outcome(storage, "experiments/tiny").status == "running"
    shutil.rmtree(store / "experiments")
    (store / "experiments").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        run.close("failed", wait=False)
    client = MlflowClient(tracker.uri)
    assert client.get_run(tracker.run_id).info.status == "FAILED"
