import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, norm

from actors.metrics.authenticity import authenticity, data_copying


def test_authenticity_is_its_definition_on_scipys_distances() -> None:
    rng = np.random.default_rng(0)
    training = rng.normal(size=(300, 5))
    samples = training[:200] + rng.normal(size=(200, 5)) * rng.uniform(0, 1, (200, 1))
    across, within = cdist(samples, training), cdist(training, training)
    np.fill_diagonal(within, np.inf)
    expected = np.mean(within.min(axis=1)[across.argmin(axis=1)] < across.min(axis=1))
    assert authenticity(samples, training) == expected


def test_copies_are_not_authentic_even_of_rows_that_the_training_set_has_twice() -> None:
    training = np.array([[0.0], [0.0], [4.0]])
    assert authenticity(np.array([[0.0], [4.0], [1.0]]), training) == pytest.approx(1 / 3)


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.3])
def test_data_copying_is_the_z_score_of_scipys_rank_test(scale: float) -> None:
    rng = np.random.default_rng(1)
    training, held_out = rng.normal(size=(200, 4)), rng.normal(size=(90, 4))
    samples = rng.normal(size=(120, 4)) * scale
    made, real = (cdist(rows, training).min(axis=1) for rows in (samples, held_out))
    test = mannwhitneyu(made, real, alternative="less", method="asymptotic", use_continuity=False)
    assert data_copying(samples, training, held_out) == pytest.approx(norm.ppf(test.pvalue))


def test_copies_are_far_below_zero_and_noise_far_above() -> None:
    rng = np.random.default_rng(0)
    training, held_out, fresh = (rng.normal(size=(100, 4)) for _ in range(3))
    assert data_copying(training, training, held_out) < -10
    assert abs(data_copying(fresh, training, held_out)) < 3
    assert data_copying(fresh * 5, training, held_out) > 8


def test_ties_count_half() -> None:
    assert data_copying(np.ones((20, 2)), np.ones((3, 2)), np.ones((30, 2))) == 0


def test_fewer_rows_than_the_z_score_needs_are_refused() -> None:
    with pytest.raises(ValueError, match="held_out: found 19 rows; allowed are 20 and more"):
        data_copying(np.ones((20, 2)), np.ones((3, 2)), np.ones((19, 2)))
