"""The paper's size on one machine, and a million rows: what it takes, and what else would take.

* iteration: a Gaussian mixture, in place of the network, is fitted to 32,768 smooth random images
  of 32 x 32 x 3 and gives 65,536 samples. Half of these are selected by greedy in pixel space, and
  every metric is taken against 10,000 held-out images. Prints the seconds of every kind of step,
  the bytes that it stores, and the peak of anonymous memory of every process.
* curate: 1,000,000 rows of 384 features at ratio 0.1, by two-level and at random, without reasons;
  seconds, and the peak of anonymous memory of all processes together as a share of the input.
* plan: a Parquet file of 10,000,000 images of 4 x 4, and a folder of 100,000 PNG files, each
  planned for the first time and once more, against pyarrow reading the former.
* batches: how long the positions of a batch take at 32,768, 10^6 and 10^7 rows, against one
  permutation by NumPy.
* peers: greedy against the plain loop of one product per pick in torch, neighbours against faiss,
  a stored table against raw pyarrow, at the paper's size or scaled from a part, which is said.

    python -m tests.benchmarks.size [--parts iteration curate plan batches peers] [--folder DIR]
"""

import argparse
import io
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from actors.distances.neighbours import nearest
from actors.generators.training.batches import batch_positions
from actors.pool import schema, shards
from actors.pool.manifest import read_step
from actors.pool.storage import Storage
from actors.selection.greedy import Greedy
from orchestrator import config
from orchestrator.execution import cluster
from orchestrator.execution.execute import execute
from orchestrator.execution.executor import Executor
from orchestrator.planning import make_plan
from tests.benchmarks.pool import anonymous, raw_write

REAL, HELD_OUT, SAMPLES = 32_768, 10_000, 65_536
CURATED, DIMENSIONS, RATIO = 1_000_000, 384, 0.1
PLANNED, FILES, SETTLED_SECONDS = 10_000_000, 100_000, 3
PICKS, QUERIES = 100, 2_048
ROWS_WRITTEN = 16_384


def images(rows: int, size: int, seed: int) -> np.ndarray:
    """Return smooth random images whose spectrum falls as that of photographs, uint8."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]) * size
    out = np.empty((rows, size, size, 3), np.uint8)
    for start in range(0, rows, 1024):
        some = out[start : start + 1024]
        noise = rng.standard_normal((len(some), 3, size, size))
        # channels share most of what they show
        noise = 0.4 * noise + noise.mean(axis=1, keepdims=True) * 1.5
        smooth = np.fft.irfft2(np.fft.rfft2(noise) / (1 + frequency), s=(size, size))
        level = 128 + 55 * smooth / smooth.std(axis=(1, 2, 3), keepdims=True)
        some[:] = level.clip(0, 255).transpose(0, 2, 3, 1)
    return out


def write_images(path: Path, rows: int, size: int) -> None:
    """Write a Parquet file of images as fixed-shape tensors."""
    kind = pa.fixed_shape_tensor(pa.uint8(), (size, size, 3))
    with pq.ParquetWriter(path, pa.schema([("image", kind)]), compression="none") as out:
        for number, start in enumerate(range(0, rows, 1 << 18)):
            some = images(min(1 << 18, rows - start), size, number)
            flat = pa.array(some.reshape(-1))
            storage = pa.FixedSizeListArray.from_arrays(flat, size * size * 3)
            out.write_table(pa.table({"image": pa.ExtensionArray.from_storage(kind, storage)}))


class Memory:
    """The peak of anonymous memory of processes while a block runs.

    Attributes:
        of: bytes by the title of the process.
        together: bytes of all of them at one moment.
    """

    def __init__(self) -> None:
        self.of: Counter[str] = Counter()
        self.together = 0

    @contextmanager
    def watch(self, *, ours: bool) -> Iterator[None]:
        """Watch all children of this process, and this process if it is `ours`."""
        ended, me = threading.Event(), psutil.Process()

        def look() -> None:
            while not ended.wait(0.1):
                now: Counter[str] = Counter()
                for process in [me] * ours + me.children(recursive=True):
                    # it may be gone, or on its way out without memory of its own
                    with suppress(psutil.Error, OSError):
                        now[f"{title(process)} {process.pid}"] = anonymous(process.pid)
                self.of |= now
                self.together = max(self.together, now.total())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


def title(process: psutil.Process) -> str:
    """Return what a process is: Ray's name of an actor, or its program."""
    words = process.cmdline() or [process.name()]
    return words[0].split(":")[0] if words[0].startswith("ray") else Path(words[0]).name


def experiment(folder: Path) -> config.Experiment:
    """Return one iteration at the paper's size, and the selection after it."""
    source = folder / "images.parquet"
    write_images(source, REAL + HELD_OUT, 32)
    return config.validate(
        {
            "name": "size",
            "iterations": 2,
            "store": str(folder / "store"),
            "dataset": {
                "kind": "parquet",
                "path": str(source),
                "rows": REAL,
                "reference_rows": HELD_OUT,
            },
            "generators": {
                "mixture": {
                    "kind": "gaussian_mixture",
                    "components": 10,
                    "covariance": "diag",
                    "fit_iterations": 5,
                    "sampling": {"rows": SAMPLES},
                }
            },
            "selection": {"kind": "greedy", "ratio": REAL / SAMPLES},
            "resources": {"evaluation": {"cpus": 2}, "selection": {"cpus": 2}},
        }
    )


def iteration(folder: Path) -> None:
    """Run one iteration; print seconds, bytes and memory."""
    chosen = experiment(folder)
    plan = make_plan(chosen)
    # the selection of D_2 belongs to iteration 1, the rest of iteration 2 is left out
    todo = [p for p in plan.steps.values() if p.iteration <= 1 or p.step.room == "selection"]
    storage, memory = Storage(chosen.store), Memory()
    cluster.connect()
    executor, started = Executor(storage), time.perf_counter()
    with memory.watch(ours=True):
        for _ in execute(deque(todo), executor):
            pass
    seconds = time.perf_counter() - started
    executor.stop()
    took: defaultdict[str, float] = defaultdict(float)
    size: Counter[str] = Counter()
    for planned in todo:
        step = read_step(storage, planned.step.path)
        took[step.kind] += step.seconds
        size[step.kind] += step.bytes
    print(f"iteration, {REAL:,} real rows, {SAMPLES:,} samples, 3,072 pixels: {seconds:.0f} s")
    for kind, one in took.items():
        print(f"  {kind:10s} {one:8.1f} s   {size[kind] / 2**20:8,.0f} MiB stored")
    print("  peak of anonymous memory:")
    for name, most in memory.of.most_common(6):
        print(f"    {name:36s} {most / 2**20:8,.0f} MiB")
    print(f"    {'all at one moment':36s} {memory.together / 2**20:8,.0f} MiB", flush=True)


def curate(folder: Path) -> None:
    """Curate a million rows; print seconds and memory."""
    source = folder / "features.npy"
    out = np.lib.format.open_memmap(source, "w+", np.float32, (CURATED, DIMENSIONS))
    centres = np.random.default_rng(0).normal(size=(1000, DIMENSIONS)) * 2
    for number, start in enumerate(range(0, CURATED, 50_000)):
        rng = np.random.default_rng((1, number))
        some = out[start : start + 50_000]
        some[:] = centres[rng.integers(0, 1000, len(some))] + rng.normal(size=some.shape)
    out.flush()
    size = source.stat().st_size
    for method in ("random", "two_level"):
        memory, started = Memory(), time.perf_counter()
        target = folder / f"{method}.parquet"
        given = ["--ratio", str(RATIO), "--method", method, "--no-reasons", "--out", str(target)]
        with memory.watch(ours=False):
            ouroboros("curate", str(source), *given)
        print(
            f"curate, {CURATED:,} x {DIMENSIONS} at ratio {RATIO}, {method}: "
            f"{time.perf_counter() - started:.0f} s, peak of anonymous memory "
            f"{memory.together / size:.2f} of the input ({size / 2**30:.2f} GiB)",
            flush=True,
        )


def write_folder(folder: Path, files: int) -> None:
    """Write small PNG files, a thousand to a folder."""
    shown = images(64, 8, 0)
    encoded = []
    for image in shown:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "png")
        encoded.append(buffer.getvalue())
    for number in range(files):
        place = folder / f"{number // 1000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:07d}.png").write_bytes(encoded[number % len(encoded)])


def plan(folder: Path) -> None:
    """Plan ten million rows of a table, and a folder, in processes of their own; print seconds."""
    table, tree = folder / "small.parquet", folder / "tree"
    write_images(table, PLANNED, 4)
    write_folder(tree, FILES)
    # what was written just now may still change, so nothing is kept of it
    time.sleep(SETTLED_SECONDS)
    for kind, source, rows in (("parquet", table, PLANNED), ("image_folder", tree, FILES)):
        experiment = {
            "name": "plan",
            "iterations": 3,
            "store": str(folder / "store"),
            "dataset": {
                "kind": kind,
                "path": str(source),
                "rows": rows - HELD_OUT,
                "reference_rows": HELD_OUT,
            },
            "generators": {"m": {"kind": "gaussian_mixture", "sampling": {"rows": rows}}},
            "selection": {"kind": "random", "ratio": 0.5},
        }
        given = folder / f"{kind}.yaml"
        given.write_text(json.dumps(experiment))
        for when in ("first", "once more"):
            started = time.perf_counter()
            ouroboros("plan", str(given))
            took = time.perf_counter() - started
            print(f"plan, {kind} of {rows:,} rows, {when}: {took:.1f} s", flush=True)
    started = time.perf_counter()
    pq.read_table(table)
    print(f"  pyarrow reads the Parquet file in {time.perf_counter() - started:.1f} s", flush=True)


def ouroboros(*arguments: str) -> None:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "orchestrator", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def positions(rows: int) -> None:
    """Find the rows of twenty batches of 128."""
    for step in range(20):
        batch_positions(step * 128, 128, rows, 0)


def batches(_: Path) -> None:
    """Print how long the positions of a batch take."""
    for rows in (REAL, 1_000_000, PLANNED):
        each = timed(partial(positions, rows)) / 20
        whole = timed(partial(np.random.default_rng(0).permutation, rows))
        print(
            f"batch of 128 of {rows:>10,} rows: {1e3 * each:8.3f} ms; "
            f"one permutation by NumPy {1e3 * whole:8.2f} ms",
            flush=True,
        )


def peers(folder: Path) -> None:
    """Print what greedy, neighbours and a stored table take beside others."""
    rows = images(SAMPLES, 32, 1).reshape(SAMPLES, -1).astype(np.float32) / 127.5 - 1
    ours = timed(lambda: Greedy(kind="greedy").select(rows, REAL, 0), 1)
    tensor, closest = torch.from_numpy(rows), torch.full((SAMPLES,), torch.inf)
    norms = tensor.square().sum(dim=1)

    def plain() -> None:
        for _ in range(PICKS):
            place = int(closest.argmax())
            torch.minimum(closest, norms + norms[place] - 2 * (tensor @ tensor[place]), out=closest)

    loop = timed(plain, 1) * REAL / PICKS
    compare(f"greedy, {SAMPLES:,} x 3,072 to {REAL:,}", ours, "the plain loop, scaled", loop)
    base, queries = rows[:REAL], rows[-QUERIES:]
    ours = timed(lambda: nearest(queries, base, 2), 1)
    bare = timed(lambda: faiss.knn(queries, base, 2), 1)
    compare(f"2 neighbours of {QUERIES:,} among {REAL:,} x 3,072", ours, "faiss, float32", bare)
    table = schema.rows(
        images(ROWS_WRITTEN, 32, 2), step_key="s" * 32, first=0, source="b", iteration=1, seed=0
    )
    storage = Storage(str(folder / "written"))
    numbers = iter(range(100))

    def write() -> None:
        shards.write_table(storage, f"steps/sample/s/{next(numbers)}.arrow", table)

    def raw() -> None:
        raw_write(folder / f"raw-{next(numbers)}", table)

    compare(f"{ROWS_WRITTEN:,} images stored", timed(write), "raw pyarrow, synced", timed(raw))


def timed(call: Callable[[], object], rounds: int = 3) -> float:
    """Return the least seconds of a call."""
    least = np.inf
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - started)
    return float(least)


def compare(what: str, ours: float, other: str, seconds: float) -> None:
    """Print our seconds and those of another."""
    print(f"{what}: {ours:.2f} s; {other} {seconds:.2f} s, {seconds / ours:.2f} x", flush=True)


PARTS = {
    "iteration": iteration,
    "curate": curate,
    "plan": plan,
    "batches": batches,
    "peers": peers,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--folder", help="where data and stores are put; by default a new one")
    given = parser.parse_args()
    started = time.perf_counter()
    for part in given.parts:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            PARTS[part](Path(folder))
    print(
        f"{(time.perf_counter() - started) / 60:.1f} minutes in all; {platform.machine()}, "
        f"{psutil.cpu_count()} CPUs, Python {platform.python_version()}, torch "
        f"{torch.__version__}, faiss {faiss.__version__}, pyarrow {pa.__version__}"
    )


if __name__ == "__main__":
    cluster.prepare()
    main()
