import numpy as np
import pytest
import scipy.linalg

from actors.evaluation.frechet import frechet_distance, variance


def by_sqrtm(a: np.ndarray, b: np.ndarray) -> float:
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    cross = scipy.linalg.sqrtm(c1 @ c2).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * cross))


def test_distance_equals_the_one_by_sqrtm() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(500, 20)) @ rng.normal(size=(20, 20))
    b = rng.normal(size=(300, 20)) @ rng.normal(size=(20, 20)) + 1
    assert frechet_distance(a, b) == pytest.approx(by_sqrtm(a, b), rel=1e-8)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def test_distance_of_one_dimensional_gaussians_is_the_closed_form() -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 1))
    shifted = 3 * rows + 2
    mean, std = rows.mean(), rows.std(ddof=1)
    expected = (2 * mean + 2) ** 2 + (2 * std) ** 2
    assert frechet_distance(rows, shifted) == pytest.approx(expected, rel=1e-9)


def test_distance_to_itself_is_zero_with_fewer_rows_than_dimensions_and_constant_features() -> None:
    rows = np.random.default_rng(0).normal(size=(10, 50)).astype(np.float32)
    rows[:, 3] = 1
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(np.ones((5, 3)), np.zeros((5, 3))) == pytest.approx(3)


def test_variance_is_the_trace_of_numpys_covariance() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 7)) + 5
    assert variance(rows) == pytest.approx(np.trace(np.cov(rows, rowvar=False)))


def test_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="found 1; a covariance needs at least 2"):
        frechet_distance(np.zeros((1, 2)), np.zeros((5, 2)))
