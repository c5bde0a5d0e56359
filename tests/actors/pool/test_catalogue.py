"""Single flight, with real actors that are killed: holders, waiters and the catalogue itself."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.util import list_named_actors

from actors.pool import catalogue as module
from actors.pool.catalogue import Alone, open_catalogue
from actors.pool.step import Step, once
from actors.pool.storage import File, Storage
from tests.runs import finish

pytestmark = pytest.mark.usefixtures("local_ray")
STEP = Step("train", "generator", {"what": "slow"})
SECONDS = 60


@ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)
class Worker:
    """Says in files what it comes to: NAME.asks and NAME.does hold a line for each time."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self._storage = storage
        self._alone = Alone(storage)
        self._folder = folder

    def pid(self) -> int:
        return os.getpid()

    def do(self, name: str, seconds: float) -> str:
        self._say(name, "asks")

        def work() -> list[File]:
            self._say(name, "does")
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and not (self._folder / "end").exists():
                time.sleep(0.02)
            return []

        once(self._storage, STEP, self._alone, work)
        return STEP.path

    def _say(self, name: str, what: str) -> None:
        with (self._folder / f"{name}.{what}").open("a") as file:
            file.write(f"{os.getpid()}\n")


class Scene:
    """A store and workers that want the same step."""

    def __init__(self, folder: Path, workers: int, **catalogue: float) -> None:
        self.folder = folder
        self.storage = Storage(str(folder / "store"))
        self.catalogue = open_catalogue(self.storage, **catalogue)
        remote_class: Any = Worker
        self.workers = [remote_class.remote(self.storage, folder) for _ in range(workers)]
        ray.get([worker.pid.remote() for worker in self.workers], timeout=SECONDS)

    def times(self, name: str, what: str) -> int:
        """Return how often a worker came to something."""
        file = self.folder / f"{name}.{what}"
        return len(file.read_text().split()) if file.exists() else 0

    def wait_until(self, name: str, what: str, times: int = 1) -> None:
        deadline = time.monotonic() + SECONDS
        while self.times(name, what) < times:
            assert time.monotonic() < deadline, f"{name} never {what}"
            time.sleep(0.02)

    def kill(self, name: str, what: str = "asks") -> None:
        """Kill the process that came to something last."""
        last = (self.folder / f"{name}.{what}").read_text().split()[-1]
        os.kill(int(last), signal.SIGKILL)

    def end(self) -> None:
        """Let the work come to its end."""
        (self.folder / "end").touch()


def test_of_workers_that_want_the_same_step_one_does_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 3)
    doing = [w.do.remote(str(i), 0.5) for i, w in enumerate(scene.workers)]
    assert set(ray.get(doing, timeout=SECONDS)) == {STEP.path}
    assert sum(scene.times(str(i), "does") for i in range(3)) == 1


def test_when_the_worker_that_does_a_step_dies_for_good_another_takes_over(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 2, lease_seconds=4)
    first, second = scene.workers
    first.do.remote("first", 600)
    scene.wait_until("first", "does")
    waiting = second.do.remote("second", 0)
    scene.wait_until("second", "asks")
    ray.kill(first)
    assert ray.get(waiting, timeout=SECONDS) == STEP.path
    assert (scene.times("first", "does"), scene.times("second", "does")) == (1, 1)


@pytest.mark.parametrize(
    ("workers", "then_the_holder"), [(1, True), (2, False), (2, True), (3, True)]
)
def test_waiters_that_are_killed_and_then_the_holder_leave_no_key_locked(
    workers: int, then_the_holder: bool, tmp_path: Path
) -> None:
    scene = Scene(tmp_path, workers)
    doing = [scene.workers[0].do.remote("holder", 600)]
    scene.wait_until("holder", "does")
    waiters = [f"waiter{number}" for number in range(1, workers)]
    doing += [w.do.remote(n, 600) for n, w in zip(waiters, scene.workers[1:], strict=True)]
    for waiter in waiters:
        scene.wait_until(waiter, "asks")
        scene.kill(waiter)
    if then_the_holder:
        scene.kill("holder", "does")
        scene.wait_until("holder", "asks", 2)
    for waiter in waiters:
        scene.wait_until(waiter, "asks", 2)
    # nobody does it beside who does it
    does = [scene.times(name, "does") for name in ("holder", *waiters)]
    assert sum(does) <= 1 + then_the_holder
    scene.end()
    assert set(ray.get(doing, timeout=SECONDS)) == {STEP.path}
    assert sum(scene.times(name, "does") for name in ("holder", *waiters)) == 1 + then_the_holder


def test_a_catalogue_that_dies_hears_of_who_holds_a_lock(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 2)
    doing = [scene.workers[0].do.remote("holder", 600)]
    scene.wait_until("holder", "does")
    doing.append(scene.workers[1].do.remote("waiter", 600))
    scene.wait_until("waiter", "asks")
    ray.kill(scene.catalogue, no_restart=False)
    deadline = time.monotonic() + SECONDS
    while STEP.key not in ray.get(scene.catalogue.running.remote(), timeout=SECONDS):
        assert time.monotonic() < deadline, "the holder was not heard of"
    scene.end()
    assert set(ray.get(doing, timeout=SECONDS)) == {STEP.path}
    assert (scene.times("holder", "does"), scene.times("waiter", "does")) == (1, 0)


def test_a_catalogue_that_is_gone_for_good_is_opened_anew_by_who_needs_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 2)
    doing = [scene.workers[0].do.remote("holder", 600)]
    scene.wait_until("holder", "does")
    ray.kill(scene.catalogue)
    doing.append(scene.workers[1].do.remote("waiter", 600))
    scene.wait_until("waiter", "asks")
    scene.end()
    assert set(ray.get(doing, timeout=SECONDS)) == {STEP.path}


def test_what_a_dead_worker_held_is_free_as_soon_as_somebody_says_so(tmp_path: Path) -> None:
    # long before the lease ends
    scene = Scene(tmp_path, 2, lease_seconds=600)
    first, second = scene.workers
    first.do.remote("first", 600)
    scene.wait_until("first", "does")
    waiting = second.do.remote("second", 0)
    scene.wait_until("second", "asks")
    (held,) = ray.get(scene.catalogue.running.remote(), timeout=SECONDS).values()
    ray.kill(first)
    Alone(scene.storage).free(held.holder.actor)
    assert ray.get(waiting, timeout=SECONDS) == STEP.path


def test_a_lock_is_released_by_the_request_that_holds_it_only(tmp_path: Path) -> None:
    catalogue = open_catalogue(Storage(str(tmp_path)))
    node = ray.get_runtime_context().get_node_id()
    first, second = (module.Holder(name, f"actor {name}", node, "") for name in ("1", "2"))

    def ask(method: str, holder: module.Holder) -> Any:
        return ray.get(getattr(catalogue, method).remote("key", holder), timeout=SECONDS)

    assert ask("acquire", first) is True
    # a call that Ray makes again
    assert ask("acquire", first) is True
    ask("release", second)
    assert ask("acquire", second) is False
    ask("release", first)
    assert ask("acquire", second) is True
    # of a request that is over
    ask("release", first)
    ask("renew", first)
    assert ray.get(catalogue.running.remote())["key"].holder == second


def test_a_catalogue_that_nobody_uses_leaves(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    catalogue = open_catalogue(storage, idle_seconds=0.5)
    ray.get(catalogue.__ray_ready__.remote(), timeout=SECONDS)
    deadline = time.monotonic() + SECONDS
    while module.name_of(storage) in {one["name"] for one in list_named_actors(True)}:
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.1)


def test_a_store_is_one_place_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "store")
    (tmp_path / "store").mkdir()
    same = [f"{tmp_path}/store", f"{tmp_path}/store/", f"{tmp_path}/./store", f"{tmp_path}/link"]
    places = {Storage(uri).place for uri in [*same, f"file://{tmp_path}/store/"]}
    assert places == {str(tmp_path / "store")}
    secret = "s3://key:secret@b/f?region=x"  # pragma: allowlist secret
    bucket = {Storage(u).place for u in ("s3://b/f", "s3://b/f/", secret)}
    assert bucket == {"s3://b/f"}
    other = Storage("s3://b/f?endpoint_override=127.0.0.1:9&scheme=http").place
    assert other == "s3://b/f?endpoint_override=127.0.0.1:9"


def test_the_catalogue_imports_none_of_what_takes_seconds() -> None:
    done = finish([sys.executable, "-c", "import sys, actors.pool.catalogue; print(*sys.modules)"])
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert "actors.pool.catalogue" in imported
    assert not imported & {"torch", "pandas", "scipy", "sklearn", "matplotlib", "mlflow"}
