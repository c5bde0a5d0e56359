import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from actors.distances import estimates
from actors.distances.estimates import Estimates


def rows(n: int, seed: int) -> np.ndarray:
    """Return rows of very different lengths around a far origin, copies among them."""
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(n, 40)) * 10.0 ** rng.integers(-6, 4, (n, 1)) + 5
    made[: n // 4] = 5 + np.arange(n // 4)[:, None] * 1e-4
    return made


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_scipys_distances_are_within_the_bounds(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates, "fast_dtype", lambda device: dtype)
    columns, others = rows(300, 0), rows(200, 1)
    low, high = Estimates(torch.from_numpy(columns)).squared(torch.from_numpy(others))
    exact = cdist(others, columns, "sqeuclidean")
    assert (low.double().numpy() <= exact).all()
    assert (exact <= high.double().numpy()).all()
    # and they say something: a distance to some percent of what the rows' lengths allow
    lengths = ((columns - 5) ** 2).sum(1) + ((others - 5) ** 2).sum(1)[:, None]
    assert np.median((high - low).numpy() / (lengths + 1e-12)) < 0.06


def test_nothing_is_said_of_rows_that_float32_does_not_hold() -> None:
    columns = torch.tensor([[0.0, 1.0], [1e30, 0.0]], dtype=torch.float64)
    low, high = Estimates(columns).squared(columns)
    assert (low == -torch.inf).all()
    assert (high == torch.inf).all()
