from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import digamma, gammaln
from scipy.stats import multivariate_normal, norm
from sklearn.neighbors import NearestNeighbors

from actors.data.dataset import split
from actors.data.digits import Digits
from actors.distances.space import GIVEN
from actors.features.pixels import Pixels
from actors.metrics.entropy import Spacing, entropy, variance


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


def digits() -> np.ndarray:
    images, _ = split(Digits(rows=512, reference_rows=100), "train", 0)
    return Pixels().extract(images)


def brute(rows: np.ndarray, floor: float, k: int = 1, scale: float = 1, added: float = 0) -> float:
    """Return the formula in float64 on scipy's distances of all pairs."""
    n, d = rows.shape
    exact = rows.astype(np.float64)
    radius = np.sort(cdist(exact, exact), axis=1)[:, k] * scale
    log_ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
    mean = np.log(np.maximum(radius, floor) + added).mean()
    return float(digamma(n) - digamma(k) + log_ball + d * mean)


def test_entropy_falls_as_rows_become_copies_of_one_by_the_floor_each() -> None:
    rows, floor = digits(), 0.5 / 127.5
    found, released = [], []
    for share in (0, 0.1, 0.3, 0.5, 0.7, 0.9):
        copied = rows.copy()
        copied[: round(share * 512)] = rows[-1]
        spacing = Spacing.of(copied)
        found.append(spacing.entropy(Pixels.space.floor).nats)
        released.append(spacing.as_released(Pixels.space.in_levels))
        assert found[-1] == pytest.approx(brute(copied, floor), rel=1e-9)
        assert released[-1] == pytest.approx(brute(copied, 0, scale=127.5, added=1e-10), rel=1e-7)
    assert (np.diff(found) < 0).all()
    assert (np.diff(released) < 0).all()
    assert found[0] == pytest.approx(16.893, abs=1e-3)


def test_copies_that_differ_by_rounding_count_as_copies() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 5))
    rows[1] = rows[0]
    moved = rows.copy()
    moved[1] += 1e-5
    found = entropy(moved, floor=1e-3).nats
    assert found == pytest.approx(entropy(rows, floor=1e-3).nats, abs=1e-4)
    assert entropy(rows, floor=1e-3).at_floor == 2
    assert entropy(rows).at_floor == 2
    assert entropy(rows).nats == pytest.approx(brute(rows, 2**-24))


def test_rows_that_are_all_the_same_have_the_entropy_of_the_floor() -> None:
    found = entropy(np.ones((4, 2)), floor=0.1)
    assert found.at_floor == 4
    assert found.nats == pytest.approx(digamma(4) - digamma(1) + np.log(np.pi) + 2 * np.log(0.1))


def test_fewer_rows_than_neighbours_are_refused() -> None:
    with pytest.raises(ValueError, match="rows: found 1; an entropy of neighbour 1 needs at least"):
        entropy(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="k: found 0; allowed are 1 and more"):
        entropy(np.zeros((5, 2)), 0)


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


@pytest.mark.parametrize("k", [1, 3])
def test_interval_is_the_jackknife_with_every_row_left_out_in_turn(k: int) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    rows[5] = rows[6]
    without = np.array([brute(np.delete(rows, row, axis=0), 1e-3, k) for row in range(60)])
    error = np.sqrt(59 / 60 * np.square(without - without.mean()).sum())
    expected = norm(brute(rows, 1e-3, k), error).interval(0.9)
    assert Spacing.of(rows, k).interval(1e-3, 0.9) == pytest.approx(expected, rel=1e-9)


def clusters(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Return rows in tight clusters whose places are the same whatever the generator."""
    centres = np.random.default_rng(9).normal(size=(n // 4, d))
    return centres[rng.integers(0, n // 4, n)] + 1e-3 * rng.normal(size=(n, d))


@pytest.mark.parametrize(("n", "d"), [(80, 1), (80, 8), (120, 64)])
@pytest.mark.parametrize("draw", [lambda rng, n, d: rng.normal(size=(n, d)), clusters])
def test_interval_covers_what_independent_rows_give_on_average(
    draw: Callable[..., np.ndarray], n: int, d: int
) -> None:
    found = [Spacing.of(draw(np.random.default_rng(s), n, d)) for s in range(100)]
    floor = GIVEN.floor
    mean = np.mean([one.entropy(floor).nats for one in found])
    low, high = np.array([one.interval(floor) for one in found]).T
    # 95 % less three standard deviations of 100 draws
    assert np.mean((low < mean) & (mean < high)) > 0.95 - 0.066


def test_two_rows_have_an_entropy_and_no_interval() -> None:
    spacing = Spacing.of(np.array([[0.0], [2.0]]))
    assert spacing.entropy(1e-3).nats == pytest.approx(digamma(2) - digamma(1) + 2 * np.log(2))
    assert spacing.interval(1e-3) is None
    with pytest.raises(ValueError, match=r"level: found 1.0"):
        spacing.interval(1e-3, 1.0)


def test_variance_is_the_trace_of_numpys_covariance() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 7)) + 5
    assert variance(rows) == pytest.approx(np.trace(np.cov(rows, rowvar=False)))
