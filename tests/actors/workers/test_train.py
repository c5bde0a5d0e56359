from pathlib import Path
from typing import Any

import pytest
import ray
from ray.exceptions import RayTaskError

from actors.errors import NonFiniteError
from actors.pool.manifest import is_done
from actors.pool.step import Step
from actors.pool.storage import Storage
from actors.workers.worker import Worker
from orchestrator import config
from orchestrator.planning import make_plan
from tests.runs import TINY

pytestmark = pytest.mark.usefixtures("local_ray")


def train_with_two(folder: Path, **training: Any) -> tuple[Storage, Step, Any]:
    """Have a group of two train the tiny experiment's first DDPM; return the call's reference."""
    fields = [(f"generators.ddpm.training.{name}", value) for name, value in training.items()]
    experiment = config.load(str(TINY), [("generators.ddpm.training.workers", 2), *fields])
    planned = make_plan(experiment).steps.values()
    step = next(p.step for p in planned if p.step.kind == "train" and p.generator == "ddpm")
    by_path = {p.step.path: p.step for p in planned}
    storage, kind = Storage(str(folder)), Worker
    worker: Any = kind.options(num_cpus=0).remote(storage)  # type: ignore[attr-defined]

    def do_all_before(step: Step) -> None:
        for path in (path for paths in step.inputs.values() for path in paths):
            do_all_before(by_path[path])
            ray.get(worker.do.remote(by_path[path]))

    do_all_before(step)
    return storage, step, worker.do.remote(step)


def test_a_failure_of_a_group_that_trains_is_its_own_and_is_not_tried_again(
    tmp_path: Path,
) -> None:
    storage, step, doing = train_with_two(tmp_path, learning_rate=1e30, warmup_steps=0, steps=60)
    with pytest.raises(RayTaskError) as caught:
        ray.get(doing, timeout=300)
    assert isinstance(caught.value.cause, NonFiniteError)
    assert str(caught.value.cause).startswith("generator 'ddpm', iteration 1: the training loss is")
    assert not is_done(storage, step.path)


def test_a_group_that_trains_stores_one_model_and_its_losses(tmp_path: Path) -> None:
    storage, step, doing = train_with_two(tmp_path)
    ray.get(doing, timeout=300)
    assert is_done(storage, step.path)
    (steps, loss), *_ = storage.read_json(f"{step.path}/losses.json")
    assert steps == 20
    assert loss > 0
