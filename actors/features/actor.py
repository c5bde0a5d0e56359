"""The actor that computes features, once, beside the shards they belong to."""

from typing import Any

import numpy as np
import ray
from ray.actor import ActorHandle

from actors.errors import NonFiniteError
from actors.features import EXTRACTORS, Extractor
from actors.pool import shards
from actors.pool.catalogue import Alone
from actors.pool.step import Step, files_of, once
from actors.pool.storage import Storage


@ray.remote(max_restarts=3, max_task_retries=3)
class FeaturesActor:
    """Extracts features of whole sample steps."""

    def __init__(self, storage: Storage, catalogue: ActorHandle) -> None:
        self._storage = storage
        self._alone = Alone(catalogue)

    def embed(self, step: Step, *_after: object) -> str:
        """Store the features of a sample step, shard by shard; return the step's path.

        Raises:
            NonFiniteError: some features are NaN or infinite; names the source and iteration.
        """

        def work() -> list[dict[str, Any]]:
            extractor = EXTRACTORS[step.config["features"]["kind"]](**step.config["features"])
            return [
                self._embed(step, extractor, path)
                for path in files_of(self._storage, step.inputs["samples"][0])
            ]

        return once(self._storage, step, self._alone, work)

    def _embed(self, step: Step, extractor: Extractor, path: str) -> dict[str, Any]:
        table = shards.read_table(self._storage, path)
        features = extractor.extract(shards.tensor(table, "image"))
        bad = int((~np.isfinite(features)).any(axis=1).sum())
        if bad:
            source, iteration = table["source"][0].as_py(), table["iteration"][0].as_py()
            raise NonFiniteError(
                f"generator {source!r}, iteration {iteration}: the {extractor.kind} features of "
                f"{bad} of {len(features)} samples contain NaN or infinity"
            )
        target = f"{step.path}/{path.rsplit('/', 1)[1]}"
        return shards.write_table(self._storage, target, shards.feature_table(features))
