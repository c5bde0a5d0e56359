"""The actor that writes real data into the pool, and closes what generators wrote."""

from typing import Any

import numpy as np
import ray

from actors import data as real
from actors.errors import UserError
from actors.pool import schema, shards
from actors.pool.catalogue import RESTARTS, Alone
from actors.pool.step import Step, once
from actors.pool.storage import Storage

ROWS_TOGETHER = 1 << 14


@ray.remote(max_restarts=RESTARTS, max_task_retries=-1)
class PoolActor:
    """Writes splits of real data sets; records samples whose shards are all there."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._alone = Alone(storage)

    def sample(self, step: Step) -> str:
        """Write the split that `step.config` names; return the step's path."""

        def work() -> list[dict[str, Any]]:
            kind = real.REAL_DATA[step.config["dataset"]["kind"]]
            dataset = kind(**step.config["dataset"], **step.settings["dataset"])
            if dataset.facts.digest != step.config["digest"]:
                raise UserError(
                    "dataset: its content has changed since this was planned; run again"
                )
            first, rows = step.config["range"]
            rows_at = real.range_positions(dataset, first, rows, step.seed)
            records = []
            for start in range(0, rows, block := _block(step.config["shard_rows"])):
                images, labels = dataset.read(rows_at[start : start + block])
                records += self._write(step, start, images, labels)
            return records

        return once(self._storage, step, self._alone, work)

    def close(self, step: Step, *records: dict[str, Any]) -> str:
        """Record a sample step as done, its shards being stored; return the step's path.

        Generators would do it after the next training.
        """
        return once(self._storage, step, self._alone, lambda: list(records))

    def _write(
        self, step: Step, first: int, images: np.ndarray, labels: np.ndarray | None
    ) -> list[dict[str, Any]]:
        """Store consecutive rows of a step, the first of them number `first`, as shards."""
        return [
            shards.write_table(
                self._storage,
                shards.shard_path(step.path, first + start),
                schema.rows(
                    images[start:stop],
                    step_key=step.key,
                    first=first + start,
                    source=step.config["source"],
                    iteration=step.config["iteration"],
                    seed=step.seed,
                    labels=None if labels is None else labels[start:stop],
                ),
            )
            for start, stop in shards.ranges(len(images), step.config["shard_rows"])
        ]


def _block(shard_rows: int) -> int:
    """Return how many rows are decoded together: whole shards, few enough for any memory."""
    return shard_rows * max(1, ROWS_TOGETHER // shard_rows)
