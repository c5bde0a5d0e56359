"""The actor that selects training sets."""

from typing import Any

import ray
from ray.actor import ActorHandle

from actors.pool import selections
from actors.pool.catalogue import Alone
from actors.pool.step import Step, once
from actors.pool.storage import Storage
from actors.selection import METHODS


@ray.remote(max_restarts=3, max_task_retries=3)
class SelectionActor:
    """Reads the candidates' features and stores which rows are chosen, in which order."""

    def __init__(self, storage: Storage, catalogue: ActorHandle) -> None:
        self._storage = storage
        self._alone = Alone(catalogue)

    def select(self, step: Step, *_after: object) -> str:
        """Store the selection among the step's candidates; return the step's path."""

        def work() -> list[dict[str, Any]]:
            method = METHODS[step.config["selection"]["kind"]].model_validate(
                step.config["selection"]
            )
            samples, features = step.inputs["samples"], step.inputs["features"]
            matrix = selections.gather(self._storage, features, "features").all()
            chosen = method.select(matrix, step.config["rows"], step.seed)
            record = selections.write(
                self._storage,
                step.path,
                positions=chosen.positions,
                distances=chosen.distances,
                samples=samples,
                features=features,
            )
            return [record]

        return once(self._storage, step, self._alone, work)
