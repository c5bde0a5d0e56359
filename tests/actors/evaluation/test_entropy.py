from typing import Any

import numpy as np
import pytest
from scipy.special import digamma, gammaln
from scipy.stats import multivariate_normal
from sklearn.neighbors import NearestNeighbors

from actors.evaluation.entropy import entropy, entropy_interval


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


def closed_form(d: int) -> float:
    return d / 2 * np.log(2 * np.pi * np.e)


@pytest.mark.parametrize(("n", "d"), [(200, 1), (1000, 1), (200, 3), (1000, 3), (1000, 8)])
def test_entropy_is_within_its_known_bias_and_variance_of_the_closed_form(n: int, d: int) -> None:
    estimates = [entropy(np.random.default_rng(s).normal(size=(n, d))).nats for s in range(20)]
    # trigamma(1) for the neighbour's volume and d / 2, the variance of a Gaussian's log density
    spread = np.sqrt((np.pi**2 / 6 + d / 2) / n)
    assert np.std(estimates) < 2 * spread
    # the bias is of order n^(-2 / d); its factor is chosen, not known
    bias = 0.25 * d * n ** (-2 / d)
    assert abs(np.mean(estimates) - closed_form(d)) < bias + 3 * 2 * spread / np.sqrt(20)


def test_interval_covers_what_the_estimate_is_on_average_as_often_as_it_says() -> None:
    estimates, intervals = [], []
    for s in range(60):
        rows = np.random.default_rng(s).normal(size=(200, 2))
        estimates.append(entropy(rows).nats)
        intervals.append(entropy_interval(rows, seed=s, level=0.9))
    low, high = np.array(intervals).T
    mean = np.mean(estimates)
    assert 0.8 < np.mean((low < mean) & (mean < high)) <= 1
    assert np.mean(high - low) == pytest.approx(2 * 1.645 * np.std(estimates), rel=0.35)


def test_interval_follows_the_seed_and_widens_with_its_level() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 3))
    low, high = entropy_interval(rows, 2, seed=1)
    assert low < entropy(rows, 2).nats < high
    assert entropy_interval(rows, 2, seed=1) == (low, high)
    assert entropy_interval(rows, 2, seed=2) != (low, high)
    inner_low, inner_high = entropy_interval(rows, 2, seed=1, level=0.5)
    assert low < inner_low < inner_high < high


def test_interval_of_duplicates_is_a_value() -> None:
    assert entropy_interval(np.ones((20, 2)), seed=0) == (-np.inf, -np.inf)
    rows = np.repeat(np.random.default_rng(0).normal(size=(50, 2)), 2, axis=0)
    rows[:20] += np.random.default_rng(1).normal(size=(20, 2))
    assert np.isfinite(entropy_interval(rows, seed=0)).all()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"size": 100}, "size: found 100; allowed are k \\+ 1 = 2 to n - 1 = 99"),
        ({"level": 1.0}, "level: found 1.0"),
        ({"subsamples": 1}, "subsamples: found 1"),
    ],
)
def test_intervals_that_cannot_be_drawn_are_refused(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        entropy_interval(np.random.default_rng(0).normal(size=(100, 2)), seed=0, **keywords)
