import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, norm

from actors.metrics.generalization import (
    authenticity,
    data_copying,
    generalization_score,
    memorization_rate,
    nearest_quantiles,
)
from actors.selection import greedy, random_rows


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
    samples = training[:200] + rng.normal(size=(200, 5)) * rng.uniform(0, 0.3, (200, 1))
    first, second = np.sort(cdist(samples, training), axis=1)[:, :2].T
    expected = np.mean(first < second / 3)
    assert 0.2 < expected < 0.8
    assert memorization_rate(samples, training) == expected


@pytest.mark.parametrize("d", [1, 2, 3])
def test_independent_samples_are_memorized_at_the_rate_of_the_closed_form(d: int) -> None:
    # of the ball to the second nearest of uniform rows the first is anywhere: 3^-d
    rng = np.random.default_rng(d)
    found = memorization_rate(0.1 + 0.8 * rng.random((8000, d)), rng.random((8000, d)))
    assert found == pytest.approx(3.0**-d, abs=0.02)


def test_memorization_rate_is_the_share_of_copies_whichever_way_the_training_set_was_chosen() -> (
    None
):
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(1200, 16)) * rng.uniform(0.5, 2, (1200, 1))
    chosen = {
        "random": random_rows(pool, 400, seed=0).positions,
        "greedy": greedy(pool.astype(np.float32), 400, seed=0).positions,
    }
    for rows in chosen.values():
        training = pool[rows]
        copies = training[:100] + 1e-3 * rng.normal(size=(100, 16))
        fresh = rng.normal(size=(300, 16)) * rng.uniform(0.5, 2, (300, 1))
        assert memorization_rate(fresh, training) < 0.01
        samples = np.concatenate((copies, fresh))
        assert memorization_rate(samples, training) == pytest.approx(0.25, abs=0.01)


def test_a_copy_counts_even_of_a_row_that_the_training_set_has_twice() -> None:
    training = np.array([[0.0], [-0.0], [4.0], [6.0], [100.0]])
    assert memorization_rate(np.array([[0.0]]), training) == 1
    assert memorization_rate(np.array([[0.9], [1.1]]), training) == 0.5
    # at 1 and 3 exactly: not nearer than a third
    assert memorization_rate(np.array([[1.0]]), training) == 0


def test_one_distinct_training_row_has_no_second_nearest() -> None:
    with pytest.raises(ValueError, match="training_set: found 1 distinct row; a second nearest"):
        memorization_rate(np.zeros((3, 2)), np.zeros((5, 2)))


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
    with pytest.raises(ValueError, match="reference: found 19 rows; allowed are 20 and more"):
        data_copying(np.ones((20, 2)), np.ones((3, 2)), np.ones((19, 2)))
