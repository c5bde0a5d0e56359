"""Steps handed to workers that are free, in a real Ray of two CPUs."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import ray

from actors.pool.step import Step
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.execution.execute import StepError, execute
from orchestrator.execution.executor import Executor
from orchestrator.execution.jobs import Job
from orchestrator.execution.shared import SharedExecutor
from orchestrator.plan import Plan, PlannedStep
from orchestrator.planning import make_plan
from tests.runs import Store

pytestmark = pytest.mark.usefixtures("local_ray")
MODEL = {
    "kind": "gaussian_mixture",
    "components": 1,
    "covariance": "spherical",
    "sampling": {"rows": 32},
}
DENOISER = {
    "kind": "edm",
    "network": {"widths": [8, 8], "norm_groups": 4},
    "training": {"steps": 20, "batch_size": 16, "warmup_steps": 5},
    "sampling": {"rows": 32, "steps": 4, "batch_size": 8},
}


def experiment(store: Path, models: int, **fields: Any) -> config.Experiment:
    """Return an experiment with as many generators, which train in no time."""
    return config.validate(
        {
            "name": "many",
            "iterations": 2,
            "store": str(store),
            "shard_rows": 8,
            "dataset": {"kind": "digits", "rows": 64, "reference_rows": 64},
            "generators": {f"model{i}": MODEL for i in range(models)},
            "selection": {"kind": "greedy", "ratio": 0.5},
            "evaluation": {
                "measures": ["dispersion", "frechet", "generalization"],
                "pictures": False,
            },
            **fields,
        }
    )


@contextmanager
def executor(store: Path) -> Iterator[Executor]:
    one = Executor(Storage(str(store)))
    try:
        yield one
    finally:
        one.stop()


def run(chosen: config.Experiment) -> list[PlannedStep]:
    """Do every step of an experiment; return them in the order in which they were done."""
    todo = deque(make_plan(chosen).steps.values())
    with executor(Path(chosen.store)) as one:
        return [planned for planned in execute(todo, one) if planned]


def behind(step: Step, plan: Plan) -> list[PlannedStep]:
    """Return a step and all that it needs, in an order in which they can run."""
    needed = {step.path}
    for path, planned in reversed(plan.steps.items()):
        if path in needed:
            needed |= {path for paths in planned.step.inputs.values() for path in paths}
    return [planned for path, planned in plan.steps.items() if path in needed]


def one_after_the_other(chosen: config.Experiment) -> list[PlannedStep]:
    """Return the steps behind the second training set of one generator, which take one worker."""
    plan = make_plan(chosen)
    return behind(plan.training_sets["main", 2, None].select, plan)


@ray.remote(num_cpus=1)
class Occupant:
    """Takes one CPU."""


def test_one_worker_and_two_make_the_same_bytes_of_more_models_than_workers(tmp_path: Path) -> None:
    generators = {"a": MODEL, "b": MODEL, "denoiser": DENOISER}
    fields = {"generators": generators, "features": {"kind": "encoder", "steps": 5}}
    by_two, by_one = (experiment(tmp_path / n, 0, **fields) for n in ("2", "1"))
    run(by_two)
    occupant = Occupant.remote()  # type: ignore[attr-defined]
    ray.get(occupant.__ray_ready__.remote())
    try:
        done = run(by_one)
    finally:
        ray.kill(occupant)
    assert len(done) == len(make_plan(by_one).steps)
    one, two = Store(tmp_path / "1"), Store(tmp_path / "2")
    assert len(one.tables("embed")) == 2 * 8 + 2 * 3 * 4
    assert one.selected_ids() == two.selected_ids()
    for path in one.tables("*"):
        assert (one.path / path).read_bytes() == (two.path / path).read_bytes()


def test_a_step_for_the_whole_machine_has_its_turn_among_many_small_ones(tmp_path: Path) -> None:
    large = {**MODEL, "resources": {"cpus": 2}}
    generators = {**{f"model{i}": MODEL for i in range(3)}, "large": large}
    chosen = experiment(tmp_path, 0, generators=generators)
    done = [planned.describe() for planned in run(chosen)]
    assert sorted(done) == sorted(p.describe() for p in make_plan(chosen).steps.values())
    # before the small ones of the next iteration
    assert done.index("train large, iteration 1 of main") < done.index(
        "train model0, iteration 2 of main"
    )


def test_a_step_that_two_clients_want_is_done_once_for_both(tmp_path: Path) -> None:
    chosen = experiment(tmp_path, 1)
    steps = one_after_the_other(chosen)
    shared = SharedExecutor(Storage(str(tmp_path)))
    done: dict[str, list[str]] = {"a": [], "b": []}
    running = {name: execute(deque(steps), shared, name) for name in done}
    while running:
        for name in list(running):
            try:
                planned = next(running[name])
            except StopIteration:
                del running[name]
                continue
            done[name] += [planned.step.path] if planned else []
    assert sorted(done["a"]) == sorted(done["b"]) == sorted(p.step.path for p in steps)
    written = list(tmp_path.rglob("step.json"))
    assert len(written) == len(steps)


def test_a_client_that_is_not_known_any_more_submits_its_steps_once_more(tmp_path: Path) -> None:
    steps = one_after_the_other(experiment(tmp_path, 1))
    with executor(tmp_path) as one:
        running = execute(deque(steps), one)
        done = [next(running)]
        one.drop("run")
        done += list(running)
    assert sorted(p.step.path for p in done if p) == sorted(p.step.path for p in steps)


def test_a_run_that_waits_for_the_cpus_of_others_says_so_and_goes_on_when_they_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.execution.executor.PATIENT_SECONDS", 1.0)
    occupants = [Occupant.remote() for _ in range(2)]  # type: ignore[attr-defined]
    ray.get([one.__ray_ready__.remote() for one in occupants])
    steps = one_after_the_other(experiment(tmp_path, 1))
    with executor(tmp_path) as one:
        running = execute(deque(steps), one)
        notes: list[str] = []
        while not notes:
            assert next(running) is None
            notes = one.notes()
        assert "waiting for resources" in notes[0]
        for occupant in occupants:
            ray.kill(occupant)
        done = [planned for planned in running if planned]
    assert len(done) == len(steps)


def test_a_failure_is_told_with_its_step_and_ends_what_needs_it(tmp_path: Path) -> None:
    # a full covariance of fewer rows than pixels cannot be inverted
    bad = {**MODEL, "covariance": "full", "regularization": 0}
    chosen = experiment(tmp_path, 0, generators={"good": MODEL, "bad": bad})
    with pytest.raises(StepError, match=r"^train bad, iteration 1 of main: regularization: "):
        run(chosen)


def test_of_ready_steps_the_nearest_to_the_next_iteration_goes_first_and_of_trainings_the_longest(
    tmp_path: Path,
) -> None:
    chosen = experiment(tmp_path, 2)
    jobs = [Job(one, i) for i, one in enumerate(make_plan(chosen).steps.values())]
    first = [job for job in jobs if job.planned.iteration == 1]
    ordered = sorted(first, key=lambda job: job.urgency({("train", "model1"): 9.0}))
    kinds = [job.planned.step.kind for job in ordered]
    assert kinds == [
        "select",
        "sample",
        "sample",
        "train",
        "train",
        *(["evaluate"] * 2),
    ]
    trained = [job.planned.generator for job in ordered if job.planned.step.kind == "train"]
    assert trained == ["model1", "model0"]
    # measuring waits for the next iteration's steps, and not for those after
    (measuring, *_) = [job for job in first if job.planned.step.kind == "evaluate"]
    later = [job for job in jobs if job.planned.iteration == 2 and job.planned.step.kind == "train"]
    assert measuring.urgency({}) > max(job.urgency({}) for job in later)


def test_of_trainings_that_were_not_timed_yet_the_one_that_visits_most_rows_goes_first(
    tmp_path: Path,
) -> None:
    lengths: dict[str, dict[str, int]] = {"one": {"epochs": 1}, "nine": {"epochs": 9}, "plain": {}}
    generators = {
        name: {**DENOISER, "training": {"batch_size": 16, **length}}
        for name, length in lengths.items()
    }
    planned = make_plan(experiment(tmp_path, 0, generators=generators)).steps.values()
    jobs = [Job(one, 0) for one in planned if one.step.kind == "train" and one.iteration == 1]
    ordered = sorted(jobs, key=lambda job: job.urgency({}))
    # 500 steps of 16 rows, and 9 and 1 times the 64 rows
    assert [job.planned.generator for job in ordered] == ["plain", "nine", "one"]


@pytest.mark.parametrize("kind", ["sample", "embed"])
def test_the_shards_of_a_step_are_in_order_whichever_is_done_first(
    kind: str, tmp_path: Path
) -> None:
    chosen = experiment(tmp_path, 1, features={"kind": "pca", "components": 4})
    planned = make_plan(chosen).steps.values()
    (first, *_) = [p for p in planned if p.step.kind == kind and p.generator]
    job = Job(first, 0)
    tasks = [job.next_task() for _ in range(4)]
    assert [task.arguments for task in tasks] == [(0, 8), (8, 16), (16, 24), (24, 32)]
    answers = [job.take(task, {"path": task.arguments[0]}) for task in reversed(tasks)]
    assert answers[:3] == [None] * 3
    assert answers[3] is not None
    assert answers[3].call == "close"
    assert [record["path"] for record in answers[3].arguments[0]] == [0, 8, 16, 24]
