import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from actors.distances import pairs
from actors.distances.pairs import Pairs


def test_squared_distances_are_within_their_slack_of_scipys() -> None:
    rng = np.random.default_rng(0)
    rows, columns = rng.normal(size=(60, 30)) + 1e4, rng.normal(size=(80, 30)) + 1e4
    columns[:60] = rows + 1e-6
    squared, slack = Pairs(columns).squared(rows)
    # scipy's own rounding of rows this far from the origin is in the distances, not in the slack
    exact = cdist(rows - 1e4, columns - 1e4, "sqeuclidean")
    assert (np.abs(squared.numpy() - exact) <= slack.numpy()).all()


def test_recomputed_distances_are_exact_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 30)).astype(np.float32) + 1e4
    squared, _ = Pairs(rows).squared(rows)
    before = squared.clone()
    monkeypatch.setitem(pairs.BLOCK_BYTES, "cpu", 8 * 30 * 7)
    Pairs(rows).recompute(squared, rows, torch.eye(60, dtype=torch.bool))
    assert (squared.diag() == 0).all()
    off = ~torch.eye(60, dtype=torch.bool)
    assert (squared[off] == before[off]).all()
