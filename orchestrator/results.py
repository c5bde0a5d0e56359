"""Results: the measures of a plan's finished evaluations, read from the store."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from actors.errors import DamagedError
from actors.metrics import MEASURES, PICTURES, SHARES
from actors.metrics.measures import Measure
from actors.pool.manifest import is_done
from actors.pool.storage import Storage
from orchestrator.plan import Plan


@dataclass(frozen=True)
class Result:
    """What was measured of one generator of an arm at one iteration.

    Attributes:
        measures: each number with its identity card.
        pictures: by name, their paths in the store.
        shares: of sources, iterations and labels among the candidates and the selected.
        step: path of the evaluate step.
    """

    arm: str
    iteration: int
    generator: str
    measures: list[Measure]
    pictures: dict[str, str] = field(default_factory=dict)
    shares: list[dict[str, Any]] = field(default_factory=list)
    step: str = ""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Result":
        """Return the result that was written."""
        return cls(**{**value, "measures": [Measure(**one) for one in value["measures"]]})

    def measure(self, metric: str, subject: str = "samples") -> Measure | None:
        """Return one number with its card; None where a generator has none, having no training."""
        wanted = (metric, subject)
        return next((m for m in self.measures if (m.metric, m.subject) == wanted), None)


def read_results(plan: Plan, storage: Storage, only: set[str] | None = None) -> Iterator[Result]:
    """Yield the results whose evaluate step is stored (and among the paths `only`).

    Raises:
        DamagedError: the file of a result is not what was written.
    """
    for (arm, iteration, generator), step in plan.evaluations.items():
        if (only is None or step.path in only) and is_done(storage, step.path):
            pictures = {
                name: path
                for name, file in PICTURES.items()
                if storage.exists(path := f"{step.path}/{file}")
            }
            measures = [Measure(**one) for one in _read(storage, step.path, MEASURES)]
            shares = _read(storage, step.path, SHARES)
            yield Result(arm, iteration, generator, measures, pictures, shares, step.path)


def _read(storage: Storage, step_path: str, name: str) -> Any:
    path = f"{step_path}/{name}"
    try:
        return storage.read_json(path)
    except (FileNotFoundError, ValueError):
        raise DamagedError(step_path, path, "it is not what was written") from None
