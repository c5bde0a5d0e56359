"""A metric that the project does not have, registered in processes that ask for it."""

import sys
from collections.abc import Iterator

from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.groups import GROUPS

GLOW = Metric(
    "mean_glow",
    "halves of white",
    title="mean glow",
    short="glow",
    goal="max",
    meaning="higher is brighter",
    main=True,
    column="glow",
    legend="mean of the samples' pixels",
)


def take(sets: Sets) -> Iterator[Measure]:
    """Mean of all features of the samples."""
    yield sets.measure(GLOW, lambda: float(sets.samples.mean()))


TOY = Group(take, (GLOW,))


def register() -> None:
    """Add the metric to the registry of this process."""
    GROUPS["toy"] = TOY


def main() -> int:
    """Run the command of the process with a Ray whose workers have the metric too."""
    register()
    # what the registry is read for on import is read after that
    from orchestrator.cli import main as run_command
    from orchestrator.execution import cluster
    from tests.runs import ROOT

    cluster.prepare()
    import ray

    from actors.pool.catalogue import NAMESPACE

    ray.init(
        "local",
        namespace=NAMESPACE,
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        # other packages install a module `tests` too; the hook must find this one
        runtime_env={
            "worker_process_setup_hook": "tests.actors.metrics.toy.register",
            "env_vars": {"PYTHONPATH": str(ROOT)},
        },
    )
    return run_command(sys.argv[1:])
