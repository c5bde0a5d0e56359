"""Runs of more models than there are cores: whether the workers keep the cores busy.

Half of the models are mixtures, half tiny denoisers. Prints for each number of models the seconds
of the run, and of the middle half of its steps the share of the cores that it computed on; beside
it the share that the steps allow, were each to begin the moment its inputs are there: a step uses
one core, and with few models a training is what all others wait for. Also how long it takes to plan
forty models over ten iterations. Wants a machine of its own.

    python -m tests.benchmarks.workers [--models 3 8 40] [--iterations 2]
"""

import argparse
import platform
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psutil
import ray
import torch

from actors.pool.manifest import read_step
from actors.pool.step import Step
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.execution import cluster
from orchestrator.execution.execute import execute
from orchestrator.execution.executor import Executor
from orchestrator.planning import make_plan

MIXTURE: dict[str, Any] = {
    "kind": "gaussian_mixture",
    "components": 4,
    "covariance": "diag",
    "sampling": {"rows": 500},
}
DENOISER: dict[str, Any] = {
    "kind": "edm",
    "network": {"widths": [16, 16], "norm_groups": 8},
    "training": {"steps": 300, "batch_size": 32},
    "sampling": {"rows": 500, "steps": 8},
}


def experiment(store: str, models: int, iterations: int) -> config.Experiment:
    """Return an experiment with as many models, of both kinds in turn."""
    return config.validate(
        {
            "name": "many",
            "iterations": iterations,
            "store": store,
            "dataset": {"kind": "digits", "rows": 500, "reference_rows": 500},
            "generators": {f"m{i}": DENOISER if i % 2 else MIXTURE for i in range(models)},
            "selection": {"kind": "greedy", "ratio": 1 / models},
            "evaluation": {"pictures": False},
        }
    )


def cpu_seconds() -> float:
    """Return what this process and all that it started have computed for so far."""
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def longest_chain(steps: Iterable[Step], seconds: Callable[[Step], float]) -> list[Step]:
    """Return the steps of which each waits for the one before, and that take longest together.

    Args:
        steps: in an order in which they can run.
        seconds: from the begin of a step to its end.
    """
    chains: dict[str, tuple[float, list[Step]]] = {}
    for step in steps:
        inputs = (chains[path] for paths in step.inputs.values() for path in paths)
        took, before = max(inputs, default=(0.0, []), key=lambda chain: chain[0])
        chains[step.path] = took + seconds(step), [*before, step]
    return max(chains.values(), key=lambda chain: chain[0])[1]


def possible(storage: Storage, steps: Sequence[Step], cores: float) -> float:
    """Return the share of the cores that the longest chain of done steps leaves to be busy."""
    took = {step.path: read_step(storage, step.path).seconds for step in steps}
    chain = sum(took[step.path] for step in longest_chain(steps, lambda step: took[step.path]))
    return min(1.0, sum(took.values()) / (cores * chain))


def measure(models: int, iterations: int) -> tuple[float, float, float]:
    """Run an experiment; return its seconds, the share of the cores busy, and what could be."""
    cores = cluster.local_node().cpus
    with tempfile.TemporaryDirectory() as store:
        plan = make_plan(experiment(store, models, iterations))
        todo = deque(plan.steps.values())
        steps, done, looks = len(todo), 0, []
        executor, started = Executor(Storage(store)), time.perf_counter()
        for finished in execute(todo, executor):
            done += finished is not None
            if steps // 4 <= done <= 3 * steps // 4:
                looks.append((time.perf_counter(), cpu_seconds()))
        seconds = time.perf_counter() - started
        executor.stop()
        bound = possible(Storage(store), [p.step for p in plan.steps.values()], cores)
    (first, before), (last, after) = looks[0], looks[-1]
    return seconds, (after - before) / (last - first) / cores, bound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[3, 8, 40])
    parser.add_argument("--iterations", type=int, default=2)
    given = parser.parse_args()
    forty = experiment("unused", 40, 10)
    started = time.perf_counter()
    steps = len(make_plan(forty).steps)
    seconds = time.perf_counter() - started
    print(f"planning 40 models over 10 iterations, {steps} steps: {seconds:.2f} s")
    cluster.connect()
    for models in given.models:
        seconds, busy, bound = measure(models, given.iterations)
        print(
            f"{models:3d} models: {seconds:6.1f} s, cores busy {busy:.0%} (aim: at least 90 %); "
            f"the steps allow {bound:.0%}"
        )
    print(
        f"{platform.machine()}, {cluster.local_node().cpus:g} CPUs, Python "
        f"{platform.python_version()}, torch {torch.__version__}, ray {ray.__version__}"
    )
    ray.shutdown()


if __name__ == "__main__":
    cluster.prepare()
    main()
