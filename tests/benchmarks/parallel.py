"""Two generators through the loop side by side against one after the other.

A DDPM and an EDM of digits, one CPU each, train and sample one iteration; the workers are up
beforehand.

    python -m tests.benchmarks.parallel [--rounds 3]
"""

import argparse
import platform
import tempfile
import time
from collections import deque
from pathlib import Path

import numpy as np
import ray
import torch

from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.execution import cluster
from orchestrator.execution.execute import execute
from orchestrator.execution.executor import Executor
from orchestrator.plan import Plan, PlannedStep
from orchestrator.planning import make_plan
from orchestrator.yaml_files import read_yaml

FAMILIES = Path(__file__).parents[2] / "tune_configs" / "families.yaml"


def experiment(store: str, seed: int) -> config.Experiment:
    """Return the first iteration of `families` with the first two, without arms."""
    raw = read_yaml(str(FAMILIES))
    raw["generators"] = {name: raw["generators"][name] for name in ("ddpm", "edm")}
    del raw["arms"]
    return config.validate({**raw, "store": store, "iterations": 1, "seed": seed})


def seconds(todo: list[PlannedStep], executor: Executor) -> float:
    """Run steps; return how long it took."""
    started = time.perf_counter()
    for _ in execute(deque(todo), executor):
        pass
    return time.perf_counter() - started


def divided(plan: Plan) -> tuple[list[PlannedStep], dict[str, list[PlannedStep]]]:
    """Return the steps of the real data, and the train and sample steps by generator."""
    everything = list(plan.steps.values())
    own = {
        name: [p for p in everything if p.generator == name and p.step.room == "generator"]
        for name in plan.experiment.generators
    }
    return [p for p in everything if p.generator is None], own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    cluster.connect()
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        first = make_plan(experiment(f"{folder}/stores", 0))
        executor = Executor(Storage(f"{folder}/stores"))
        seconds(list(first.steps.values()), executor)  # starts the workers
        for seed in range(1, rounds + 1):
            # the seed of one half is another's, so that nothing is done already
            alone_plan = make_plan(experiment(f"{folder}/stores", 2 * seed))
            beside_plan = make_plan(experiment(f"{folder}/stores", 2 * seed + 1))
            real, own = divided(alone_plan)
            seconds(real, executor)
            alone = sum(seconds(steps, executor) for steps in own.values())
            real, own = divided(beside_plan)
            seconds(real, executor)
            together = seconds([step for steps in own.values() for step in steps], executor)
            pairs.append((alone, together))
            print(f"round {seed}: one after the other {alone:.2f} s, side by side {together:.2f} s")
    alone, together = (float(np.median(column)) for column in zip(*pairs, strict=True))
    print(f"one after the other  {alone:6.2f} s")
    print(f"side by side         {together:6.2f} s")
    print(f"ratio                {alone / together:6.2f}   (aim: at least 1.5)")
    print(
        f"{platform.machine()}, {cluster.local_node().cpus:g} CPUs, Python "
        f"{platform.python_version()}, torch {torch.__version__}, ray {ray.__version__}"
    )
    ray.shutdown()


if __name__ == "__main__":
    cluster.prepare()
    main()
