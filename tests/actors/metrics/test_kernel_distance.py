import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from actors.metrics import kernel_distance as kernel_settings
from actors.metrics.kernel_distance import kernel_distance


def test_distance_of_whole_sets_is_that_of_torch_fidelity() -> None:
    kid = pytest.importorskip("torch_fidelity.metric_kid")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(200, 30)), rng.normal(size=(200, 30)) * 1.1 + 0.1
    expected = kid.kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subsets=1, kid_subset_size=200, verbose=False
    )
    found = kernel_distance(a, b, seed=0, subsets=1)
    assert found.mean == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-9)


def test_subsets_of_torch_fidelity_agree_within_their_spread() -> None:
    kid = pytest.importorskip("torch_fidelity.metric_kid")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(400, 30)), rng.normal(size=(500, 30)) * 1.1 + 0.1
    expected = kid.kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subsets=50, kid_subset_size=100, verbose=False
    )
    found = kernel_distance(a, b, seed=0, subsets=50, subset_size=100)
    off = 4 * found.std / np.sqrt(50)
    assert found.mean == pytest.approx(expected["kernel_inception_distance_mean"], abs=off)
    assert found.std == pytest.approx(expected["kernel_inception_distance_std"], rel=0.5)


@pytest.mark.parametrize("block", [7, 256])
def test_distance_is_the_plain_sum_over_scikit_learns_kernel(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kernel_settings.BLOCK, "cpu", block)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 5)), rng.normal(size=(40, 5))
    within = [
        polynomial_kernel(rows, degree=3, coef0=1)[~np.eye(40, dtype=bool)] for rows in (a, b)
    ]
    across = polynomial_kernel(a, b, degree=3, coef0=1)
    expected = within[0].mean() + within[1].mean() - 2 * across.mean()
    found = kernel_distance(a, b, seed=0, subsets=3)
    assert found.mean == pytest.approx(expected, rel=1e-9)
    assert found.std == pytest.approx(0, abs=1e-12)


def test_sets_of_one_distribution_are_at_zero_on_average() -> None:
    values = []
    for s in range(50):
        rng = np.random.default_rng(s)
        a, b = rng.normal(size=(100, 8)), rng.normal(size=(100, 8))
        values.append(kernel_distance(a, b, seed=s, subsets=1).mean)
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(50)
    assert min(values) < 0


def test_the_seed_decides_the_subsets() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(50, 3)), rng.normal(size=(60, 3))
    found = [kernel_distance(a, b, seed=s, subsets=5, subset_size=20) for s in (0, 0, 1)]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_subsets_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(ValueError, match="subset_size: found 6; allowed are 2 to 5"):
        kernel_distance(np.eye(5), np.eye(5), seed=0, subset_size=6)
    with pytest.raises(ValueError, match="samples: found 1 rows; allowed are 2 and more"):
        kernel_distance(np.eye(5)[:1], np.eye(5), seed=0)
