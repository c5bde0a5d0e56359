import numpy as np
import pytest
from scipy.spatial.distance import cdist

from actors.evaluation.generalization import (
    as_released,
    generalization_score,
    memorization_rate,
    nearest_quantiles,
)


def test_score_is_the_mean_of_scipys_nearest_distances() -> None:
    rng = np.random.default_rng(0)
    samples, training = rng.normal(size=(200, 12)), rng.normal(size=(300, 12))
    expected = cdist(samples, training).min(axis=1).mean()
    assert generalization_score(samples, training) == pytest.approx(expected, rel=1e-9)


def test_copies_of_the_training_set_score_zero_and_noise_raises_the_score() -> None:
    rng = np.random.default_rng(0)
    training = rng.normal(size=(100, 6))
    copies = training[rng.integers(0, 100, 50)]
    assert generalization_score(copies, training) == 0
    scores = [
        generalization_score(copies + s * rng.normal(size=(50, 6)), training) for s in (0.01, 0.1)
    ]
    assert 0 < scores[0] < scores[1]


def test_as_released_is_the_mean_squared_error_of_the_first_thousand() -> None:
    rng = np.random.default_rng(0)
    samples, training = rng.normal(size=(1200, 12)), rng.normal(size=(300, 12))
    squared = cdist(samples[:1000], training, "sqeuclidean").min(axis=1) / 12
    assert as_released(samples, training) == pytest.approx(squared.mean(), rel=1e-9)
    assert as_released(training, training) == 0


def test_quantiles_are_numpys_of_scipys_nearest_distances() -> None:
    rng = np.random.default_rng(0)
    samples, training = rng.normal(size=(200, 12)), rng.normal(size=(300, 12))
    expected = np.quantile(cdist(samples, training).min(axis=1), (0, 0.5, 0.9))
    found = nearest_quantiles(samples, training, (0, 0.5, 0.9))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    with pytest.raises(ValueError, match="levels: found 2; allowed are numbers from 0 to 1"):
        nearest_quantiles(samples, training, (0.5, 2))


def test_memorization_rate_is_its_definition_on_scipys_distances() -> None:
    rng = np.random.default_rng(0)
    training = rng.normal(size=(300, 5))
    samples = training[:200] + rng.normal(size=(200, 5)) * rng.uniform(0, 1, (200, 1))
    across, within = cdist(samples, training), cdist(training, training)
    np.fill_diagonal(within, np.inf)
    expected = np.mean(across.min(axis=1) < within.min(axis=1)[across.argmin(axis=1)])
    assert 0.2 < expected < 0.8
    assert memorization_rate(samples, training) == expected


def test_copies_count_as_memorized_even_of_rows_that_the_training_set_has_twice() -> None:
    training = np.array([[0.0], [0.0], [4.0], [6.0], [100.0]])
    assert memorization_rate(np.array([[0.0]]), training) == 1
    assert memorization_rate(np.array([[1.0]]), training) == 0
    # at 2 from the row at 6, whose nearest other row is at 2 as well
    assert memorization_rate(np.array([[8.0]]), training) == 0
    assert memorization_rate(np.array([[7.9], [8.1]]), training) == 0.5


def test_one_training_row_has_no_other_to_compare_with() -> None:
    with pytest.raises(ValueError, match="training_set: found 1 rows; allowed are 2 and more"):
        memorization_rate(np.zeros((3, 2)), np.zeros((1, 2)))
