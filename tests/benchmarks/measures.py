"""The measures against bare searches, the packages one would use instead and plain statements.

Same arrays, agreement of the values printed; slow ones are timed on a part and scaled, which is
said. Peers take part where they are installed.

    python -m tests.benchmarks.measures [--rows 10000] [--dimensions 384] [--only frechet]
    python -m tests.benchmarks.measures --full [--rows 32768]
    python -m tests.benchmarks.measures --groups [--rows 10000] [--dimensions 384]

With --full all groups of measures of rows of 3,072 pixels: so many to train on, twice as many
samples, as many real ones and up to 10,000 held out. With --groups all groups of three sets of
equally many clustered rows.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import io
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import faiss
import numpy as np
import scipy.linalg
import torch
from sklearn.neighbors import NearestNeighbors

from actors.metrics.base import Sets, expect
from actors.metrics.entropy import entropy
from actors.metrics.fld import fld
from actors.metrics.frechet import Moments, frechet_of_moments
from actors.metrics.generalization import generalization_score
from actors.metrics.groups import GROUPS
from actors.metrics.manifold import manifold

# samples and training rows that the double loop is timed on
LOOP = (20, 2000)
INCEPTION = 2048
# the searches that the groups share, of the rows of the first in the second
SEARCHES = (
    ("samples", "samples"),
    ("training_set", "training_set"),
    ("samples", "training_set"),
    ("reference", "training_set"),
    ("reference", "reference"),
)
CARD = {"features": "benchmark"}


def clustered(n: int, d: int, seed: int) -> np.ndarray:
    """Return 200 Gaussian clusters of different width, the same clusters for every seed."""
    centres = np.random.default_rng(0).normal(size=(200, d)) * 3
    rng = np.random.default_rng(seed)
    width = rng.uniform(0.2, 1.5, (n, 1))
    return (centres[rng.integers(0, 200, n)] + rng.normal(size=(n, d)) * width).astype(np.float32)


def timed(*calls: Callable[[], Any], rounds: int = 3) -> tuple[list[float], list[Any]]:
    """Return the least seconds of each call, taken in turns, and what each returned."""
    seconds, results = [np.inf] * len(calls), [None] * len(calls)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            started = time.perf_counter()
            results[i] = call()
            seconds[i] = min(seconds[i], time.perf_counter() - started)
    return seconds, results


def line(what: str, seconds: float, ours: float, note: str = "") -> str:
    return f"  {what:34s} {seconds:9.2f} s   {seconds / ours:8.2f} x ours   {note}".rstrip()


def off(value: float, ours: float) -> str:
    return f"relative difference {abs(value - ours) / abs(ours):.1e}"


def bare(queries: np.ndarray, base: np.ndarray, k: int) -> np.ndarray:
    """Return faiss's own distances."""
    index = faiss.IndexFlatL2(base.shape[1])
    index.add(base)
    return np.sqrt(index.search(queries, k)[0])


def by_scikit_learn(queries: np.ndarray, base: np.ndarray, k: int) -> np.ndarray:
    return NearestNeighbors(n_neighbors=k).fit(base).kneighbors(queries)[0]


def double_loop(samples: np.ndarray, training_set: np.ndarray, tensors: bool) -> float:
    """Return the seconds of a loop over samples and training rows, scaled from a part.

    Args:
        tensors: its rows are torch's and not numpy's.
    """
    few: Any = samples[: LOOP[0]]
    some: Any = training_set[: LOOP[1]]
    if tensors:
        few, some = torch.from_numpy(few), torch.from_numpy(some)
    started = time.perf_counter()
    for sample in few:
        nearest = np.inf
        for row in some:
            nearest = min(nearest, float(((sample - row) ** 2).mean()))
    seconds = time.perf_counter() - started
    return seconds * (len(samples) / len(few)) * (len(training_set) / len(some))


def measure_neighbours(n: int, d: int) -> Iterator[str]:
    """Yield the lines of entropy and of the generalization score."""
    samples, training = clustered(n, d, 1), clustered(n, d, 2)
    loops = {kind: double_loop(samples, training, kind == "torch") for kind in ("numpy", "torch")}
    part = f"scaled from {LOOP[0]} x {LOOP[1]:,}"
    (ours, faiss_s, learn_s), (value, _, theirs) = timed(
        lambda: entropy(samples).nats,
        lambda: bare(samples, samples, 2),
        lambda: by_scikit_learn(samples, samples, 2),
    )
    mean_log = np.log(theirs[:, 1]).mean() - np.log(bare(samples, samples, 2)[:, 1]).mean()
    yield f"entropy: {value:.4f} nats"
    yield line("ours, best of 3", ours, ours)
    yield line("bare faiss, best of 3", faiss_s, ours, f"ours is {ours / faiss_s:.2f} x bare")
    yield line("scikit-learn, best of 3", learn_s, ours, f"faiss off by {d * mean_log:.1e} nats")
    for kind, loop in loops.items():
        yield line(f"double loop over rows of {kind}", loop, ours, part)
    (ours, faiss_s, learn_s), (value, _, theirs) = timed(
        lambda: generalization_score(samples, training),
        lambda: bare(samples, training, 1),
        lambda: by_scikit_learn(samples, training, 1),
    )
    yield f"generalization score: {value:.6f}"
    yield line("ours, best of 3", ours, ours)
    yield line("bare faiss, best of 3", faiss_s, ours, f"ours is {ours / faiss_s:.2f} x bare")
    yield line("scikit-learn, best of 3", learn_s, ours, off(float(theirs.mean()), value))
    for kind, loop in loops.items():
        yield line(f"double loop over rows of {kind}", loop, ours, part)


def by_sqrtm(one: Moments, two: Moments) -> float:
    first, second = one.covariance().numpy(), two.covariance().numpy()
    root = scipy.linalg.sqrtm(first @ second).real
    return float(
        (one.mean - two.mean).square().sum() + np.trace(first) + np.trace(second) - 2 * root.trace()
    )


def measure_frechet(n: int, d: int) -> Iterator[str]:
    """Yield the lines of the Fréchet distance; all take the same moments."""
    (seconds,), (one,) = timed(lambda: Moments.of(clustered(n, d, 1)), rounds=1)
    two = Moments.of(clustered(n, d, 2))
    (ours,), (value,) = timed(lambda: frechet_of_moments(one, two))
    yield f"Fréchet distance, {n:,} x {d:,}: {value:.6f}; moments of one set {seconds:.2f} s"
    yield line("ours, best of 3", ours, ours)
    (sqrtm_s,), (theirs,) = timed(lambda: by_sqrtm(one, two), rounds=1)
    yield line("scipy.linalg.sqrtm", sqrtm_s, ours, off(theirs, value))
    if importlib.util.find_spec("torch_fidelity") is None:
        yield "  torch-fidelity not installed"
        return
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    stats = [{"mu": part.mean.numpy(), "sigma": part.covariance().numpy()} for part in (one, two)]
    (fidelity_s,), (result,) = timed(lambda: fid_statistics_to_metric(*stats, False), rounds=1)
    theirs = result["frechet_inception_distance"]
    yield line("torch-fidelity", fidelity_s, ours, off(theirs, value))


def plain_fit(centres: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return the log variances that autograd fits, all distances held in one matrix."""
    m, d = centres.shape
    squared = torch.cdist(rows, centres) ** 2
    log_variances = ((squared.min(0).values + 1e-3) / d).log().requires_grad_()
    origin = torch.zeros((), dtype=rows.dtype, requires_grad=True)
    from_mean = 0.81 * ((rows - rows.mean(0)) ** 2).sum(1, keepdim=True)
    adam = torch.optim.Adam([log_variances, origin], lr=0.5)
    for _ in range(50):
        adam.zero_grad()
        joint = torch.cat(
            (
                (squared / log_variances.exp() + d * log_variances) / -2 - np.log(m),
                (from_mean / origin.exp() + d * origin) / -2,
            ),
            dim=1,
        )
        (-torch.logsumexp(joint, 1).mean() / d).backward()
        adam.step()
        with torch.no_grad():
            log_variances.clamp_(-40, 20)
    return log_variances.detach()


def plain_fld(samples: np.ndarray, training: np.ndarray, test: np.ndarray) -> float:
    """Return 100 times the negative log-likelihood per dimension in float64."""
    mean, std = test.mean(0, dtype=np.float64), test.std(0, ddof=1, dtype=np.float64)
    s, x, t = (torch.from_numpy((part - mean) / std) for part in (samples, training, test))
    m, d = s.shape
    log_variances = plain_fit(s, x)
    joint = (torch.cdist(t, s) ** 2 / log_variances.exp() + d * log_variances) / -2 - np.log(m)
    return -100 * float((torch.logsumexp(joint, 1) / d - np.log(2 * np.pi) / 2).mean())


def measure_fld(n: int, d: int) -> Iterator[str]:
    """Yield the lines of the feature likelihood divergence."""
    samples, training, test = (clustered(n, d, seed) for seed in (1, 2, 3))
    first, second = np.split(training[np.random.default_rng(0).permutation(n)], [n // 2])
    # what torch imports for its first optimizer does not count
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    (ours, theirs_s), (value, theirs) = timed(
        lambda: fld(samples, training, test, seed=0).value,
        lambda: plain_fld(samples, training, test) - plain_fld(first, second, test),
        rounds=1,
    )
    yield f"FLD, {n:,} x {d} each: {value:.4f}"
    yield line("ours, blocks", ours, ours)
    yield line("plain, whole matrix, autograd", theirs_s, ours, off(theirs, value))


def measure_manifold(n: int, d: int) -> Iterator[str]:
    """Yield the lines of precision, recall, density and coverage."""
    samples, reference = clustered(n, d, 1), clustered(n, d, 2)
    (ours,), (found,) = timed(lambda: manifold(samples, reference, 5), rounds=2)
    text = ", ".join(f"{name} {value:.4f}" for name, value in asdict(found).items())
    yield f"precision and recall, k = 5: {text}"
    yield line("ours, best of 2", ours, ours)
    if importlib.util.find_spec("prdc") is None:
        yield "  prdc not installed"
        return
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):
        (seconds,), (theirs,) = timed(lambda: compute_prdc(reference, samples, 5), rounds=1)
    most = max(abs(theirs[name] - value) for name, value in asdict(found).items())
    yield line("prdc", seconds, ours, f"largest difference {most:.1e}")


def images(n: int, seed: int) -> np.ndarray:
    """Return (n, 3072) pixels in [-1, 1], in 256 levels, with the spectrum of photographs."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.rfftfreq(32)[None], np.fft.fftfreq(32)[:, None])
    fall = 1 / np.maximum(frequency, 1 / 32) ** 1.2
    rows = np.empty((n, 3, 32, 32), np.float32)
    for start in range(0, n, 1024):
        some = rows[start : start + 1024]
        waves = rng.normal(size=(len(some), 3, 32, 17, 2)).view(np.complex128)[..., 0]
        waves[:, 1:] = 0.9 * waves[:, :1] + 0.45 * waves[:, 1:]
        field = np.fft.irfft2(waves * fall, s=(32, 32))
        contrast, light = rng.uniform(20, 70, (len(some), 1, 1, 1)), rng.normal(128, 25, (1, 1, 1))
        levels = np.clip(np.round(field / field.std() * contrast + light), 0, 255)
        some[:] = levels / 127.5 - 1
    return rows.reshape(n, -1)


def measure_groups(sets: Sets) -> Iterator[str]:
    """Yield the lines of all groups of measures, the searches that they share first."""
    # what torch imports for its first optimizer does not count
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    expect(sets, list(GROUPS.values()))
    started, busy = time.perf_counter(), time.process_time()
    for queries, base in SEARCHES:
        before = time.perf_counter()
        sets.searches.nearest(queries, base)
        yield f"  {f'search {queries}, {base}':34s} {time.perf_counter() - before:9.2f} s"
    for name, group in GROUPS.items():
        before = time.perf_counter()
        found = {
            one.metric: round(one.value, 6) if one.value is not None else one.note
            for one in group.take(sets)
            if one.subject == "samples"
        }
        yield f"  {name:34s} {time.perf_counter() - before:9.2f} s   {found}"
    seconds = time.perf_counter() - started
    busy = (time.process_time() - busy) / seconds
    yield f"  {'all of it':34s} {seconds:9.2f} s   {busy:.2f} CPUs busy"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all groups, at the paper's size")
    parser.add_argument("--groups", action="store_true", help="all groups, of clustered rows")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--fld-rows", type=int, default=2000)
    parser.add_argument("--only", help="neighbours, frechet, fld or manifold")
    arguments = parser.parse_args()
    n, d = arguments.rows or (32_768 if arguments.full else 10_000), arguments.dimensions
    print(f"{n:,} x {d}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    # the peak is what it was highest at so far: those that hold whole matrices come last
    whole: dict[str, Callable[[], Iterator[str]]] = {
        "full": lambda: measure_groups(
            Sets(images(2 * n, 1), images(min(n, 10_000), 2), images(n, 3), images(n, 4), CARD)
        ),
        "groups": lambda: measure_groups(
            Sets(clustered(n, d, 1), clustered(n, d, 2), clustered(n, d, 3), card=CARD)
        ),
    }
    parts: dict[str, Callable[[], Iterator[str]]] = {
        "neighbours": lambda: measure_neighbours(n, d),
        "fld": lambda: measure_fld(arguments.fld_rows, d),
        "frechet": lambda: measure_frechet(n, INCEPTION),
        "manifold": lambda: measure_manifold(n, d),
    }
    asked = [name for name in whole if getattr(arguments, name)]
    for name, part in ({name: whole[name] for name in asked} or parts).items():
        if arguments.only in (None, name):
            for text in part():
                print(text, flush=True)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"  peak memory so far {peak:,.0f} MiB", flush=True)
    packages = ("numpy", "scipy", "torch", "faiss-cpu", "scikit-learn", "torch-fidelity", "prdc")
    print(f"{platform.machine()}, Python {platform.python_version()}", end="")
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            print(f", {package} {importlib.metadata.version(package)}", end="")
    print()


if __name__ == "__main__":
    main()
