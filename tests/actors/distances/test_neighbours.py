from fractions import Fraction

import numpy as np
import prdc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from actors.distances import neighbours
from actors.distances.neighbours import nearest, nearest_before
from actors.metrics.manifold import manifold
from tests.actors.distances.hard import HARD


@pytest.mark.parametrize(("n", "d", "k"), [(300, 8, 1), (300, 64, 3), (5000, 4, 2), (3, 2, 1)])
def test_neighbours_are_those_of_scikit_learn(n: int, d: int, k: int) -> None:
    rng = np.random.default_rng(n + d)
    base, queries = rng.normal(size=(n, d)), rng.normal(size=(50, d))
    expected = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(base).kneighbors(queries)
    distances, positions = nearest(queries, base, k)
    np.testing.assert_allclose(distances, expected[0], rtol=1e-7)
    assert np.array_equal(positions, expected[1])


def test_near_duplicates_far_from_the_origin_keep_their_distance() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 32)) + 1e4
    rows[250:] = rows[:250] + 1e-4 / np.sqrt(32)
    distances, positions = nearest(rows, rows, exclude_self=True)
    np.testing.assert_allclose(distances, 1e-4, rtol=1e-4)
    assert np.array_equal(positions[:, 0], (np.arange(500) + 250) % 500)


def test_an_exact_copy_is_a_neighbour_and_the_row_itself_is_not() -> None:
    rows = np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    distances, positions = nearest(rows, rows, 2, exclude_self=True)
    assert distances.tolist() == [[0, 5], [0, 5], [5, 5]]
    assert positions[0].tolist() == [1, 2]


def test_more_neighbours_than_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="k: found 3; allowed are 1 to 2"):
        nearest(np.zeros((3, 1)), np.zeros((3, 1)), 3, exclude_self=True)


def by_differences(
    queries: np.ndarray, base: np.ndarray, k: int, *, exclude_self: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Search through all pairs by sums of squared float64 differences, the lowest of equal ones."""
    distances, positions = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
    for i, query in enumerate(queries):
        difference = query.astype(np.float64) - base
        squared = np.einsum("nd,nd->n", difference, difference)
        if exclude_self:
            squared[i] = np.inf
        positions[i] = np.argsort(squared, kind="stable")[:k]
        distances[i] = np.sqrt(squared[positions[i]])
    return distances, positions


def assert_nearest(rows: np.ndarray, k: int) -> None:
    distances, positions = nearest(rows, rows, k, exclude_self=True)
    expected, places = by_differences(rows, rows, k, exclude_self=True)
    np.testing.assert_allclose(distances, expected, rtol=1e-12, atol=0)
    assert np.array_equal(positions, places)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("name", HARD)
def test_hard_rows_have_the_neighbours_of_a_search_through_all_pairs(name: str, k: int) -> None:
    assert_nearest(HARD[name], k)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 60),
    d=st.integers(1, 12),
    scale=st.sampled_from([1e-300, 1e-20, 1.0, 1e6, 1e30, 1e300]),
    near=st.sampled_from([0.0, 1e-16, 1e-9, 1e-4, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
    data=st.data(),
)
def test_any_rows_have_the_neighbours_of_a_search_through_all_pairs(
    seed: int, n: int, d: int, scale: float, near: float, dtype: type, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.normal(size=(max(1, n // 4), d)) + rng.choice([0, 1e3])
    rows = groups[rng.integers(0, len(groups), n)] + near * rng.normal(size=(n, d))
    with np.errstate(over="ignore"):
        scaled = (rows * scale).astype(dtype)
    if not np.isfinite(scaled).all():
        scaled = rows.astype(dtype)
    k = data.draw(st.integers(1, n - 1))
    distances, positions = nearest(scaled, scaled, k, exclude_self=True)
    # by rational arithmetic, where float64 would over- or underflow
    exact = [[Fraction(float(x)) for x in row] for row in scaled]
    for i in rng.choice(n, min(n, 3), replace=False):
        squared = [sum((a - b) ** 2 for a, b in zip(exact[i], row, strict=True)) for row in exact]
        best = sorted(squared[:i] + squared[i + 1 :])[:k]
        ours = [squared[p] for p in positions[i]]
        pairs = zip(ours, best, strict=True)
        assert all(found <= least * (1 + Fraction(1, 10**13)) for found, least in pairs)
        unit = max(*ours, Fraction(1, 10**600))
        relative = [float(Fraction(float(distance)) ** 2 / unit) for distance in distances[i]]
        assert relative == pytest.approx([float(one / unit) for one in ours], rel=1e-11, abs=1e-30)


@pytest.mark.parametrize("size", [1e3, 1e4])
def test_precision_and_density_are_prdcs_where_one_feature_is_far_out(size: float) -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 600, 64))
    fake *= 1.1
    for rows in (real, fake):
        rows[:, 0] = np.where(rows[:, 0] > 0, size, -size)
    theirs = prdc.compute_prdc(real, fake, nearest_k=5)
    ours = manifold(fake, real, 5)
    assert ours.precision == pytest.approx(theirs["precision"], abs=1e-12)
    assert ours.density == pytest.approx(theirs["density"], abs=1e-12)
    assert ours.recall == pytest.approx(theirs["recall"], abs=1e-12)
    assert ours.coverage == pytest.approx(theirs["coverage"], abs=1e-12)


@pytest.mark.parametrize("direct", [1, 7, 64])
@pytest.mark.parametrize("m", [1, 2, 700])
def test_distances_are_to_the_nearest_of_all_rows_before(
    m: int, direct: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "DIRECT", direct)
    rng = np.random.default_rng(m)
    rows = rng.normal(size=(m, 5)).astype(np.float32)
    rows[m // 2 : m // 2 + m // 4] = rows[: m // 4]
    exact = rows.astype(np.float64)
    expected = [np.linalg.norm(exact[:i] - exact[i], axis=1).min() for i in range(1, m)]
    found = nearest_before(rows)
    assert found[0] == np.inf
    np.testing.assert_allclose(found[1:], expected, rtol=1e-12)
