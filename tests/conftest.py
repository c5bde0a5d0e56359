"""One local Ray for each process that tests, on loopback, for those that need actors."""

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# on what is as small as in tests, several threads take four times the processor time of one; those
# that spin while they wait take the cores from the other processes of a test
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.pop("RAY_ADDRESS", None)
os.environ.pop("MLFLOW_TRACKING_URI", None)
# looking for garbage among all that libraries have made, of which there is none
gc.set_threshold(50_000)
# a busy machine is slow, not wrong
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


# what files of tests import that share a run or a sweep, which one process makes for all of them
SHARED = ("Swept", "FinishedRun")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole files of tests, and those that share a run together."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            text = (config.rootpath / file).read_text(encoding="utf-8")
            return next((name for name in SHARED if name in text), file)

    return Scheduler(config, log)


def pytest_collection_finish() -> None:
    """Leave out what is imported whenever garbage is looked for."""
    gc.freeze()


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """A Ray of two CPUs in this process."""
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()
