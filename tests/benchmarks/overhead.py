"""What Ray costs: one iteration of one generator through the loop against a plain script.

Both call the same functions with the same configuration, that of `replace`, a DDPM of digits; the
script does so in one process, without steps, actors, shards or tracking. Prints the seconds of both
and their ratio; starting Ray, its workers and their imports is stated apart.

    python -m tests.benchmarks.overhead [--rounds 3]
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

from actors.batches import BatchSize
from actors.config import Resources
from actors.data.dataset import split
from actors.generators import sampling
from actors.generators.denoiser import Denoiser
from actors.generators.family import Conduct, Draw, TrainingSet
from actors.metrics.base import Sets
from actors.metrics.groups import measure
from actors.pool import shards
from actors.pool.storage import Storage
from actors.seeds import derive_seed
from orchestrator import config
from orchestrator.execution import cluster
from orchestrator.execution.execute import execute
from orchestrator.execution.executor import Executor
from orchestrator.planning import make_plan
from orchestrator.yaml_files import read_yaml

REPLACE = Path(__file__).parents[2] / "tune_configs" / "replace.yaml"


def experiment(store: str, iterations: int, seed: int) -> config.Experiment:
    """Return the experiment of `replace` without arms."""
    raw = read_yaml(str(REPLACE))
    del raw["arms"]
    return config.validate({**raw, "store": store, "iterations": iterations, "seed": seed})


def plain(chosen: config.Experiment) -> float:
    """Do iteration 1 and the selection after it in this process; return the seconds."""
    started = time.perf_counter()
    family, device, seed = chosen.generators["ddpm"], torch.device("cpu"), chosen.seed
    assert isinstance(family, Denoiser)
    assert chosen.shard_rows
    images, _ = split(chosen.dataset, "train", seed)
    reference, _ = split(chosen.dataset, "reference", seed)
    shape = chosen.dataset.image_shape
    data = TrainingSet(lambda rows: images[rows], len(images), shape)
    network = family.train(data, derive_seed(seed, "t"), Conduct(device))
    fits = BatchSize(family.sampling.batch_size, device)
    made = np.concatenate(
        [
            sampling.sample(family, network, Draw(seed, torch.arange(*rows), shape), fits)[0]
            for rows in shards.ranges(family.sampling.rows, chosen.shard_rows)
        ]
    )
    trained_on, sampled, held_out = (
        chosen.features.extract(rows) for rows in (images, made, reference)
    )
    card = {"features": chosen.features.kind}
    measure(Sets(sampled, held_out, trained_on, card=card))
    chosen.selection.select(sampled, len(made) // 2, seed)
    return time.perf_counter() - started


def through_ray(chosen: config.Experiment, executor: Executor) -> float:
    """Do the same by workers that are up; return the seconds."""
    # two iterations are planned so that the selection is there; the second one is left out
    plan = make_plan(chosen)
    todo = [p for p in plan.steps.values() if p.iteration <= 1 or p.step.room == "selection"]
    started = time.perf_counter()
    for _ in execute(deque(todo), executor):
        pass
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(Resources().threads)
    cluster.connect()
    with tempfile.TemporaryDirectory() as store:
        executor = Executor(Storage(store))
        started = time.perf_counter()
        through_ray(experiment(store, 2, seed=0), executor)
        first = time.perf_counter() - started
        plain(experiment(store, 2, seed=0))
        pairs = []
        for seed in range(1, rounds + 1):
            chosen = experiment(store, 2, seed)
            pairs.append((plain(chosen), through_ray(chosen, executor)))
            print(f"round {seed}: plain {pairs[-1][0]:.2f} s, through Ray {pairs[-1][1]:.2f} s")
    alone, workers = (float(np.median(column)) for column in zip(*pairs, strict=True))
    print(f"plain script  {alone:6.2f} s")
    print(f"through Ray   {workers:6.2f} s")
    print(f"ratio         {workers / alone:6.3f}   (aim: at most 1.15)")
    print(f"start of the workers and their imports, left out: {first - workers:.1f} s")
    print(
        f"{platform.machine()}, {cluster.local_node().cpus:g} CPUs, Python "
        f"{platform.python_version()}, torch {torch.__version__}, ray {ray.__version__}"
    )
    ray.shutdown()


if __name__ == "__main__":
    cluster.prepare()
    main()
