"""Single flight, with real actors."""

import time
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.actor import ActorHandle

from actors.pool.catalogue import Alone, open_catalogue
from actors.pool.step import Step, once
from actors.pool.storage import Storage

pytestmark = pytest.mark.usefixtures("local_ray")
STEP = Step("train", "generator", {"what": "slow"})


@ray.remote(num_cpus=0, max_restarts=1, max_task_retries=1)
class Worker:
    def __init__(self, storage: Storage, catalogue: ActorHandle, log: Path) -> None:
        self._storage = storage
        self._alone = Alone(catalogue)
        self._log = log

    def ready(self) -> None: ...

    def do(self, name: str, seconds: float) -> str:
        def work() -> list[dict[str, Any]]:
            with self._log.open("a") as log:
                log.write(f"{name}\n")
            time.sleep(seconds)
            return []

        return once(self._storage, STEP, self._alone, work)


def start(tmp_path: Path, number: int) -> tuple[list[Any], Path]:
    storage = Storage(str(tmp_path / "store"))
    catalogue = open_catalogue(storage)
    log = tmp_path / "log"
    remote_class: Any = Worker
    workers = [remote_class.remote(storage, catalogue, log) for _ in range(number)]
    ray.get([worker.ready.remote() for worker in workers])
    return workers, log


def test_of_workers_that_want_the_same_step_one_does_it(tmp_path: Path) -> None:
    workers, log = start(tmp_path, 3)
    paths = ray.get([w.do.remote(str(i), 0.5) for i, w in enumerate(workers)], timeout=60)
    assert set(paths) == {STEP.path}
    assert len(log.read_text().split()) == 1


def test_when_the_worker_that_does_a_step_dies_another_takes_over(tmp_path: Path) -> None:
    (first, second), log = start(tmp_path, 2)
    first.do.remote("first", 600)
    while not log.exists():
        time.sleep(0.05)
    waiting = second.do.remote("second", 0)
    ray.kill(first)
    assert ray.get(waiting, timeout=60) == STEP.path
    assert log.read_text().split() == ["first", "second"]


def test_a_worker_that_is_restarted_in_mid_step_goes_on_with_it(tmp_path: Path) -> None:
    (worker,), log = start(tmp_path, 1)
    doing = worker.do.remote("again", 1)
    while not log.exists():
        time.sleep(0.05)
    ray.kill(worker, no_restart=False)
    assert ray.get(doing, timeout=60) == STEP.path
    assert log.read_text().split() == ["again", "again"]
