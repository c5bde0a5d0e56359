"""The actor that measures generators, off the critical path."""

from typing import Any

import numpy as np
import ray
from PIL import Image
from ray.actor import ActorHandle

from actors.evaluation import GRID, MEASURES
from actors.evaluation.measures import measure
from actors.evaluation.pictures import grid
from actors.pool import selections
from actors.pool.catalogue import Alone
from actors.pool.step import Step, once
from actors.pool.storage import Storage

GRID_PIXELS = 512


@ray.remote(max_restarts=3, max_task_retries=3)
class EvaluationActor:
    """Reads features and stores measures and an image grid."""

    def __init__(self, storage: Storage, catalogue: ActorHandle) -> None:
        self._storage = storage
        self._alone = Alone(catalogue)

    def evaluate(self, step: Step, *_after: object) -> str:
        """Measure one generator at one iteration; return the step's path."""

        def work() -> list[dict[str, Any]]:
            trained_on = [
                selections.read(self._storage, path).selected_features()
                for path in step.inputs.get("training_set", ())
            ]
            measures = measure(
                trained_on[0] if trained_on else None,
                selections.gather(self._storage, step.inputs["features"], "features").all(),
                selections.gather(self._storage, step.inputs["reference"], "features").all(),
                features=step.config["features"]["kind"],
                k=step.config["entropy_k"],
            )
            path = f"{step.path}/{MEASURES}"
            return [
                self._storage.write_json(path, [one.as_json() for one in measures]),
                self._draw(step),
            ]

        return once(self._storage, step, self._alone, work)

    def _draw(self, step: Step) -> dict[str, Any]:
        images = selections.gather(self._storage, step.inputs["samples"], "image")
        first = images[np.arange(min(64, len(images)))]
        picture = Image.fromarray(grid(first, scale=max(1, GRID_PIXELS // (8 * first.shape[1]))))
        return self._storage.write(
            f"{step.path}/{GRID}", lambda file: picture.save(file, format="PNG")
        )
