"""The pool's store against raw pyarrow, numpy's memmap and Hugging Face datasets on the same rows.

32 x 32 x 3 uint8 images with their provenance and 384-d float32 features in shards of 1024 rows.

* append: a table becomes a shard. Ours fills a temporary file, syncs it to disk, takes its XXH128
  and renames it; raw writes an Arrow IPC file and syncs it. Shard by shard in turns.
* scan: every byte of a column summed once. Ours reads shards, raw maps the same files.
* gather: batches of 128 random rows. Ours over all shards, against one `.npy` file mapped by numpy
  and one Arrow file mapped by `datasets` (flat rows, numpy format).
* select: as many random rows as half the pool, stored with their ids.
* limited: a scan and gather in a process that may fill a fifth of the pool's size (RLIMIT_DATA).

Files are read from the page cache: what is compared is the code. Memory is anonymous memory
(RssAnon) above what a part began with, its highest of samples 5 ms apart, without mapped files.

    python -m tests.benchmarks.pool [--rows 102400] [--rounds 5] [--folder DIR] [--full]
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, Features, Sequence, Value
from datasets.arrow_writer import ArrowWriter
from numpy.lib.format import open_memmap

from actors.pool import schema, selections, shards
from actors.pool.manifest import check, files_of
from actors.pool.storage import File, Storage
from actors.selection.random import Random
from tests.actors.pool.inspect.stores import finish
from tests.limits import read_within

SHARD_ROWS = 1024
IMAGE, DIMENSIONS = (32, 32, 3), 384
BATCH, BATCHES = 128, 200
COLUMNS = {"image": "steps/sample/s", "features": "steps/embed/e"}
FULL_ROWS = 1_000_000


def anonymous(process: int | str = "self") -> int:
    """Return the anonymous memory of a process, by default this one, in bytes."""
    with open(f"/proc/{process}/status") as status:
        return sum(int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon"))


@contextmanager
def peak(part: str) -> Iterator[None]:
    """Print the most anonymous memory that the block takes."""
    before, ended = anonymous(), threading.Event()
    highest = before

    def watch() -> None:
        nonlocal highest
        while not ended.wait(0.005):
            highest = max(highest, anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        taken = (max(highest, anonymous()) - before) / 2**20
        print(f"  {part}: peak anonymous memory {taken:,.0f} MiB", flush=True)


def least(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the least seconds of each call, taken in turns."""
    seconds = dict.fromkeys(calls, np.inf)
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    return seconds


def report(what: str, size: int, seconds: dict[str, float]) -> None:
    """Print the speed of each, and ours over it."""
    for name, one in seconds.items():
        ratio = "" if name == "ours" else f"   ours / it {one / seconds['ours']:5.2f}"
        print(f"  {what:16s} {name:16s} {size / one / 1e6:8,.0f} MB/s{ratio}", flush=True)


def tables(start: int, stop: int) -> dict[str, pa.Table]:
    """Return random rows of both columns, the same for the same range."""
    rng = np.random.default_rng(start)
    images = rng.integers(0, 256, (stop - start, *IMAGE), np.uint8)
    features = rng.random((stop - start, DIMENSIONS), np.float32)
    return {
        "image": schema.rows(
            images, step_key="s" * 32, first=start, source="benchmark", iteration=1, seed=0
        ),
        "features": shards.feature_table(features),
    }


def raw_write(path: Path, table: pa.Table) -> None:
    """Write an Arrow IPC file and sync it."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    with path.open("rb+") as written:
        os.fsync(written.fileno())


def append(storage: Storage, rows: int) -> None:
    """Write the pool, and the same tables with pyarrow; print both speeds."""
    raw = Path(storage.root) / "raw"
    raw.mkdir()
    seconds = {column: {"ours": 0.0, "raw pyarrow": 0.0} for column in COLUMNS}
    bytes_of = dict.fromkeys(COLUMNS, 0)
    records: dict[str, list[File]] = {column: [] for column in COLUMNS}
    made = 0.0
    for number, (start, stop) in enumerate(shards.ranges(rows, SHARD_ROWS)):
        started = time.perf_counter()
        both = tables(start, stop)
        made += time.perf_counter() - started
        for column, table in both.items():
            path = shards.shard_path(COLUMNS[column], start)
            raw_path = raw / f"{column}-{start}"
            turns: dict[str, Callable[[], Any]] = {
                "ours": partial(shards.write_table, storage, path, table),
                "raw pyarrow": partial(raw_write, raw_path, table),
            }
            # whoever comes second finds the disk as the first left it
            for name in list(turns)[:: 1 - 2 * (number % 2)]:
                started = time.perf_counter()
                record = turns[name]()
                seconds[column][name] += time.perf_counter() - started
                if name == "ours":
                    records[column].append(record)
                    bytes_of[column] += record.bytes
    for column, step in COLUMNS.items():
        finish(storage, step, records[column])
        report(f"append {column}", bytes_of[column], seconds[column])
    print(f"  making the rows and their tables, not in it: {made:.1f} s")
    shutil.rmtree(raw)


def words(values: np.ndarray) -> int:
    """Return the sum of an array as 64-bit words, which is as fast as it is read."""
    return int(values.reshape(-1).view(np.uint64).sum())


def scan(storage: Storage, column: str, rounds: int) -> None:
    """Print how fast all of a column is read."""
    files = files_of(storage, COLUMNS[column])

    def ours() -> int:
        read = (shards.read_table(storage, file) for file in files)
        return sum(words(shards.tensor(table, column)) for table in read) % 2**64

    def raw() -> int:
        total = 0
        for file in files:
            with pa.memory_map(f"{storage.root}/{file}") as source:
                array = pa.ipc.open_file(source).read_all().column(column).chunk(0)
            total += words(array.storage.flatten().to_numpy())
        return total % 2**64

    assert ours() == raw()
    size = len(selections.gather(storage, [COLUMNS[column]], column)) * row_bytes(column)
    report(f"scan {column}", size, least({"ours": ours, "raw pyarrow": raw}, rounds))


def row_bytes(column: str) -> int:
    return int(np.prod(IMAGE)) if column == "image" else 4 * DIMENSIONS


def gather(storage: Storage, column: str, rounds: int) -> None:
    """Print how fast random batches are read."""
    pool = selections.gather(storage, [COLUMNS[column]], column)
    rows = len(pool)
    folder = Path(storage.root) / "peers"
    folder.mkdir(exist_ok=True)
    memmap = as_npy(folder / f"{column}.npy", storage, column, rows, pool)
    hugging = as_dataset(folder / f"{column}.arrow", storage, column)
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, rows, BATCH) for _ in range(BATCHES)]
    for batch in batches[:5]:
        assert np.array_equal(pool[batch], memmap[batch])
        assert np.array_equal(pool[batch].reshape(BATCH, -1), hugging[batch]["row"])
    calls = {
        "ours": lambda: [pool[batch] for batch in batches],
        "numpy memmap": lambda: [memmap[batch] for batch in batches],
    }
    size = BATCH * BATCHES * row_bytes(column)
    seconds = least(calls, 2 * rounds)
    # it is slow and not what the ratio hangs on
    seconds |= least({"datasets": lambda: [hugging[batch]["row"] for batch in batches]}, 1)
    report(f"gather {column}", size, seconds)
    shutil.rmtree(folder)


def as_npy(path: Path, storage: Storage, column: str, rows: int, pool: selections.Rows) -> Any:
    """Return the column as one mapped `.npy` file."""
    whole = open_memmap(path, mode="w+", dtype=pool.dtype, shape=(rows, *pool.shape))
    start = 0
    for file in files_of(storage, COLUMNS[column]):
        part = shards.tensor(shards.read_table(storage, file), column)
        whole[start : start + len(part)] = part
        start += len(part)
    whole.flush()
    return np.load(path, mmap_mode="r")


def as_dataset(path: Path, storage: Storage, column: str) -> Any:
    """Return the column as a mapped data set of `datasets`, rows flat."""
    size, kind = (int(np.prod(IMAGE)), "uint8") if column == "image" else (DIMENSIONS, "float32")
    features = Features({"row": Sequence(Value(kind), length=size)})
    with ArrowWriter(path=str(path), features=features) as writer:
        for file in files_of(storage, COLUMNS[column]):
            chunk = shards.read_table(storage, file).column(column).chunk(0)
            writer.write_table(pa.table({"row": chunk.storage}))
        writer.finalize()
    return Dataset.from_file(str(path)).with_format("numpy")


def select(storage: Storage, rows: int) -> None:
    """Select half of the rows at random and store the selection."""
    samples, features = ([COLUMNS[column]] for column in ("image", "features"))
    started = time.perf_counter()
    blank = np.empty((rows, 0), np.float32)
    chosen = Random(kind="random").select(blank, rows // 2, seed=0)
    selections.write(storage, "steps/select/x", chosen, samples=samples, features=features)
    print(f"  select random, {rows // 2:,} of {rows:,} rows: {time.perf_counter() - started:.2f} s")


def whole(storage: Storage, rows: int) -> None:
    """Check every file of the pool."""
    size = sum(rows * row_bytes(column) for column in COLUMNS)

    def checked() -> None:
        for step in COLUMNS.values():
            check(storage, step)

    first, second = (least({"": checked}, 1)[""] for _ in range(2))
    print(f"  check of all files {size / first / 1e6:,.0f} MB/s, again {second * 1e3:.0f} ms")


def limited(storage: Storage, rows: int) -> None:
    """Read the images in a process that may fill a fifth of the pool's size."""
    limit = sum(rows * row_bytes(column) for column in COLUMNS) // 5
    *_, taken, fits = read_within(Path(storage.root) / COLUMNS["image"], limit)
    print(
        f"  limited to {limit / 2**20:,.0f} MiB, a fifth of the pool: scan and gather took "
        f"{taken / 2**20:,.1f} MiB; all images at once {'fit' if fits else 'did not fit'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100 * SHARD_ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the pool is written for a while; default: tmp")
    parser.add_argument("--full", action="store_true", help="1,000,000 rows, 15 GB of disk")
    arguments = parser.parse_args()
    rows = FULL_ROWS if arguments.full else arguments.rows
    size = sum(rows * row_bytes(column) for column in COLUMNS)
    print(
        f"{rows:,} rows, {size / 1e9:.2f} GB in shards of {SHARD_ROWS}, load "
        f"{os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if (free := shutil.disk_usage(folder).free) < 3.5 * size:
            parser.error(
                f"{folder} has {free / 1e9:.1f} GB free; needed are {3.5 * size / 1e9:.1f}"
            )
        storage = Storage(folder)
        with peak("append"):
            append(storage, rows)
        with peak("check"):
            whole(storage, rows)
        with peak("scan"):
            for column in COLUMNS:
                scan(storage, column, arguments.rounds)
        with peak("gather and peers"):
            for column in COLUMNS:
                gather(storage, column, arguments.rounds)
        with peak("select"):
            select(storage, rows)
        limited(storage, rows)
    print(
        f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}", end=""
    )
    for package in ("pyarrow", "numpy", "datasets"):
        print(f", {package} {importlib.metadata.version(package)}", end="")
    print()


if __name__ == "__main__":
    main()
