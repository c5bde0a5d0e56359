"""Greedy selection and the threshold decay filter against what one would use instead.

Same rows, same first row, agreement of the ids printed; slow ones are timed on a part and scaled,
which is said. Peers take part where they are installed.

    python -m tests.benchmarks.selection [--rows 20000] [--dimensions 384] [--full]
"""

import argparse
import gzip
import importlib.util
import platform
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from actors.data.feature_source import Rows
from actors.selection import greedy, threshold_decay
from actors.selection.greedy import greedy_sharded
from orchestrator.execution import cluster

FASHION = Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")
# picks that a slow method is timed on
PART = 150


def clustered(n: int, d: int) -> np.ndarray:
    """Return 200 Gaussian clusters of different width."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(200, d)) * 3
    width = rng.uniform(0.2, 1.5, (n, 1))
    return (centres[rng.integers(0, 200, n)] + rng.normal(size=(n, d)) * width).astype(np.float32)


def gaussian(n: int, d: int) -> np.ndarray:
    """Return one Gaussian, where nothing can be pruned."""
    return np.random.default_rng(1).normal(size=(n, d)).astype(np.float32)


def fashion(n: int, d: int) -> np.ndarray:
    """Return d principal components of Fashion-MNIST's images (Debian's dataset-fashion-mnist)."""
    pixels = np.frombuffer(gzip.decompress(FASHION.read_bytes()), np.uint8, offset=16)
    images = torch.from_numpy(pixels.reshape(-1, 784)[:n].astype(np.float32) / 255)
    centred = images - images.mean(dim=0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    return np.asarray((centred @ vectors[:, -d:]).numpy())


def published(features: np.ndarray, n: int, first: int) -> np.ndarray:
    """Run the published loop: one `torch.cdist` per pick."""
    rows = torch.from_numpy(features)
    chosen = [first]
    nearest = torch.full((len(rows),), torch.inf)
    while len(chosen) < n:
        nearest = torch.minimum(nearest, torch.cdist(rows, rows[chosen[-1:]])[:, 0])
        nearest[chosen[-1]] = -1
        chosen.append(int(nearest.argmax()))
    return np.array(chosen)


def by_fpsample(features: np.ndarray, n: int, first: int) -> np.ndarray:
    """Run fpsample's plain sampling; its k-d trees take few dimensions only."""
    import fpsample

    return np.asarray(fpsample.fps_sampling(features, n, start_idx=first)).astype(np.int64)


def by_skmatter(features: np.ndarray, n: int, first: int) -> np.ndarray:
    """Run skmatter's farthest point sampling."""
    from skmatter.sample_selection import FPS

    return np.asarray(FPS(n_to_select=n, initialize=first).fit(features).selected_idx_)


def by_torch_quickfps(features: np.ndarray, n: int, first: int) -> np.ndarray:
    """Run torch-quickfps, whose buckets are made for few dimensions."""
    import torch_quickfps

    rows = torch.from_numpy(features)[None]
    return np.asarray(torch_quickfps.sample(rows, n, start_idx=first, return_points=False)[0])


def by_torch_fps(features: np.ndarray, n: int, first: int) -> np.ndarray:
    """Run torch-fps."""
    from torch_fps import farthest_point_sampling

    rows = torch.from_numpy(features)[None]
    mask = torch.ones(rows.shape[:2], dtype=torch.bool)
    start = torch.tensor([first])
    return np.asarray(
        farthest_point_sampling(rows, mask, n, random_start=False, start_idx=start)[0]
    )


PEERS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "published": published,
    "fpsample": by_fpsample,
    "skmatter": by_skmatter,
    "torch_quickfps": by_torch_quickfps,
    "torch_fps": by_torch_fps,
}


def plain_filter(
    features: np.ndarray, n: int, order: np.ndarray, threshold: float, decay: float
) -> list[int]:
    """Run the threshold decay filter as it is worded: two loops."""
    kept: list[int] = []
    left = list(order)
    while len(kept) < n:
        rest = []
        for candidate in left:
            row = features[candidate]
            if len(kept) < n and all(np.linalg.norm(row - features[k]) > threshold for k in kept):
                kept.append(int(candidate))
            else:
                rest.append(candidate)
        left, threshold = rest, threshold * decay
    return kept


def bare_products(features: np.ndarray, n: int) -> float:
    """Return the seconds of the matrix products of all rows with n of them."""
    rows = torch.from_numpy(features)
    best = np.inf
    for _ in range(2):
        started = time.perf_counter()
        for start in range(0, n, 1024):
            rows @ rows[start : min(start + 1024, n)].T
        best = min(best, time.perf_counter() - started)
    return best


def measure_greedy(features: np.ndarray, n: int) -> Iterator[str]:
    """Yield a line per method."""
    bare = bare_products(features, n)
    yield f"  bare all-pairs products           {bare:8.2f} s"
    seconds = np.inf
    for _ in range(2):
        started = time.perf_counter()
        ours = greedy(features, n, seed=0).positions
        seconds = min(seconds, time.perf_counter() - started)
    yield f"  ours, best of 2                   {seconds:8.2f} s   {seconds / bare:.2f} x bare"
    first = int(ours[0])
    for name, method in PEERS.items():
        module = {"published": "torch"}.get(name, name)
        if importlib.util.find_spec(module) is None:
            yield f"  {name:14s} not installed (pip install {name.replace('_', '-')})"
            continue
        method(features[:64], 2, 0)  # what is compiled or imported at first use does not count
        started = time.perf_counter()
        theirs = method(features, PART, first)
        whole = (time.perf_counter() - started) * n / PART
        agree = int((theirs == ours[:PART]).sum())
        yield (
            f"  {name:14s} scaled from {PART}   {whole:8.1f} s   {whole / seconds:6.0f} x ours; "
            f"{agree} of {PART} ids agree"
        )
    started = time.perf_counter()
    rounds = [started]
    many = greedy_sharded(
        Rows(features), n, seed=0, shards=2, progress=lambda _: rounds.append(time.perf_counter())
    )
    agree = int((many.positions == ours).sum())
    yield (
        f"  ours, 2 shards, after 1st round   {rounds[-1] - rounds[1]:8.2f} s   "
        f"{time.perf_counter() - started:.2f} s with the start of actors and the reasons; "
        f"{agree} of {n} ids agree"
    )


def measure_filter(features: np.ndarray, n: int, rows: int) -> Iterator[str]:
    """Yield the lines of the threshold decay filter, its plain form run on some of the rows."""
    started = time.perf_counter()
    kept = threshold_decay(features, n, seed=0, decay=0.95)
    seconds = time.perf_counter() - started
    threshold = kept.notes["initial_threshold"]
    yield f"  threshold decay, ours             {seconds:8.2f} s   from {threshold:.3g}"
    few, fewer = features[:rows], rows // 2
    started = time.perf_counter()
    ours = threshold_decay(few, fewer, seed=0, initial_threshold=threshold, decay=0.95).positions
    seconds = time.perf_counter() - started
    order = np.random.default_rng(0).permutation(len(few))
    started = time.perf_counter()
    plain = plain_filter(few, fewer, order, threshold, 0.95)
    whole = time.perf_counter() - started
    yield (
        f"  its plain two loops, {rows:6,d} rows  {whole:8.2f} s   {whole / seconds:6.0f} x ours "
        f"({seconds:.3f} s); {int((ours == plain).sum())} of {fewer} ids agree"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--full", action="store_true", help="the paper's 65,536 rows")
    parser.add_argument("--plain-rows", type=int, default=2000, help="for the plain filter")
    arguments = parser.parse_args()
    n, d = (65_536 if arguments.full else arguments.rows), arguments.dimensions
    print(f"{n:,} x {d} -> {n // 2:,}, {torch.get_num_threads()} threads")
    cluster.prepare()
    cluster.connect()
    for make in (clustered, gaussian, fashion):
        print(f"{make.__name__}:")
        if make is fashion and not FASHION.exists():
            print("  not there: apt-get install dataset-fashion-mnist")
            continue
        features = make(n, d)
        for line in measure_greedy(features, n // 2):
            print(line, flush=True)
        if make is clustered:
            for line in measure_filter(features, n // 2, arguments.plain_rows):
                print(line, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MiB, features {n * d * 4 / 2**20:,.0f} MiB of it")
    print(
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {np.__version__}"
    )


if __name__ == "__main__":
    main()
