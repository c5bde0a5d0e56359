import numpy as np
import pytest
from scipy.spatial.distance import cdist

from actors.evaluation.generalization import generalization_score


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
