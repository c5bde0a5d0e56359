"""The actor that measures generators, off the critical path."""

from typing import Any

import numpy as np
import ray

from actors.features import weights
from actors.features.extractor import size_on_card
from actors.metrics import MEASURES, SHARES
from actors.metrics.drawing import Images, Shown, draw
from actors.metrics.equal_rows import measure_also_on
from actors.metrics.groups import Sets
from actors.metrics.shares import selected_shares
from actors.pool import selections
from actors.pool.catalogue import RESTARTS, Alone
from actors.pool.manifest import manifest_path
from actors.pool.step import Step, once
from actors.pool.storage import Storage


@ray.remote(max_restarts=RESTARTS, max_task_retries=-1)
class EvaluationActor:
    """Reads features and stores measures, selected shares and pictures."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._alone = Alone(storage)

    def evaluate(self, step: Step, *_after: object) -> str:
        """Measure one generator at one iteration; return the step's path."""

        def work() -> list[dict[str, Any]]:
            sets = self._sets(step)
            measures = list(
                measure_also_on(sets, step.config["measures"], step.config["equal_rows"])
            )
            trained_on = step.inputs.get("training_set", ())
            shares = [one for path in trained_on for one in selected_shares(self._storage, path)]
            drawn = draw(self._shown(step, sets)) if step.config["pictures"] else []
            pictures = [self._storage.write(f"{step.path}/{name}", write) for name, write in drawn]
            return [
                self._storage.write_json(
                    f"{step.path}/{MEASURES}", [one.as_json() for one in measures]
                ),
                self._storage.write_json(f"{step.path}/{SHARES}", shares),
                *pictures,
            ]

        return once(self._storage, step, self._alone, work)

    def _sets(self, step: Step) -> Sets:
        trained_on, real, samples, reference = (
            self._features(step, role) for role in ("training_set", "real", "features", "reference")
        )
        assert samples is not None
        assert reference is not None
        card = weights.card(self._storage, step.inputs["features"][0])
        resize = size_on_card(step.config["images"], card["resize"])
        shared = {"features": card["name"], "extractor": card["weights"], "resize": resize}
        return Sets(
            samples,
            reference,
            trained_on,
            real,
            shared,
            k=step.config["entropy_k"],
            seed=step.seed,
            space=card["space"],
            selected=self._is_selected(step),
        )

    def _is_selected(self, step: Step) -> bool:
        """Whether the training set was chosen among more rows by another method than chance."""
        for path in step.inputs.get("training_set", ()):
            config = self._storage.read_json(manifest_path(path))["config"]
            chosen = selections.read(self._storage, path)
            whole = (
                sum(selections.sizes(self._storage, chosen.samples))
                if chosen.offered is None
                else len(chosen.offered)
            )
            return config["selection"]["kind"] != "random" and len(chosen) < whole
        return False

    def _shown(self, step: Step, sets: Sets) -> Shown:
        images = selections.gather(self._storage, step.inputs["samples"], "image")
        source, iteration = step.config["source"], step.config["iteration"]
        title = f"{source}, iteration {iteration}, {sets.card['features']} features"
        trained_on = self._training_images(step)
        return Shown(sets, images.__getitem__, trained_on, images.shape, title)

    def _training_images(self, step: Step) -> Images | None:
        if "training_set" not in step.inputs:
            return None
        selection = selections.read(self._storage, step.inputs["training_set"][0])
        images = selection.images()
        return lambda rows: images[selection.positions[rows]]

    def _features(self, step: Step, role: str) -> np.ndarray | None:
        """Return the features of one of the sets, None where the step has none of that role."""
        if role not in step.inputs:
            return None
        if role == "training_set":
            selection = selections.read(self._storage, step.inputs[role][0])
            candidates = step.inputs.get("candidates", selection.features)
            return selections.gather(self._storage, candidates, "features")[selection.positions]
        return selections.gather(self._storage, step.inputs[role], "features").all()
