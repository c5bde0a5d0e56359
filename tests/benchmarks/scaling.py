"""How a run goes faster with more workers: on real nodes of Ray, and simulated to 512 workers.

* overheads: until a worker has started, and what a call takes beside its work.
* nodes: the loop on 1, 2 and 3 nodes of one CPU each, with generators that sleep while they train
  and sample, so that fewer cores than nodes do; beside it the seconds that a simulation gives,
  from the seconds of the steps on one node and the overheads.
* simulated: `cifar10.yaml`, and an arm of it with 10^7 samples an iteration, on 1, 8, 64 and 512
  workers, by the executor's own schedule, which takes its real time to decide. What steps take is
  scaled from what was measured on two cores: the network's passes here, the rest as in this
  folder's README. Beside it what holds it: the longest chain of steps that wait for each other.

    python -m tests.benchmarks.scaling [--only {nodes,simulated}]
"""

import argparse
import functools
import logging
import platform
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
import torch
from ray.cluster_utils import Cluster

from actors.config import Resources
from actors.errors import UserError
from actors.generators import GENERATORS
from actors.generators.denoiser import Denoiser
from actors.pool.catalogue import NAMESPACE
from actors.pool.manifest import read_step
from actors.pool.step import Step
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.execution import cluster, placement
from orchestrator.execution.execute import execute
from orchestrator.execution.executor import Executor
from orchestrator.execution.jobs import Job, Task
from orchestrator.execution.placement import Node
from orchestrator.execution.workers import RayWorkers
from orchestrator.plan import Plan
from orchestrator.planning import make_plan
from orchestrator.steps import rows_of
from orchestrator.yaml_files import read_yaml
from tests.benchmarks.training import WARM_STEPS, our_training, random_images
from tests.benchmarks.workers import longest_chain
from tests.simulated import Overheads, simulate

CIFAR10 = Path(__file__).parents[2] / "tune_configs" / "cifar10.yaml"
NODES, WORKERS = (1, 2, 3), (1, 8, 64, 512)
TRAINS_SECONDS, SAMPLES_SECONDS = 4.0, 1.5
CALLS = 100
# at the paper's size on two cores, as in README.md: 65,536 samples of 3,072 pixels, half selected
PAPER_ROWS, ORDER_SECONDS, EVALUATE_SECONDS = 65_536, 48.0, 424.0
# steps of no weight
OTHER_SECONDS = 1.0
# where they are not measured in the same run
OVERHEADS = Overheads(start=10.0, call=0.005)
# how many rows the network is timed on, for how many steps, and how often; the fastest counts
BATCH, STEPS, ROUNDS = 4, 4, 3
# how many times as fast as two cores a GPU is assumed to be at the network's passes
GPU = 200


def slow() -> None:
    """Have mixtures sleep before they train and sample: for every worker process, as it starts."""
    from actors.generators.gaussian_mixture import GaussianMixture

    for name, seconds in (("train", TRAINS_SECONDS), ("sample", SAMPLES_SECONDS)):
        setattr(GaussianMixture, name, _after(seconds, getattr(GaussianMixture, name)))


def _after(seconds: float, work: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(work)
    def late(*given: Any) -> Any:
        time.sleep(seconds)
        return work(*given)

    return late


@contextmanager
def nodes_of_ray(number: int) -> Iterator[None]:
    """Connect to a Ray of so many nodes with one CPU each, beside a head that has none."""
    head = {"num_cpus": 0, "include_dashboard": False}
    there = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(number):
        there.add_node(num_cpus=1)
    ray.init(
        there.address,
        namespace=NAMESPACE,
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env={"worker_process_setup_hook": "tests.benchmarks.scaling.slow"},
    )
    try:
        yield
    finally:
        ray.shutdown()
        there.shutdown()


def sleepers(store: str) -> config.Experiment:
    """Return an experiment of three mixtures, whose samplings are cut into four ranges each."""
    mixture = {"kind": "gaussian_mixture", "components": 1, "covariance": "spherical"}
    return config.validate(
        {
            "name": "sleepers",
            "iterations": 2,
            "store": store,
            "shard_rows": 16,
            "dataset": {"kind": "digits", "rows": 64, "reference_rows": 64},
            "generators": {f"m{i}": {**mixture, "sampling": {"rows": 64}} for i in range(3)},
            "selection": {"kind": "greedy", "ratio": 1 / 3},
            "evaluation": {"measures": ["frechet", "dispersion"], "pictures": False},
        }
    )


def measured_overheads(store: str, done: Step) -> Overheads:
    """Return what Ray takes to start a worker, its imports included, and for a call."""
    workers = RayWorkers(Storage(store))
    planned = next(p for p in make_plan(sleepers(store)).steps.values() if p.step.key == done.key)
    task = Task(Job(planned, 0), "do")
    started = time.perf_counter()
    worker, where = workers.start(Resources())
    ray.get([where, workers.call(worker, task)])
    ready = time.perf_counter()
    for _ in range(CALLS):
        ray.get(workers.call(worker, task))
    ended = time.perf_counter()
    workers.end(worker)
    return Overheads(ready - started, (ended - ready) / CALLS)


def on_nodes() -> Overheads:
    """Run the loop on real nodes beside its simulation; return the overheads."""
    took: dict[str, float] = {}
    overheads = Overheads()
    for number in NODES:
        with tempfile.TemporaryDirectory() as store, nodes_of_ray(number):
            planned = list(make_plan(sleepers(store)).steps.values())
            executor, started = Executor(Storage(store)), time.perf_counter()
            for _ in execute(deque(planned), executor):
                pass
            seconds = time.perf_counter() - started
            executor.stop()
            if not took:
                done = {p.step.path: read_step(Storage(store), p.step.path) for p in planned}
                took = {path: step.seconds / _ranges(step) for path, step in done.items()}
                overheads = measured_overheads(store, planned[0].step)
                print(
                    f"Ray: a worker starts in {overheads.start:.1f} s, a call takes "
                    f"{1e3 * overheads.call:.1f} ms beside its work",
                    flush=True,
                )
        nodes = [Node(1, 0, str(i)) for i in range(number)]
        known = functools.partial(_known, took)
        guess = simulate(planned, nodes, known, overheads)
        ideal = simulate(planned, nodes, known, clock=lambda: 0.0)
        print(
            f"{number} node{'s'[: number > 1]}: {seconds:.1f} s, simulated {guess.seconds:.1f} s, "
            f"{ideal.seconds:.1f} s if Ray took no time",
            flush=True,
        )
    return overheads


def _ranges(step: Any) -> int:
    return max(1, sum(file.path.endswith(".arrow") for file in step.files))


def _known(took: dict[str, float], task: Task) -> float:
    return 0.0 if task.call == "close" else took[task.job.path]


def network_seconds() -> tuple[float, float]:
    """Return what the network of cifar10.yaml takes for a row: to train on it, and forwards."""
    raw = read_yaml(str(CIFAR10))["generators"]["ddpm"]
    training = {**raw["training"], "precision": "float32", "batch_size": BATCH}
    del training["epochs"]
    training["steps"] = STEPS + WARM_STEPS
    chosen = GENERATORS["ddpm"].model_validate({**raw, "training": training})
    assert isinstance(chosen, Denoiser)
    rows, device = random_images(32, 3, BATCH * 4), torch.device("cpu")
    trained, forward = [], []
    for _ in range(ROUNDS):
        took, network = our_training(chosen, rows, device)
        trained.append(took / STEPS / BATCH)
        images = torch.randn(BATCH, 3, 32, 32).contiguous(memory_format=chosen.training.layout)
        with torch.inference_mode():
            network.eval()
            for _ in range(STEPS):
                started = time.perf_counter()
                network(images, torch.zeros(BATCH, dtype=torch.long))
                forward.append((time.perf_counter() - started) / BATCH)
    return min(trained), min(forward)


class Costs:
    """What tasks of a plan take, from what was measured of smaller ones."""

    def __init__(self, plan: Plan, trained: float, forward: float) -> None:
        self._plan, self._trained, self._forward = plan, trained, forward

    def of_task(self, task: Task) -> float:
        """Return the seconds of a task."""
        rows = task.arguments[1] - task.arguments[0] if task.call == "make" else 0
        return 0.0 if task.call == "close" else self._of(task.job.planned.step, rows)

    def of_step(self, step: Step) -> float:
        """Return the seconds of a step whose ranges are all made side by side."""
        return self._of(step, min(step.cut.rows, step.cut.shard_rows) if step.cut else 0)

    def of_all(self, step: Step) -> float:
        """Return the seconds of all workers of a step together."""
        return placement.group(step) * self._of(step, step.cut.rows if step.cut else 0)

    def _of(self, step: Step, rows: int) -> float:
        if step.kind == "train":
            return float(step.settings["rows_visited"] * self._trained / step.settings["workers"])
        if step.kind == "sample" and step.cut:
            return float(rows * step.config["generator"]["sampling"]["steps"] * self._forward)
        if step.kind == "order":
            # every row against each that is taken, half of them as in what was measured
            return ORDER_SECONDS * (step.settings["rows"] / (PAPER_ROWS / 2)) ** 2
        if step.kind == "evaluate":
            (samples,) = step.inputs["samples"]
            # neighbours of every sample among the training set, which is half as many rows
            return EVALUATE_SECONDS * (rows_of(self._plan.steps[samples].step) / PAPER_ROWS) ** 2
        return OTHER_SECONDS


def paper(
    resources: Resources, samples: int = PAPER_ROWS, workers: int = 1, **fields: Any
) -> config.Experiment:
    """Return cifar10.yaml with as many samples, and data made on the spot for CIFAR-10."""
    raw = read_yaml(str(CIFAR10)) | fields
    raw["generators"]["ddpm"]["training"]["workers"] = workers
    raw["dataset"] = {"kind": "gaussian", "size": 32, "available": 60000}
    raw["dataset"] |= {"rows": 32768, "reference_rows": 10000}
    raw["generators"]["ddpm"]["resources"] = resources.model_dump()
    raw["generators"]["ddpm"]["sampling"]["rows"] = samples
    # as many cores as what was measured had
    raw["resources"] = {"selection": {"cpus": 2}, "evaluation": {"cpus": 2}}
    return config.validate(raw | {"store": "unused"})


def cases() -> Iterator[tuple[str, config.Experiment, Node, float]]:
    """Yield what is simulated: its title, the experiment, a node, how fast its device is."""
    cpu, gpu = Resources(cpus=2), Resources(cpus=2, gpus=1)
    yield "cifar10.yaml, two cores each", paper(cpu), Node(2, 0), 1
    # two cores beside the device for what needs none
    with_gpu = Node(4, 1)
    yield "cifar10.yaml, a GPU each", paper(gpu), with_gpu, GPU
    yield "the same, each training on 8 GPUs", paper(gpu, workers=8), with_gpu, GPU
    large: dict[str, Any] = {"shard_rows": None, "iterations": 3, "arms": {"main": {}}}
    yield "10^7 samples, greedy", paper(gpu, 10**7, **large), with_gpu, GPU
    large |= {"selection": {"kind": "random", "ratio": 0.5}}
    yield "10^7 samples, random", paper(gpu, 10**7, **large), with_gpu, GPU
    yield "the same, each training on 8 GPUs", paper(gpu, 10**7, 8, **large), with_gpu, GPU


def simulated(overheads: Overheads) -> None:
    """Print what simulations of large runs give, and what holds them."""
    trained, forward = network_seconds()
    print(
        f"UNet48, {torch.get_num_threads()} threads, {BATCH} rows at a time: a row takes "
        f"{1e3 * trained:.0f} ms to train on, {1e3 * forward:.0f} ms forwards; a GPU is assumed "
        f"{GPU} times as fast",
        flush=True,
    )
    for title, experiment, node, faster in cases():
        plan = make_plan(experiment)
        costs = Costs(plan, trained / faster, forward / faster)
        steps = [planned.step for planned in plan.steps.values()]
        chain: defaultdict[str, float] = defaultdict(float)
        for step in longest_chain(steps, costs.of_step):
            chain[step.kind] += costs.of_step(step)
        parts = ", ".join(f"{kind} {took / 3600:.2f}" for kind, took in sorted(chain.items()))
        work, least = sum(map(costs.of_all, steps)), sum(chain.values())
        print(
            f"{title}: {work / 3600:.2f} h of work, longest chain {least / 3600:.2f} h ({parts}), "
            f"so at most {work / least:.1f} times as fast as one worker"
        )
        for number in WORKERS:
            nodes = [replace(node, id=str(i)) for i in range(number)]
            try:
                placement.check(plan, nodes)
            except UserError:
                continue
            made = simulate(plan.steps.values(), nodes, costs.of_task, overheads)
            busy = work / made.seconds
            print(
                f"  {number:3d} nodes: {made.seconds / 3600:9.2f} h, {busy:5.1f} times as fast, "
                f"{busy / number:4.0%} of them busy, deciding takes {made.deciding:5.2f} s",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("nodes", "simulated"))
    only = parser.parse_args().only
    overheads = OVERHEADS if only == "simulated" else on_nodes()
    if only != "nodes":
        simulated(overheads)
    print(
        f"{platform.machine()}, {cluster.local_node().cpus:g} CPUs, Python "
        f"{platform.python_version()}, torch {torch.__version__}, ray {ray.__version__}"
    )


if __name__ == "__main__":
    cluster.prepare()
    main()
