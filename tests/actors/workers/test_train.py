from typing import Any

import pytest
import ray
from ray.exceptions import RayTaskError

from actors.errors import NonFiniteError
from actors.pool.manifest import is_done, read_step
from actors.pool.step import Step
from actors.pool.storage import Storage
from actors.workers.worker import Worker
from orchestrator import config
from orchestrator.planning import make_plan
from tests.runs import TINY


@pytest.fixture(scope="module")
def store(local_ray: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Storage, Any]:
    """A store, and a worker on it that both groups train below."""
    storage, kind = Storage(str(tmp_path_factory.mktemp("groups"))), Worker
    # its groups inherit it: with this torch finds no C++ compiler
    env = {"env_vars": {"CXX": "no_such_compiler"}}
    return storage, kind.options(num_cpus=0, runtime_env=env).remote(storage)  # type: ignore[attr-defined]


def train_with_two(store: tuple[Storage, Any], **training: Any) -> tuple[Step, Any]:
    """Have a group of two train the tiny experiment's first DDPM; return the call's reference."""
    fields = [(f"generators.ddpm.training.{name}", value) for name, value in training.items()]
    experiment = config.load(str(TINY), [("generators.ddpm.training.workers", 2), *fields])
    planned = make_plan(experiment).steps.values()
    step = next(p.step for p in planned if p.step.kind == "train" and p.generator == "ddpm")
    by_path = {p.step.path: p.step for p in planned}
    _, worker = store

    def do_all_before(step: Step) -> None:
        for path in (path for paths in step.inputs.values() for path in paths):
            do_all_before(by_path[path])
            ray.get(worker.do.remote(by_path[path]))

    do_all_before(step)
    return step, worker.do.remote(step)


def test_a_failure_of_a_group_that_trains_is_its_own_and_is_not_tried_again(
    store: tuple[Storage, Any],
) -> None:
    step, doing = train_with_two(store, learning_rate=1e30, warmup_steps=0, steps=60)
    with pytest.raises(RayTaskError) as caught:
        ray.get(doing, timeout=300)
    assert isinstance(caught.value.cause, NonFiniteError)
    assert str(caught.value.cause).startswith("generator 'ddpm', iteration 1: the training loss is")
    assert not is_done(store[0], step.path)


def test_a_group_that_trains_stores_one_model_its_losses_and_what_it_said_once(
    store: tuple[Storage, Any],
) -> None:
    storage, _ = store
    step, doing = train_with_two(store, compile=True)
    (note,) = ray.get(doing, timeout=300)
    assert note.startswith("compile: torch cannot compile the network here, so it is not: ")
    assert read_step(storage, step.path).notes == [note]
    (steps, loss), *_ = storage.read_json(f"{step.path}/losses.json")
    assert steps == 20
    assert loss > 0
