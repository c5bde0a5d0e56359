"""The ratio sweep, whose trials share their steps, against the same trials each alone.

    python -m tests.benchmarks.sweep [--seeds N] [--iterations N] [--side-by-side]

Both on the same workers, started before: the sweep by Ray Tune as `ouroboros sweep` does it, the
trials one after the other, or side by side as far as there are workers, without Tune and its
processes. The aim is at most 0.6.
"""

import argparse
import logging
import platform
import tempfile
import time
from collections import deque
from importlib.metadata import version
from pathlib import Path

from actors.pool.storage import Storage
from orchestrator.config import Experiment
from orchestrator.execution import cluster
from orchestrator.execution.execute import execute
from orchestrator.execution.shared import SharedExecutor
from orchestrator.planning import make_plan
from orchestrator.sweep import config, sweeping
from orchestrator.sweep.equal_rows import on_equal_rows
from orchestrator.tracking import Log

SWEEP = Path(__file__).parents[2] / "tune_configs" / "ratio_sweep.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=2)
    parser.add_argument("--side-by-side", action="store_true")
    given = parser.parse_args()
    overrides = [("repeat.seeds", given.seeds), ("experiment.iterations", given.iterations)]
    sweep = on_equal_rows(config.load(str(SWEEP), overrides))
    trials = [sweep.at(point, seed) for point in sweep.points() for seed in sweep.repeat.seeds]
    cluster.prepare()
    sweeping.prepare()
    cluster.connect()
    logging.disable(logging.WARNING)
    nodes = cluster.nodes()
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(folder)
        tracked = Log(storage, sweep.key, sweep.name, {}, {})
        together = sweeping.Sweeping(sweep, storage, nodes, resume_command="", fail_fast=False)
        setting = together.start(tracked.run_id)
        # imports and first calls are in neither time
        warm_up = [trials[0].model_copy(update={"seed": 10**6 + i}) for i in range(4)]
        seconds(warm_up, setting.executor, storage)
        started = time.perf_counter()
        together.run_points(setting)
        sharing = time.perf_counter() - started
        # another seed for each, so that no trial finds what another did
        apart = [one.model_copy(update={"seed": 1000 + i}) for i, one in enumerate(trials)]
        groups = [apart] if given.side_by_side else [[trial] for trial in apart]
        alone = sum(seconds(some, setting.executor, storage) for some in groups)
        tracked.close("finished")
    how = "side by side" if given.side_by_side else "one after the other"
    print(f"{len(trials)} trials of {given.iterations} iterations")
    print(f"alone, {how:19s} {alone:7.1f} s")
    print(f"sharing, as a sweep        {sharing:7.1f} s")
    print(f"ratio                      {sharing / alone:7.3f}")
    print(
        f"{platform.machine()}, Python {platform.python_version()}, torch {version('torch')}, "
        f"ray {version('ray')}"
    )


def seconds(trials: list[Experiment], executor: SharedExecutor, storage: Storage) -> float:
    """Do every step of trials that share none; return how long it took."""
    started = time.perf_counter()
    plans = [make_plan(trial) for trial in trials]
    for _ in execute(deque(p for plan in plans for p in plan.todo(storage)), executor):
        pass
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
