from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from actors.distances import balls
from actors.metrics.manifold import Manifold, manifold


def plain(samples: np.ndarray, reference: np.ndarray, k: int) -> dict[str, float]:
    """The four by whole matrices of scikit-learn."""
    of_samples, of_reference = (
        np.sort(pairwise_distances(rows), axis=1)[:, k] for rows in (samples, reference)
    )
    across = pairwise_distances(reference, samples)
    inside = across <= of_reference[:, None]
    return {
        "precision": inside.any(axis=0).mean(),
        "recall": (across <= of_samples).any(axis=1).mean(),
        "density": inside.sum() / k / len(samples),
        "coverage": inside.any(axis=1).mean(),
    }


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("d", [2, 40])
def test_manifold_is_that_of_prdc_and_of_the_plain_statement(d: int, k: int) -> None:
    rng = np.random.default_rng(d)
    samples, reference = rng.normal(size=(300, d)) * 0.9 + 0.3, rng.normal(size=(250, d))
    found = asdict(manifold(samples, reference, k))
    assert found == pytest.approx(plain(samples, reference, k), rel=1e-12)
    prdc = pytest.importorskip("prdc")
    assert found == pytest.approx(prdc.compute_prdc(reference, samples, k), rel=1e-12)


def test_what_is_exactly_at_the_distance_is_inside() -> None:
    line = np.arange(4.0)[:, None]
    # each of the inner rows lies on the edge of both neighbours' balls
    assert manifold(line, line, 1) == Manifold(1, 1, (2 + 3 + 3 + 2) / 4, 1)
    assert manifold(line + 0.5, line, 1).density == pytest.approx((2 * 3 + 1) / 4)


def test_ties_of_copies_are_decided_alike_for_every_block_and_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    reference = (rng.normal(size=(200, 30)) + 100).astype(np.float32)
    samples = reference[rng.integers(0, 200, 150)]
    found = manifold(samples, reference, 3)
    for block in (1, 7, 64):
        monkeypatch.setitem(balls.BLOCK, "cpu", block)
        assert manifold(samples, reference, 3) == found
    assert manifold(samples[::-1], reference[rng.permutation(200)], 3) == found


def test_near_copies_far_from_the_origin_are_told_from_what_is_outside() -> None:
    rng = np.random.default_rng(0)
    near = rng.normal(size=(50, 8)) * 1e-4
    found = manifold(near[:25] + 1e4, near[25:] + 1e4, 3)
    exact = (near + 1e4) - 1e4
    assert asdict(found) == plain(exact[:25], exact[25:], 3)


def test_fewer_rows_than_neighbours_are_refused() -> None:
    with pytest.raises(ValueError, match="reference: found 3 rows; allowed are 4 and more"):
        manifold(np.eye(5), np.eye(5)[:3], 3)
    with pytest.raises(ValueError, match="k: found 0; allowed are 1 and more"):
        manifold(np.eye(5), np.eye(5), 0)
