"""What a curation is judged by."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.feature_source import FeatureSource, pick
from actors.metrics.entropy import Entropy, entropy
from actors.seeds import derive_seed
from actors.selection.selection import Selection

# an estimate compares all pairs of rows: at most this many rows, and this many multiplications
ENTROPY_ROWS = 50_000
ENTROPY_WORK = 1e12
NO_SOURCE = "(none)"


@dataclass(frozen=True)
class Figures:
    """Figures of a curation; distances in feature units.

    Attributes:
        rows: candidates (N).
        kept: rows kept (n).
        before: entropy of random candidates, as many as of kept ones; None below 2 rows.
        after: entropy of kept rows.
        repeats: candidates that repeat an earlier one exactly.
        kept_repeats: kept rows that repeat another kept one exactly.
        shares: share of each source among the candidates and among the kept rows.
        last_pick: distance at the last pick; None for methods without distances.
        covering: largest distance from a candidate to its nearest kept row; None without reasons.
    """

    rows: int
    kept: int
    before: Entropy | None
    after: Entropy | None
    repeats: int
    kept_repeats: int
    shares: dict[str, tuple[float, float]]
    last_pick: float | None
    covering: float | None


def measure(
    source: FeatureSource,
    keys: np.ndarray,
    origins: pa.Array | None,
    selection: Selection,
    seed: int,
    floor: float,
) -> Figures:
    """Measure a selection among the rows of a source, given their duplicate keys.

    Args:
        floor: of the distances that entropies take, in feature units.
    """
    positions, distances, reasons = selection.positions, selection.distances, selection.reasons
    before, after = entropies(source, positions, seed, floor)
    return Figures(
        rows=source.rows,
        kept=len(positions),
        before=before,
        after=after,
        repeats=repeated(keys),
        kept_repeats=repeated(keys[positions]),
        shares={} if origins is None else shares(origins, positions),
        last_pick=None if distances is None or len(distances) < 2 else float(distances[-1]),
        covering=float(reasons.distances.max()) if reasons else None,
    )


def entropies(
    source: FeatureSource, positions: np.ndarray, seed: int, floor: float
) -> tuple[Entropy | None, Entropy | None]:
    """Return the entropy of random rows and of kept ones; as many of each, or they mean nothing."""
    count = entropy_rows(len(positions), source.dimension)
    if count < 2:
        return None, None
    rng = np.random.default_rng(derive_seed(seed, "curation", "entropy"))
    chance = np.sort(rng.choice(source.rows, count, replace=False))
    kept = np.sort(rng.choice(positions, count, replace=False))
    before, after = (entropy(pick(source, rows), floor=floor) for rows in (chance, kept))
    return before, after


def entropy_rows(kept: int, dimension: int) -> int:
    """Return how many rows an entropy estimate takes."""
    return min(kept, ENTROPY_ROWS, max(2, int((ENTROPY_WORK / dimension) ** 0.5)))


def shares(origins: pa.Array, positions: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return each source's share among all rows and among (n,) positions, largest first."""
    origins = origins.fill_null(NO_SOURCE)
    every, kept = (
        dict(pair.values() for pair in pc.value_counts(column).to_pylist())
        for column in (origins, origins.take(pa.array(positions)))
    )
    return {
        source: (every[source] / len(origins), kept.get(source, 0) / len(positions))
        for source in sorted(every, key=lambda source: -every[source])
    }


def row_keys(blocks: Iterable[tuple[int, np.ndarray]], rows: int) -> np.ndarray:
    """Return (N, 2) uint64 keys, equal for equal rows and, but for chance, for no others.

    A key is a random linear form of a row's bits modulo 2^64 (Carter and Wegman 1979).
    """
    keys = np.empty((rows, 2), np.uint64)
    factors = np.empty((0, 2), np.uint64)
    for start, block in blocks:
        if len(factors) != block.shape[1]:
            odd = np.random.default_rng(0).integers(0, 1 << 63, (block.shape[1], 2), np.uint64)
            factors = 2 * odd + np.uint64(1)
        bits = np.add(block, np.float32(0)).view(np.uint32)  # -0 and 0 are one number
        keys[start : start + len(block)] = bits.astype(np.uint64) @ factors
    return keys


def repeated(keys: np.ndarray) -> int:
    """Return how many of the (N, 2) keys another one before them equals."""
    ordered = keys[np.lexsort(keys.T)]
    return int((ordered[1:] == ordered[:-1]).all(axis=1).sum())
