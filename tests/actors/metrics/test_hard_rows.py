"""Measures of rows that low precision cannot tell apart, against all pairs in float64."""

from dataclasses import asdict

import numpy as np
import prdc
import pytest
from scipy.spatial.distance import cdist
from scipy.special import digamma, gammaln

from actors.features.pixels import Pixels
from actors.metrics.entropy import entropy
from actors.metrics.generalization import authenticity, generalization_score, memorization_rate
from actors.metrics.manifold import manifold


def all_pairs(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return distances as sums of squared float64 differences, which is what scipy's are."""
    return cdist(rows.astype(np.float64), others.astype(np.float64))


def by_all_pairs(rows: np.ndarray) -> float:
    """Return the estimate of Kozachenko and Leonenko, k = 1."""
    n, d = rows.shape
    distances = all_pairs(rows, rows)
    np.fill_diagonal(distances, np.inf)
    log_ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
    mean_log = np.log(distances.min(axis=1)).mean()
    return float(digamma(n) - digamma(1) + log_ball + d * mean_log)


def test_entropy_of_near_copies_of_a_few_points() -> None:
    rng = np.random.default_rng(0)
    points = np.repeat(rng.normal(size=(20, 384)), 30, axis=0)
    rows = (points + 1e-5 * rng.normal(size=points.shape)).astype(np.float32)
    assert entropy(rows, floor=1e-9).nats == pytest.approx(by_all_pairs(rows), abs=1e-6)


def test_memorization_of_images_that_differ_from_others_in_a_few_pixels_by_one_level() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (20, 32, 32, 3))
    copies = np.repeat(images, 50, axis=0).reshape(1000, -1)
    for copy in copies:
        copy[rng.choice(copy.size, rng.integers(1, 31), replace=False)] += 1
    copies[:40] = copies[40:80]
    made, trained = np.split(rng.permutation(copies).astype(np.uint8).reshape(-1, 32, 32, 3), 2)
    original = Pixels().extract(images.astype(np.uint8))
    samples, training = Pixels().extract(made), Pixels().extract(trained)
    assert memorization_rate(samples, original) == 1
    distinct = np.unique(training, axis=0)
    first, second = np.sort(all_pairs(samples, distinct), axis=1)[:, :2].T
    assert 0 < (first == 0).sum() < 500
    assert memorization_rate(samples, training) == (first < second / 3).mean()
    assert generalization_score(samples, training) == pytest.approx(first.mean(), rel=1e-12)
    distances, within = all_pairs(samples, training), all_pairs(training, training)
    np.fill_diagonal(within, np.inf)
    nearest = within.min(axis=1)[distances.argmin(axis=1)]
    assert authenticity(samples, training) == (nearest < distances.min(axis=1)).mean()


def test_precision_and_density_of_rows_with_one_feature_far_out() -> None:
    real, fake = np.random.default_rng(0).normal(size=(2, 2500, 128)).astype(np.float32)
    for rows in (real, fake):
        rows[:, 0] = np.where(rows[:, 0] > 0, 1e4, -1e4)
    found = asdict(manifold(fake, real, 5))
    theirs = prdc.compute_prdc(real.astype(np.float64), fake.astype(np.float64), 5)
    assert found == pytest.approx(theirs, abs=1e-12)
    assert 0.6 < found["precision"] < 0.8
    assert 0.9 < found["density"] < 1.1


def test_measures_of_rows_one_of_which_is_at_1e7() -> None:
    real, fake = np.random.default_rng(0).normal(size=(2, 500, 64)).astype(np.float32)
    fake[17] = 1e7
    assert entropy(fake).nats == pytest.approx(by_all_pairs(fake), rel=1e-9)
    least = all_pairs(fake, real).min(axis=1)
    assert generalization_score(fake, real) == pytest.approx(least.mean(), rel=1e-12)
    assert memorization_rate(real, fake) == 0
    for samples, reference in ((fake, real), (real, fake)):
        theirs = prdc.compute_prdc(
            reference.astype(np.float64), samples.astype(np.float64), nearest_k=5
        )
        assert asdict(manifold(samples, reference, 5)) == pytest.approx(theirs, abs=1e-12)
