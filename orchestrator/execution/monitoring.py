"""What others see of the steps: as Ray's metrics and as log lines.

Ray exports the metrics on every node beside its own, with `ray_` before their names;
`cluster/grafana.json` shows them.
"""

import logging

from ray.util.metrics import Counter, Gauge, Histogram

from orchestrator.execution import log
from orchestrator.execution.activity import Activity
from orchestrator.execution.jobs import Job, Task
from orchestrator.steps import rows_of

SECONDS: list[float] = [1, 5, 20, 60, 300, 1200, 3600, 4 * 3600, 24 * 3600]


class Monitoring:
    """The metrics and log lines of one executor."""

    def __init__(self) -> None:
        self._seconds = Histogram(
            "ouroboros_step_seconds",
            "Seconds that workers took for a step",
            SECONDS,
            ("kind", "generator"),
        )
        self._rows = Counter("ouroboros_rows", "Rows written into the pool", ("generator",))
        self._deaths = Counter("ouroboros_worker_deaths", "Workers that died in a step", ("kind",))
        self._steps = Gauge("ouroboros_steps", "Steps by what they wait for", ("state",))
        self._workers = Gauge("ouroboros_workers", "Workers, busy and idle", ("state",))

    def began(self, task: Task, node: str) -> None:
        """Log that a worker does a task."""
        log.write(logging.INFO, "begun", task.job, node, **_rows(task))

    def ended(self, task: Task, node: str, seconds: float) -> None:
        """Log that a worker has done a task."""
        log.write(logging.INFO, "done", task.job, node, seconds=seconds, **_rows(task))

    def done(self, job: Job) -> None:
        """Count a step that is done."""
        generator = job.planned.generator or ""
        self._seconds.observe(job.seconds, {"kind": job.planned.step.kind, "generator": generator})
        if rows := rows_of(job.planned.step):
            self._rows.inc(rows, {"generator": generator})

    def died(self, job: Job, node: str, cause: str) -> None:
        """Count a worker that died."""
        self._deaths.inc(1, {"kind": job.planned.step.kind})
        log.write(logging.WARNING, f"worker died: {cause}", job, node)

    def failed(self, job: Job, cause: BaseException) -> None:
        """Log a step that is given up."""
        log.write(logging.ERROR, f"failed: {cause}", job, "")

    def look(self, activity: Activity) -> None:
        """Take down what runs and what waits."""
        busy = sum(len(step.nodes) for step in activity.running)
        for state, steps in (
            ("running", len(activity.running)),
            ("ready", len(activity.ready)),
            ("blocked", activity.blocked),
        ):
            self._steps.set(steps, {"state": state})
        for state, workers in (("busy", busy), ("idle", activity.workers - busy)):
            self._workers.set(workers, {"state": state})


def _rows(task: Task) -> dict[str, list[int]]:
    """Return the row range of a task that has one, as a field of a line."""
    return {"rows": list(task.arguments)} if task.call == "make" else {}
