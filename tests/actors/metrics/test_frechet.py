import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch

from actors.metrics import blocks
from actors.metrics.frechet import (
    Moments,
    frechet_distance,
    frechet_infinity,
    frechet_of_moments,
)


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


def test_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="found 1; a covariance needs at least 2"):
        frechet_distance(np.zeros((1, 2)), np.zeros((5, 2)))


@pytest.mark.parametrize("n", [60, 500])
def test_distance_equals_the_one_of_torch_fidelity(n: int) -> None:
    fid = pytest.importorskip("torch_fidelity.metric_fid")
    rng = np.random.default_rng(n)
    a = rng.normal(size=(n, 80)) @ rng.normal(size=(80, 80)) + 3
    b = rng.normal(size=(400, 80)) @ rng.normal(size=(80, 80))
    one, two = (fid.fid_features_to_statistics(torch.from_numpy(rows)) for rows in (a, b))
    expected = fid.fid_statistics_to_metric(one, two, False)["frechet_inception_distance"]
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_moments_are_numpys_for_every_block_far_from_the_origin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 7)) + 1e6
    for block in (1, 7, 100, 300, 1000):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", 8 * 7 * block)
        found = Moments.of(rows)
        assert found.n == 300
        np.testing.assert_allclose(found.mean, rows.mean(axis=0), rtol=1e-14)
        np.testing.assert_allclose(found.covariance(), np.cov(rows, rowvar=False), atol=1e-9)


def test_merged_parts_are_the_whole_in_any_order() -> None:
    rng = np.random.default_rng(0)
    rows, reference = rng.normal(size=(300, 7)), Moments.of(rng.normal(size=(200, 7)))
    first, second, third = (Moments.of(part) for part in np.split(rows, (10, 11)))
    expected = frechet_of_moments(Moments.of(rows), reference)
    for merged in (first.merge(second).merge(third), third.merge(first.merge(second))):
        assert merged.n == 300
        assert frechet_of_moments(merged, reference) == pytest.approx(expected, rel=1e-10)


def test_extrapolation_comes_nearer_to_the_truth_than_the_distance_itself() -> None:
    reference = np.random.default_rng(0).normal(size=(20_000, 16))
    plain, extrapolated = [], []
    for s in range(10):
        samples = np.random.default_rng(s + 1).normal(size=(400, 16)) * 1.2 + 0.1
        plain.append(frechet_distance(samples, reference))
        extrapolated.append(frechet_infinity(samples, reference, seed=s))
    truth = 16 * (0.1**2 + 0.2**2)
    assert abs(np.mean(extrapolated) - truth) < 0.2 * abs(np.mean(plain) - truth)


def test_extrapolation_is_scipys_line_read_at_infinitely_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    samples, reference = rng.normal(size=(100, 3)), rng.normal(size=(200, 3)) * 2
    draw = np.random.default_rng(7)
    sizes = [40, 60, 80, 100]
    values = [by_sqrtm(samples[draw.choice(100, size, replace=False)], reference) for size in sizes]
    expected = scipy.stats.linregress(1 / np.array(sizes), values).intercept
    monkeypatch.setattr("actors.metrics.frechet.POINTS", 4)
    monkeypatch.setattr("actors.metrics.frechet.SMALLEST", 40)
    found = frechet_infinity(samples, reference, seed=7)
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("rows", "taken"), [(31, False), (32, True)])
def test_an_extrapolation_from_few_rows_per_dimension_is_refused(rows: int, taken: bool) -> None:
    rng = np.random.default_rng(0)
    samples, reference = rng.normal(size=(rows, 8)), rng.normal(size=(20_000, 8))
    if taken:
        # of equal distributions, to a fifth of what the rows themselves give
        plain = frechet_distance(samples, reference)
        found = [frechet_infinity(samples, reference, seed=seed) for seed in range(5)]
        assert abs(np.mean(found)) < 0.2 * plain
        return
    with pytest.raises(ValueError, match="found 31 rows of 8 dimensions, the smallest subset 15"):
        frechet_infinity(samples, reference, seed=0)


def test_moments_that_do_not_fit_are_refused() -> None:
    two, three = Moments.of(np.eye(2)), Moments.of(np.eye(3))
    with pytest.raises(ValueError, match="other: found 3 dimensions; allowed are 2"):
        two.merge(three)
    with pytest.raises(ValueError, match="samples: found 3 dimensions; allowed are 2"):
        frechet_of_moments(three, two)
    with pytest.raises(ValueError, match="found 3 rows of 3 dimensions, the smallest subset 1"):
        frechet_infinity(np.eye(3), np.eye(3), seed=0)
