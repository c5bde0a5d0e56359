"""Selections of rows that low precision cannot tell apart, against all pairs in float64."""

import numpy as np
import pytest
import torch

from actors.distances import products
from actors.selection import explain, gist, greedy, threshold_decay
from tests.actors.distances.hard import HARD

SMALL = {name: rows[:: -(-len(rows) // 400)] for name, rows in HARD.items()}


def all_pairs(rows: np.ndarray) -> np.ndarray:
    """Return squared distances as sums of squared float64 differences."""
    exact = rows.astype(np.float64)
    return np.array([np.square(exact - row).sum(axis=1) for row in exact])


def filtered(
    squared: np.ndarray, order: np.ndarray, n: int, threshold: float, decay: float
) -> list[int]:
    """Return the rows of the threshold decay filter as it is worded, without copies of the kept."""
    nearest = np.full(len(squared), np.inf)
    kept: list[int] = []
    while len(kept) < n and nearest[order].max() > 0:
        for row in order:
            if len(kept) < n and nearest[row] > threshold**2:
                kept.append(int(row))
                nearest = np.minimum(nearest, squared[row])
        threshold *= decay
    return kept


@pytest.fixture(params=[torch.float32, torch.bfloat16])
def dtype(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The precision of products, which decides nothing."""
    monkeypatch.setattr(products, "fast_dtype", lambda _: request.param)


@pytest.mark.usefixtures("dtype")
@pytest.mark.parametrize("name", SMALL)
def test_every_pick_is_a_farthest_row_and_every_row_is_covered_by_its_nearest(name: str) -> None:
    rows = SMALL[name]
    squared = all_pairs(rows)
    chosen = greedy(rows, len(rows) * 2 // 3, seed=0)
    assert chosen.distances is not None
    nearest = np.full(len(rows), np.inf)
    for rank, pick in enumerate(chosen.positions):
        if rank:
            assert nearest[pick] >= nearest.max() * (1 - 1e-13)
            assert chosen.distances[rank] == pytest.approx(np.sqrt(nearest[pick]), rel=1e-13)
        nearest = np.minimum(nearest, squared[pick])
        nearest[pick] = -1
    reasons = explain(rows, chosen.positions)
    left = np.setdiff1d(np.arange(len(rows)), chosen.positions)
    least = squared[np.ix_(left, chosen.positions)].min(axis=1)
    np.testing.assert_allclose(squared[left, reasons.covered_by[left]], least, rtol=1e-13, atol=0)
    np.testing.assert_allclose(reasons.distances[left], np.sqrt(least), rtol=1e-13, atol=0)


@pytest.mark.usefixtures("dtype")
@pytest.mark.parametrize("name", SMALL)
def test_thresholds_keep_the_rows_of_a_search_through_all_pairs(name: str) -> None:
    rows = SMALL[name]
    squared = all_pairs(rows)
    chosen = threshold_decay(rows, len(rows) // 2, seed=0, decay=0.5)
    order = np.random.default_rng(0).permutation(len(rows))
    expected = filtered(squared, order, len(rows) // 2, chosen.notes["initial_threshold"], 0.5)
    assert chosen.positions[: len(expected)].tolist() == expected
    spread = gist(rows, len(rows) // 4, seed=0)
    among = squared[np.ix_(spread.positions, spread.positions)] + np.diag(
        [np.inf] * (len(rows) // 4)
    )
    assert spread.notes["diversity"] == pytest.approx(np.sqrt(among.min()), rel=1e-13)
