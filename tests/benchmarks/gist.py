"""GIST against the packages that offer it: seconds, the paper's objective, memory.

All maximise the sum of quality plus lambda times the smallest distance, over the same rows, with
density as quality and epsilon 0.1. Ours takes exactly n rows, the packages up to n: where lambda is
large the two rows of the diameter, or one row alone, are the best set for them. `divsel` and
`gist-select` take part where they are installed; where they are slow they choose a part of the rows
(twice, for what a row costs) and their seconds are scaled, which is said.

    python -m tests.benchmarks.gist [--full]
"""

import argparse
import importlib.util
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from actors.distances.neighbours import nearest
from actors.selection import gist, greedy
from actors.selection.gist import density
from tests.benchmarks.selection import clustered

EPSILON = 0.1
WEIGHTS = (0.1, 0.5)
# rows that a slow package chooses
PART = 100

Peer = Callable[[np.ndarray, np.ndarray, int, float], np.ndarray]


def by_divsel(features: np.ndarray, quality: np.ndarray, n: int, diversity: float) -> np.ndarray:
    """Run divsel (Rust), with its exact diameter."""
    import divsel

    chosen = divsel.gist_select(
        features, quality, k=n, lam=diversity, eps=EPSILON, metric="euclidean"
    )
    return np.array(chosen)


def by_gist_select(
    features: np.ndarray, quality: np.ndarray, n: int, diversity: float
) -> np.ndarray:
    """Run gist-select (NumPy), with its approximate diameter."""
    from gist import EuclideanDistance, LinearUtility
    from gist import gist as their_gist

    found = their_gist(
        features, LinearUtility(quality), EuclideanDistance(), n, diversity, EPSILON, seed=0
    )
    return np.asarray(found.indices)


PEERS: dict[str, tuple[str, Peer]] = {
    "divsel": ("divsel", by_divsel),
    "gist-select": ("gist", by_gist_select),
}


def measured(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    """Return the rows, the seconds and the MiB that the work needed at its peak (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = high_water()
    started = time.perf_counter()
    rows = work()
    return rows, time.perf_counter() - started, high_water() - before


def high_water() -> float:
    """Return the largest resident size in MiB since it was last reset."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def smallest_distance(rows: np.ndarray) -> float:
    """Return the smallest distance between two of the rows."""
    distances, _ = nearest(rows, rows, exclude_self=True)
    return float(distances.min())


def compare(features: np.ndarray, n: int, weight: float, *, scaled: bool) -> None:
    """Print a line per implementation."""
    quality = density(features)
    dispersed = greedy(features, n, seed=0).distances
    assert dispersed is not None
    # of n rows the objective of `gist` times n / (1 - weight)
    diversity = float(weight / (1 - weight) * n / dispersed[-1])
    print(f" weight {weight}, lambda {diversity:.3f}:")

    def line(name: str, rows: np.ndarray, seconds: float, peak: float, note: str) -> None:
        # of one row alone, where the paper has the diameter, nothing is said
        apart = smallest_distance(features[rows]) if len(rows) > 1 else float("nan")
        total = float(quality[rows].sum()) + diversity * apart
        print(
            f"  {name:12s} {seconds:9.2f} s {peak:7.0f} MiB  {len(rows):6,} rows  "
            f"objective {total:9.1f}  smallest distance {apart:6.3f}  {note}",
            flush=True,
        )

    notes: dict[str, float] = {}

    def ours() -> np.ndarray:
        chosen = gist(features, n, seed=0, quality=quality, weight=weight, epsilon=EPSILON)
        notes.update(chosen.notes)
        return chosen.positions

    line("ours", *measured(ours), f"at least {notes['at_least']:.2f} of the best n rows")
    for name, (module, peer) in PEERS.items():
        if importlib.util.find_spec(module) is None:
            print(f"  {name:12s} not installed (pip install {name})")
            continue
        if not scaled:
            line(name, *measured(lambda p=peer: p(features, quality, n, diversity)), "")  # type: ignore[misc]
            continue
        seconds = [
            measured(lambda p=peer, k=k: p(features, quality, k, diversity))[1]  # type: ignore[misc]
            for k in (PART, 2 * PART)
        ]
        whole = seconds[0] + (seconds[1] - seconds[0]) / PART * (n - PART)
        print(
            f"  {name:12s} scaled {whole:9,.0f} s from {seconds[0]:.1f} s for {PART} and "
            f"{seconds[1]:.1f} s for {2 * PART} rows; less where thresholds stop short of n",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="20,000 x 384 -> 10,000 as well")
    arguments = parser.parse_args()
    gist(clustered(100, 4), 10, seed=0)  # what the first call of a process costs
    sizes = [(5_000, 64, 500)] + [(20_000, 384, 10_000)] * arguments.full
    for rows, dimensions, n in sizes:
        print(f"{rows:,} x {dimensions} -> {n:,}, {torch.get_num_threads()} threads, clustered:")
        features = clustered(rows, dimensions)
        for weight in WEIGHTS:
            compare(features, n, weight, scaled=n > 1000)
    print(
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {np.__version__}"
    )


if __name__ == "__main__":
    main()
