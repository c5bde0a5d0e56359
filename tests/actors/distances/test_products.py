import numpy as np
import pytest
import torch

from actors.distances import products
from actors.distances.products import Products
from actors.selection import greedy


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("spread", [1e-3, 1.0, 1e3])
def test_no_pair_that_is_nearest_and_near_enough_is_missed(
    dtype: torch.dtype, spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "fast_dtype", lambda _: dtype)
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(10, 96)) * 10
    near = groups[rng.integers(0, 10, 900)] + rng.normal(size=(900, 96)) * spread
    rows = torch.from_numpy(near.astype(np.float32))
    centres = torch.from_numpy(near[::3].astype(np.float32)) + 0.01 * spread
    exact = torch.cdist(
        rows.double(), centres.double(), compute_mode="donot_use_mm_for_euclid_dist"
    ).square()
    known = exact.min(dim=1).values * torch.from_numpy(rng.uniform(0.5, 2, 900))
    found = Products(rows[7], 2.0**5)
    found.set_centres(centres, found.sizes(centres))
    row, column = found.possible(rows, found.sizes(rows), known)
    pairs = set(zip(row.tolist(), column.tolist(), strict=True))
    for one, nearest in enumerate(exact.argmin(dim=1).tolist()):
        assert exact[one, nearest] >= known[one] or (one, nearest) in pairs
    assert len(pairs) < exact.numel() / 4


def test_centres_whose_squares_overflow_rule_out_nothing() -> None:
    rows, centres = torch.ones(3, 2), torch.tensor([[0.0, 0.0], [1e30, 1e30]])
    found = Products(torch.zeros(2))
    found.set_centres(centres, found.sizes(centres))
    row, column = found.possible(rows, found.sizes(rows), torch.tensor([9.0, 9.0, 9.0]).double())
    assert list(zip(row.tolist(), column.tolist(), strict=True)) == [
        (row, column) for row in range(3) for column in range(2)
    ]


def test_near_duplicates_are_ordered_alike_by_float32_and_bfloat16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(1500, 24)).astype(np.float32) + 20
    features[700:] = features[:800] + rng.normal(size=(800, 24)).astype(np.float32) * 1e-4
    orders = []
    for dtype in (torch.bfloat16, torch.float32):
        monkeypatch.setattr(products, "fast_dtype", lambda _, dtype=dtype: dtype)
        orders.append(greedy(features, 1400, seed=0).positions)
    assert np.array_equal(orders[0], orders[1])
