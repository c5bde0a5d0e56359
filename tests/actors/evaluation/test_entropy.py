import numpy as np
import pytest
from scipy.special import digamma, gammaln
from scipy.stats import multivariate_normal
from sklearn.neighbors import NearestNeighbors

from actors.evaluation.entropy import entropy


@pytest.mark.parametrize(("n", "d", "k"), [(200, 3, 1), (200, 64, 1), (500, 10, 4)])
def test_entropy_is_the_formula_on_scikit_learns_neighbours(n: int, d: int, k: int) -> None:
    rows = np.random.default_rng(n).normal(size=(n, d))
    radius = NearestNeighbors(n_neighbors=k + 1).fit(rows).kneighbors(rows)[0][:, k]
    log_ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
    expected = digamma(n) - digamma(k) + log_ball + d * np.log(radius).mean()
    assert entropy(rows, k).nats == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("d", [1, 2, 4])
def test_entropy_of_a_gaussian_is_its_closed_form(d: int, k: int) -> None:
    covariance = np.diag(np.arange(1.0, d + 1))
    estimates = [
        entropy(np.random.default_rng(s).multivariate_normal(np.zeros(d), covariance, 2000), k).nats
        for s in range(5)
    ]
    exact = multivariate_normal(np.zeros(d), covariance).entropy()
    assert np.mean(estimates) == pytest.approx(exact, abs=0.08)


def test_scaling_the_rows_adds_d_times_the_log_of_the_scale() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 5))
    assert entropy(rows * 10).nats - entropy(rows).nats == pytest.approx(5 * np.log(10))


def test_exact_duplicates_are_counted_and_left_out_of_the_mean() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 5)).astype(np.float32)
    rows[1] = rows[0]
    estimate = entropy(rows)
    assert estimate.zero_distances == 2
    assert np.isfinite(estimate.nats)
    assert entropy(np.ones((4, 2))).nats == -np.inf
    assert entropy(np.ones((4, 2))).zero_distances == 4


def test_fewer_rows_than_neighbours_are_refused() -> None:
    with pytest.raises(ValueError, match="k: found 1; allowed are 1 to n - 1 = 0"):
        entropy(np.zeros((1, 2)))
