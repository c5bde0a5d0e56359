"""One local Ray for each process that tests, on loopback, for those that need actors."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# read by Ray when it is imported: everything it opens is on loopback
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# threads that spin while they wait take the cores from the other processes of a test
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.pop("RAY_ADDRESS", None)
os.environ.pop("MLFLOW_TRACKING_URI", None)
# a busy machine is slow, not wrong
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


# runs and sweeps that files of tests share, each made by one process only
SHARED = ("swept", "finished")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process have the tests of a file, and those of all files that share a run."""
    groups: dict[Path, str] = {}
    for item in items:
        used = [name for name in SHARED if name in getattr(item, "fixturenames", ())]
        groups[item.path] = min([groups.get(item.path, str(item.path)), *used], key=_order)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups[item.path]))


def _order(group: str) -> int:
    return SHARED.index(group) if group in SHARED else len(SHARED)


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """A Ray of two CPUs in this process."""
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()
