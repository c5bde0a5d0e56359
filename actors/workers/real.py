"""Writing real data into the pool."""

from actors.data import REAL_DATA
from actors.data.dataset import fetched, range_positions
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
    info = fetched(dataset)
    if info.digest != step.config["digest"]:
        raise UserError("dataset: its content has changed since this was planned; run again")
    if str(info.reading) != step.config["images"]:
        raise UserError(
            f"dataset: its images are {info.reading}, and not {step.config['images']} as could be "
            "known before they were here; run again"
        )
    first, rows = step.config["range"]
    rows_at = range_positions(dataset, first, rows, step.seed)
    shard_rows = step.config["shard_rows"]
    # whole shards are decoded together, few enough for any memory
    together = shard_rows * max(1, ROWS_TOGETHER // shard_rows)
    records = []
    for start in range(0, rows, together):
        images, labels = dataset.read(rows_at[start : start + together])
        for begin, end in shards.ranges(len(images), shard_rows):
            table = schema.rows(
                images[begin:end],
                step_key=step.key,
                first=start + begin,
                source=step.config["source"],
                iteration=step.config["iteration"],
                seed=step.seed,
                labels=None if labels is None else labels[begin:end],
            )
            path = shards.shard_path(step.path, start + begin)
            records.append(shards.write_table(storage, path, table))
        done = min(rows, start + together)
        report(done / rows, f"{done:,}/{rows:,} images")
    return records
