"""A ratio sweep whose trials share their steps, against the same trials each on a store of its own.

    python -m tests.benchmarks.sweep [--seeds N] [--iterations N]

Both run on the same actors, started before; the aim is at most 0.6.
"""

import argparse
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from actors.pool.storage import Storage
from orchestrator import cluster
from orchestrator.config import Experiment
from orchestrator.loop import Stage, execute
from orchestrator.plan import PlannedStep, make_plan
from orchestrator.sweep import config, sweeping

SWEEP = Path(__file__).parents[2] / "tune_configs" / "ratio_sweep.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--iterations", type=int, default=2)
    given = parser.parse_args()
    overrides = [("repeat.seeds", given.seeds), ("experiment.iterations", given.iterations)]
    sweep = config.load(str(SWEEP), overrides)
    trials = [sweep.at(point, seed) for point in sweep.points() for seed in sweep.repeat.seeds]
    cluster.prepare()
    cluster.connect()
    actors = sweeping.cast_points(sweep, cluster.nodes())
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(f"{folder}/shared")
        stage = Stage(actors, storage, {})
        stage.start()
        # imports and first calls are in neither time
        run([trials[0].model_copy(update={"seed": 10**6})], stage, storage, actors.copies)
        together = run(trials, stage, storage, actors.copies)
        # another seed for each, so that no trial finds what another did
        apart = [one.model_copy(update={"seed": 1000 + i}) for i, one in enumerate(trials)]
        alone = run(apart, stage, storage, actors.copies)
    print(f"{len(trials)} trials of {given.iterations} iterations, {actors.copies} at a time")
    print(f"each alone  {alone:7.1f} s")
    print(f"sharing     {together:7.1f} s")
    print(f"ratio       {together / alone:7.3f}")
    print(
        f"{platform.machine()}, Python {platform.python_version()}, torch {version('torch')}, "
        f"ray {version('ray')}"
    )


def run(trials: list[Experiment], stage: Stage, storage: Storage, copies: int) -> float:
    """Do every step of some trials; return the seconds it took."""
    plans = [make_plan(trial) for trial in trials]
    started = time.perf_counter()
    # arms are told apart by what they are called: here trials take turns with the copies
    names = {f"trial {i}": i % copies for i in range(len(plans))}
    todo: dict[str, PlannedStep] = {}
    for i, plan in enumerate(plans):
        for planned in plan.todo(storage):
            planned.arms[:] = [f"trial {i}"]
            todo.setdefault(planned.step.path, planned)
    for _ in execute(list(todo.values()), stage.with_copies(names)):
        pass
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
