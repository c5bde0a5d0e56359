"""One local Ray for each process that tests, on loopback, for those that need actors."""

import os
from collections.abc import Iterator

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


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """A Ray of two CPUs in this process."""
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()
