"""A run's answers to what goes wrong in its rounds."""

from pathlib import Path

import pytest

from actors.errors import DamagedError
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.execution.execute import StepError
from orchestrator.outcome import Outcome
from orchestrator.planning import make_plan
from orchestrator.run import REDONE, Run
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
