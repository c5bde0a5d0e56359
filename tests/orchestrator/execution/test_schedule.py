"""The schedule on simulated workers, beside what holds of all that let none stand by."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.pool.step import Step
from orchestrator.execution.jobs import Task
from orchestrator.execution.placement import Node
from orchestrator.planning import make_plan
from tests.benchmarks.workers import longest_chain
from tests.orchestrator.execution.test_executor import experiment
from tests.simulated import NONE, Overheads, Simulation, simulate

# with steps for no more than one CPU no worker waits for room
PLAN = make_plan(experiment(Path("nowhere"), 4))
STEPS = list(PLAN.steps.values())


def seconds_of(step: Step, seed: int) -> int:
    """Return how long each task of a step takes, whole seconds, as drawn by its key and a seed."""
    return 1 + int(step.key, 16) * (2 * seed + 1) % 37


def simulated(workers: int, seed: int = 0, overheads: Overheads = NONE) -> Simulation:
    nodes = [Node(1, 0, str(number)) for number in range(workers)]
    return simulate(STEPS, nodes, lambda task: task_seconds(task, seed), overheads, lambda: 0.0)


def task_seconds(task: Task, seed: int) -> int:
    return 0 if task.call == "close" else seconds_of(task.job.planned.step, seed)


def tasks(step: Step) -> int:
    return -(-step.cut.rows // step.cut.shard_rows) if step.cut else 1


@settings(max_examples=25)
@given(st.integers(1, 20), st.integers(0, 1000))
def test_no_schedule_is_longer_than_that_of_a_list(workers: int, seed: int) -> None:
    made = simulated(workers, seed)
    steps = [planned.step for planned in STEPS]
    total = sum(tasks(step) * seconds_of(step, seed) for step in steps)
    chain = sum(seconds_of(s, seed) for s in longest_chain(steps, lambda s: seconds_of(s, seed)))
    assert made.busy == total
    assert max(chain, total / workers) <= made.seconds
    # Graham, "Bounds for certain multiprocessing anomalies", 1966
    assert made.seconds <= total / workers + (1 - 1 / workers) * chain
    place = {path: number for number, path in enumerate(made.order)}
    assert place.keys() == PLAN.steps.keys()
    for step in steps:
        for path in (path for paths in step.inputs.values() for path in paths):
            assert place[path] < place[step.path]


def test_one_worker_starts_once_and_each_call_takes_what_calls_take() -> None:
    calls = sum(tasks(p.step) + bool(p.step.cut) for p in STEPS)
    plain, slowed = simulated(1), simulated(1, overheads=Overheads(start=100.0, call=0.5))
    assert slowed.seconds == plain.seconds + 100 + 0.5 * calls


def test_a_step_that_fits_no_node_is_not_waited_for() -> None:
    with pytest.raises(IndexError):
        simulate(STEPS, [Node(0.5, 0, "a")], lambda _: 1.0)
