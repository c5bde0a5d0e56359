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
def test_estimates_are_within_their_slack_of_scipys_distances(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates, "fast_dtype", lambda device: dtype)
    columns, others = rows(300, 0), rows(200, 1)
    squared, slack = Estimates(torch.from_numpy(columns)).squared(torch.from_numpy(others))
    exact = cdist(others, columns, "sqeuclidean")
    assert (np.abs(squared.double().numpy() - exact) <= slack.double().numpy()).all()
    # and say something: of rows of one length a distance to a percent or two
    lengths = ((columns - 5) ** 2).sum(1) + ((others - 5) ** 2).sum(1)[:, None]
    assert np.median(slack.numpy() / lengths) < 0.03


def test_nothing_is_said_of_rows_that_float32_does_not_hold() -> None:
    columns = torch.tensor([[0.0, 1.0], [1e30, 0.0]], dtype=torch.float64)
    squared, slack = Estimates(columns).squared(columns)
    assert (squared - slack == -torch.inf).all()
    assert (squared + slack == torch.inf).all()
