"""What is written of a result: its measures, its losses, its checkpoint.

Times are those at which a step ended, as its manifest says: MLflow keeps one of two points that
agree in name, step, value and time, so that writing a result twice doubles nothing.
"""

from dataclasses import dataclass
from typing import Any

from actors.generators.family import CHECKPOINT, LOSSES
from actors.pool.manifest import StoredStep, read_step
from actors.pool.storage import Storage
from orchestrator.results import Result
from orchestrator.tracking.names import metric_name, own_metric_name, share_name
from orchestrator.tracking.runs import metric

# written last: an iteration that has it is there
MARKER = "iteration"


@dataclass(frozen=True)
class Training:
    """A finished train step.

    Attributes:
        losses: pairs of step, from 1, and mean loss since the pair before.
    """

    step: StoredStep
    losses: list[tuple[int, float]]

    def checkpoint(self, iteration: int) -> dict[str, Any]:
        """Return where its checkpoint lies in the store, which may be moved."""
        return {
            "iteration": iteration,
            "folder": f"{self.step.path}/{CHECKPOINT}",
            "step": self.step.key,
            "files": [file.as_json() for file in self.step.files if not file.path.endswith(LOSSES)],
        }


def read_training(storage: Storage, path: str) -> Training:
    """Read a finished train step."""
    losses = [(int(step), loss) for step, loss in storage.read_json(f"{path}/{LOSSES}")]
    return Training(read_step(storage, path), losses)


def arm_metrics(result: Result) -> list[Any]:
    """Return a result's Metrics in the run of its arm or trial."""
    measures = {metric_name(result.generator, m): m.value for m in result.measures}
    shares = {f"{name}/{result.generator}": share for name, share in _shares(result).items()}
    return _points(measures | shares, result)


def own_metrics(result: Result) -> list[Any]:
    """Return a result's Metrics in the run of its generator."""
    measures = {own_metric_name(m): m.value for m in result.measures}
    marker = {MARKER: float(result.iteration)}
    return _points(measures | _shares(result) | marker, result)


def loss_metrics(training: Training, iteration: int) -> list[Any]:
    """Return the loss curve as Metrics whose step goes on over iterations.

    The step is (iteration - 1) * steps of a training + step of this training.
    """
    if not training.losses:
        return []
    steps = training.losses[-1][0]
    started, seconds = training.step.started, training.step.seconds
    return [
        metric(
            "training_loss",
            loss,
            int((started + seconds * step / steps) * 1000),
            (iteration - 1) * steps + step,
        )
        for step, loss in training.losses
    ]


def _points(values: dict[str, float | None], result: Result) -> list[Any]:
    ended, step = int(result.ended * 1000), result.iteration
    return [metric(name, value, ended, step) for name, value in values.items() if value is not None]


def _shares(result: Result) -> dict[str, Any]:
    return {share_name(s): s["selected_share"] for s in result.shares if s["by"] == "source"}
