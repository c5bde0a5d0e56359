"""What Ray's Prometheus agent tells of the steps: how many, how long, where the workers are.

Ray exports these on every node beside its own metrics, with `ray_` before their names;
`cluster/grafana.json` shows them.
"""

from ray.util.metrics import Counter, Gauge, Histogram

from orchestrator.execution.activity import Activity
from orchestrator.execution.jobs import Job
from orchestrator.steps import rows_of

SECONDS: list[float] = [1, 5, 20, 60, 300, 1200, 3600, 4 * 3600, 24 * 3600]


class Monitoring:
    """The metrics of one executor."""

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

    def done(self, job: Job) -> None:
        """Count a step that is done."""
        generator = job.planned.generator or ""
        self._seconds.observe(job.seconds, {"kind": job.planned.step.kind, "generator": generator})
        if rows := rows_of(job.planned.step):
            self._rows.inc(rows, {"generator": generator})

    def died(self, job: Job) -> None:
        """Count a worker that died."""
        self._deaths.inc(1, {"kind": job.planned.step.kind})

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
