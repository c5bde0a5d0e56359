"""The actor that computes features, once, beside the shards they belong to."""

from typing import Any

import numpy as np
import ray

from actors.errors import NonFiniteError, UserError
from actors.features import EXTRACTORS, Extractor, weights
from actors.features.extractor import Fitted
from actors.pool import selections, shards
from actors.pool.catalogue import RESTARTS, Alone
from actors.pool.manifest import files_of
from actors.pool.step import Step, once
from actors.pool.storage import Storage


@ray.remote(max_restarts=RESTARTS, max_task_retries=-1)
class FeaturesActor:
    """Fits extractors, and extracts features of whole sample steps."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._alone = Alone(storage)

    def fit(self, step: Step, *_after: object) -> str:
        """Store an extractor's weights, fitted on a sample step; return the step's path.

        Raises:
            NonFiniteError: some weights are NaN or infinite.
        """

        def work() -> list[dict[str, Any]]:
            extractor = _extractor(step)
            samples = step.inputs["samples"]
            images = selections.gather(self._storage, samples, "image").all()
            labels = selections.labels(self._storage, samples)
            given = labels if (labels >= 0).all() else None
            fitted = extractor.fit(images, given, step.seed)
            if not all(np.isfinite(value).all() for value in fitted.values()):
                raise NonFiniteError(
                    f"the weights of {extractor.kind}, fitted on {len(images)} real rows, contain "
                    "NaN or infinity"
                )
            return [weights.save(self._storage, step.path, fitted)]

        return once(self._storage, step, self._alone, work)

    def embed(self, step: Step, *_after: object) -> str:
        """Store the features of a sample step, shard by shard; return the step's path.

        Raises:
            NonFiniteError: some features are NaN or infinite; names the source and iteration.
            UserError: the extractor's weights are not those that the step was planned with.
        """

        def work() -> list[dict[str, Any]]:
            extractor = _extractor(step)
            if extractor.digest() != step.config.get("digest"):
                raise UserError(
                    f"features: the weights of {extractor.kind} changed since the run was planned; "
                    "run again"
                )
            fitted = [weights.load(self._storage, p) for p in step.inputs.get("fitted", ())]
            records, files = [], files_of(self._storage, step.inputs["samples"][0])
            for number, path in enumerate(files):
                note = f"embed shard {number + 1}/{len(files)}"
                self._alone.report(step.key, number / len(files), note)
                records.append(self._embed(step, extractor, path, *fitted))
            return records

        return once(self._storage, step, self._alone, work)

    def _embed(
        self, step: Step, extractor: Extractor, path: str, fitted: Fitted | None = None
    ) -> dict[str, Any]:
        table = shards.read_table(self._storage, path)
        features = extractor.extract(shards.tensor(table, "image"), fitted)
        bad = int((~np.isfinite(features)).any(axis=1).sum())
        if bad:
            source, iteration = table["source"][0].as_py(), table["iteration"][0].as_py()
            raise NonFiniteError(
                f"generator {source!r}, iteration {iteration}: the {extractor.kind} features of "
                f"{bad} of {len(features)} samples contain NaN or infinity"
            )
        target = f"{step.path}/{path.rsplit('/', 1)[1]}"
        return shards.write_table(self._storage, target, shards.feature_table(features))


def _extractor(step: Step) -> Extractor:
    """Return the extractor of a step, on the device and with the threads that the step says."""
    fields = {**step.config["features"], **step.settings["features"]}
    if "device" in fields:
        import torch

        torch.set_num_threads(step.config["threads"])
        if fields["device"] is None and step.settings["gpus"]:
            fields["device"] = "cuda"
    return EXTRACTORS[fields["kind"]].model_validate(fields)
