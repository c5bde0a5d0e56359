"""The actor that selects training sets."""

from dataclasses import replace
from typing import Any

import numpy as np
import ray
from ray.actor import ActorHandle

from actors.pool import selections
from actors.pool.catalogue import Alone
from actors.pool.step import Step, once
from actors.pool.storage import Storage
from actors.selection import METHODS, Method, explain


@ray.remote(max_restarts=3, max_task_retries=3)
class SelectionActor:
    """Reads the candidates' features and stores which rows are chosen, in which order."""

    def __init__(self, storage: Storage, catalogue: ActorHandle) -> None:
        self._storage = storage
        self._alone = Alone(catalogue)

    def order(self, step: Step, *_after: object) -> str:
        """Store the step's candidates in the order of a nested method; return the step's path."""

        def work() -> list[dict[str, Any]]:
            features = self._features(step)
            ranked = _method(step).select(features, len(features), step.seed)
            return [selections.write_order(self._storage, step.path, ranked)]

        return once(self._storage, step, self._alone, work)

    def select(self, step: Step, *_after: object) -> str:
        """Store the selection among the step's candidates; return the step's path."""

        def work() -> list[dict[str, Any]]:
            features = self._features(step)
            rows = step.config["rows"]
            if "order" in step.inputs:
                chosen = selections.read_order(self._storage, step.inputs["order"][0], rows)
            else:
                chosen = _method(step).select(features, rows, step.seed)
            return selections.write(
                self._storage,
                step.path,
                replace(chosen, reasons=explain(features, chosen.positions)),
                samples=step.inputs["samples"],
                features=step.inputs["features"],
            )

        return once(self._storage, step, self._alone, work)

    def _features(self, step: Step) -> np.ndarray:
        return selections.gather(self._storage, step.inputs["features"], "features").all()


def _method(step: Step) -> Method:
    kind = METHODS[step.config["selection"]["kind"]]
    return kind.model_validate(step.config["selection"])
