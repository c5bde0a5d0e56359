"""A worker that dies while two share a step costs the range that it did, in a real Ray."""

import os
import signal
from collections import deque
from pathlib import Path

import psutil
import pytest

from actors.pool.manifest import read_step
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.execution.execute import execute
from orchestrator.execution.executor import Executor
from orchestrator.plan import PlannedStep
from orchestrator.planning import make_plan
from tests.orchestrator.execution.test_executor import behind
from tests.orchestrator.execution.test_lost_workers import titled

pytestmark = pytest.mark.usefixtures("local_ray")
RANGES = 150


def embedding(store: Path) -> list[PlannedStep]:
    """Plan up to the first embedding: of 1,200 digits in 150 ranges."""
    chosen = config.validate(
        {
            "name": "lost",
            "iterations": 1,
            "store": str(store),
            "shard_rows": 8,
            "dataset": {"kind": "digits", "rows": 8 * RANGES, "reference_rows": 64},
            "generators": {"g": {"kind": "gaussian_mixture", "sampling": {"rows": 8}}},
            "features": {"kind": "encoder", "steps": 5, "batch_size": 1},
            "selection": {"kind": "random"},
        }
    )
    plan = make_plan(chosen)
    steps = [planned.step for planned in plan.steps.values()]
    wanted = next(step for step in steps if step.kind == "embed" and step.ranges.rows > 64)
    return behind(wanted, plan)


def embed(store: Path, *, kill: bool) -> tuple[dict[str, bytes], int, int]:
    """Do the steps; return the features' files by name, the workers killed and those seen."""
    storage, planned = Storage(str(store)), embedding(store)
    folder = planned[-1].step.path
    executor, dead, seen = Executor(storage), set[int](), set[int]()
    try:
        for _ in execute(deque(planned), executor):
            children = psutil.Process().children(recursive=True)
            workers = {child.pid for child in children if titled(child, "::Worker: embed")}
            seen |= workers
            if kill and not dead and workers and len(storage.files(folder)) > RANGES // 10:
                os.kill(min(workers), signal.SIGKILL)
                dead.add(min(workers))
    finally:
        executor.stop()
    files = [file.path for file in read_step(storage, folder).files]
    assert files == sorted(storage.files(folder))[:-1]
    return {file: (store / file).read_bytes() for file in files}, len(dead), len(seen)


def test_two_workers_share_an_embedding_and_one_that_is_killed_costs_its_range(
    tmp_path: Path,
) -> None:
    whole, _, several = embed(tmp_path / "whole", kill=False)
    found, killed, _ = embed(tmp_path / "killed", kill=True)
    assert (several, killed) == (2, 1)
    assert len(whole) == RANGES
    assert found == whole
