"""The actor that writes real data into the pool."""

from typing import Any

import ray
from ray.actor import ActorHandle

from actors.errors import UserError
from actors.pool import real, schema, shards
from actors.pool.catalogue import Alone
from actors.pool.step import Step, once
from actors.pool.storage import Storage


@ray.remote(max_restarts=3, max_task_retries=3)
class PoolActor:
    """Writes splits of real data sets."""

    def __init__(self, storage: Storage, catalogue: ActorHandle) -> None:
        self._storage = storage
        self._alone = Alone(catalogue)

    def sample(self, step: Step) -> str:
        """Write the split that `step.config` names; return the step's path."""

        def work() -> list[dict[str, Any]]:
            kind = real.REAL_DATA[step.config["dataset"]["kind"]]
            dataset = kind(**step.config["dataset"], **step.settings["dataset"])
            if dataset.facts.digest != step.config["digest"]:
                raise UserError(
                    "dataset: its content has changed since this was planned; run again"
                )
            images, labels = real.split(dataset, step.config["split"], step.seed)
            return [
                shards.write_table(
                    self._storage,
                    shards.shard_path(step.path, start),
                    schema.rows(
                        images[start:stop],
                        step_key=step.key,
                        first=start,
                        source=schema.REAL,
                        iteration=0,
                        seed=step.seed,
                        labels=None if labels is None else labels[start:stop],
                    ),
                )
                for start, stop in shards.ranges(len(images), step.config["shard_rows"])
            ]

        return once(self._storage, step, self._alone, work)
