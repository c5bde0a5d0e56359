"""Results: what was measured of one generator of an arm at one iteration."""

from dataclasses import dataclass, field
from typing import Any

from actors.errors import DamagedError
from actors.metrics import MEASURES, PICTURES, SHARES
from actors.metrics.base import Measure
from actors.pool.manifest import read_step
from actors.pool.storage import Storage


@dataclass(frozen=True)
class Result:
    """What was measured of one generator of an arm at one iteration.

    Attributes:
        measures: each number with its identity card.
        pictures: by name, their paths in the store.
        shares: of sources, iterations and labels among the candidates and the selected.
        step: path of the evaluate step.
        training: path of the train step behind the samples; None for a generator that was not
            trained.
        ended: when the evaluate step ended, as POSIX time.
    """

    arm: str
    iteration: int
    generator: str
    measures: list[Measure]
    pictures: dict[str, str] = field(default_factory=dict)
    shares: list[dict[str, Any]] = field(default_factory=list)
    step: str = ""
    training: str | None = None
    ended: float = 0.0

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Result":
        """Return the result that was written."""
        return cls(**{**value, "measures": [Measure(**item) for item in value["measures"]]})

    def measure(self, metric: str, subject: str = "samples") -> Measure | None:
        """Return one number with its card; None where a generator has none, having no training."""
        wanted = (metric, subject)
        return next((m for m in self.measures if (m.metric, m.subject) == wanted), None)


def read_result(
    storage: Storage, step: str, arm: str, iteration: int, generator: str, training: str | None
) -> Result:
    """Read what a finished evaluate step measured.

    Args:
        step: its path.

    Raises:
        DamagedError: a file of it is not what was written.
    """
    measures, shares = (_read(storage, step, f"{step}/{file}") for file in (MEASURES, SHARES))
    stored = read_step(storage, step)
    files = {file.path for file in stored.files}
    return Result(
        arm,
        iteration,
        generator,
        [Measure(**item) for item in measures],
        {name: path for name, file in PICTURES.items() if (path := f"{step}/{file}") in files},
        shares,
        step,
        training,
        stored.started + stored.seconds,
    )


def _read(storage: Storage, step: str, path: str) -> Any:
    try:
        return storage.read_json(path)
    except (FileNotFoundError, ValueError):
        raise DamagedError(step, path, "it is not what was written") from None
