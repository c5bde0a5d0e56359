"""Writing real data into the pool."""

import numpy as np

from actors.data import REAL_DATA
from actors.data.dataset import range_positions
from actors.errors import UserError
from actors.pool import schema, shards
from actors.pool.step import Report, Step
from actors.pool.storage import File, Storage

ROWS_TOGETHER = 1 << 14


def write(storage: Storage, step: Step, report: Report) -> list[File]:
    """Write the split that the step names into the pool; return the records of its shards.

    Raises:
        UserError: the data set is not what the step was planned with.
    """
    kind = REAL_DATA[step.config["dataset"]["kind"]]
    dataset = kind(**step.config["dataset"], **step.settings["dataset"])
    if dataset.info.digest != step.config["digest"]:
        raise UserError("dataset: its content has changed since this was planned; run again")
    first, rows = step.config["range"]
    rows_at = range_positions(dataset, first, rows, step.seed)
    records = []
    for start in range(0, rows, block := _block(step.config["shard_rows"])):
        images, labels = dataset.read(rows_at[start : start + block])
        records += _write(storage, step, start, images, labels)
        report(min(1.0, (start + block) / rows), f"{min(rows, start + block):,}/{rows:,} images")
    return records


def _write(
    storage: Storage, step: Step, first: int, images: np.ndarray, labels: np.ndarray | None
) -> list[File]:
    """Store consecutive rows of a step, the first of them number `first`, as shards."""
    return [
        shards.write_table(
            storage,
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
