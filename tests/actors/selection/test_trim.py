"""Leaving out isolated rows, against a sort of all distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from actors.selection.trim import trimmed, untrimmed


def expected(rows: np.ndarray, out: int) -> np.ndarray:
    """Return what is left without the rows whose fifth neighbour is farthest."""
    distances = np.sort(cdist(rows, rows), axis=1)[:, min(5, len(rows) - 1)]
    isolated = sorted(range(len(rows)), key=lambda row: (-distances[row], -row))[:out]
    return np.setdiff1d(np.arange(len(rows)), isolated)


@given(st.integers(2, 40), st.floats(0, 0.99), st.integers(0, 99))
def test_the_rows_farthest_from_their_fifth_neighbour_go(n: int, share: float, seed: int) -> None:
    # whole numbers: equal distances are common, and no sum is rounded
    rows = np.random.default_rng(seed).integers(-3, 4, (n, 2)).astype(np.float32)
    left = untrimmed(rows, share)
    assert len(left) == n - trimmed(n, share)
    assert left.tolist() == expected(rows, trimmed(n, share)).tolist()


@pytest.mark.parametrize(("rows", "share", "out"), [(10, 0.3, 3), (10, 0.29, 2), (7, 0, 0)])
def test_a_share_is_meant_as_it_is_written(rows: int, share: float, out: int) -> None:
    assert trimmed(rows, share) == out
