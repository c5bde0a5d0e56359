from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist, squareform
from sklearn.neighbors import NearestNeighbors

from actors.errors import UserError
from actors.selection import METHODS, gist, greedy
from actors.selection.gist import density, independent_set

small = arrays(
    np.float32, st.tuples(st.integers(1, 9), st.integers(1, 3)), elements=st.integers(-4, 4)
)


def smallest_gap(features: np.ndarray, positions: np.ndarray) -> float:
    return float(pdist(features[positions].astype(np.float64)).min())


def objective(
    features: np.ndarray, worth: np.ndarray, rows: list[int], weight: float, scale: float
) -> float:
    """f of the docstring, by scipy."""
    apart = smallest_gap(features, np.array(rows)) / scale if scale > 0 else 0.0
    return float((1 - weight) * worth[rows].mean() + weight * apart)


@given(
    features=small,
    weight=st.floats(0, 1),
    epsilon=st.sampled_from([0.05, 0.1, 0.5]),
    seed=st.integers(0, 20),
    data=st.data(),
)
def test_the_objective_is_as_near_to_the_best_of_all_subsets_as_stated(
    features: np.ndarray, weight: float, epsilon: float, seed: int, data: st.DataObject
) -> None:
    rows = len(features)
    n = data.draw(st.integers(1, rows))
    worth = np.random.default_rng(seed).random(rows) ** 3
    worth /= worth.max()
    chosen = gist(features, n, seed=seed, quality=worth, weight=weight, epsilon=epsilon)
    assert len(set(chosen.positions.tolist())) == n == len(chosen.positions)
    dispersed = greedy(features, n, seed=seed).positions
    scale = smallest_gap(features, dispersed) if n > 1 else 0.0
    reached = objective(features, worth, chosen.positions.tolist(), weight, scale)
    assert chosen.notes["objective"] == pytest.approx(reached)
    best = max(
        objective(features, worth, list(rows), weight, scale)
        for rows in combinations(range(rows), n)
    )
    assert reached >= best / (2 + 2 * epsilon) - 1e-12
    # what the notes say of this result holds, and says at least as much
    assert chosen.notes["objective"] >= chosen.notes["at_least"] * best - 1e-9


@given(
    features=arrays(np.float32, (40, 2), elements=st.integers(-6, 6)),
    seed=st.integers(0, 9),
    n=st.integers(1, 40),
    threshold=st.sampled_from([0.0, 1.0, 2.0, 5.0, 7.5]),
)
def test_an_independent_set_is_that_of_the_plain_loop_where_a_distance_equals_the_threshold(
    features: np.ndarray, seed: int, n: int, threshold: float
) -> None:
    order = np.random.default_rng(seed).permutation(40)
    distances = squareform(pdist(features.astype(np.float64)))
    expected: list[int] = []
    for row in order:
        if len(expected) < n and (distances[row, expected] >= threshold).all():
            expected.append(int(row))
    found = independent_set(torch.from_numpy(features), torch.from_numpy(order), n, threshold)
    if len(expected) < n:
        assert found is None
    else:
        assert found is not None
        assert found.positions.tolist() == expected
        assert found.distances is not None
        before = [distances[row, expected[:i]].min() for i, row in enumerate(expected) if i]
        assert np.allclose(found.distances[1:], before)


def broken(rows: int, outliers: int) -> np.ndarray:
    """A Gaussian, the first rows of which are outliers in all directions."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, 16))
    features[:outliers] *= 20
    return features.astype(np.float32)


def test_with_density_far_fewer_outliers_are_picked_than_by_greedy() -> None:
    features = broken(2000, 100)
    by_greedy = greedy(features, 200, seed=0).positions
    assert (by_greedy < 100).sum() > 90
    by_gist = gist(features, 200, seed=0, weight=0.5).positions
    assert (by_gist < 100).sum() < 10
    by_quality = gist(features, 200, seed=0, weight=0).positions
    assert smallest_gap(features, by_gist) > 1.3 * smallest_gap(features, by_quality)


@pytest.mark.parametrize("outliers", [0, 100])
def test_with_all_weight_on_the_distance_rows_are_as_dispersed_as_by_greedy(outliers: int) -> None:
    features = broken(2000, outliers)
    selection = gist(features, 200, seed=0, weight=1)
    best = smallest_gap(features, greedy(features, 200, seed=0).positions)
    assert selection.notes["diversity"] >= best * (1 - 1e-9)
    assert smallest_gap(features, selection.positions) == pytest.approx(
        selection.notes["diversity"]
    )


def test_with_no_weight_on_the_distance_the_best_rows_are_taken_in_their_order() -> None:
    features = broken(500, 0)
    quality = np.random.default_rng(0).integers(0, 50, 500)
    selection = gist(features, 100, seed=0, quality=quality, weight=0)
    assert selection.positions.tolist() == np.argsort(-quality, kind="stable")[:100].tolist()
    assert selection.notes["quality"] == pytest.approx(
        np.sort(quality)[-100:].mean() / quality.max()
    )
    assert selection.notes["at_least"] == 1


def test_more_weight_on_the_distance_gives_more_of_it_for_less_quality() -> None:
    features = np.random.default_rng(2).normal(size=(1000, 4)).astype(np.float32)
    quality = np.random.default_rng(3).random(1000)
    notes = [gist(features, 100, seed=0, quality=quality, weight=w).notes for w in (0, 0.3, 0.6, 1)]
    assert (np.diff([note["diversity"] for note in notes]) >= 0).all()
    assert (np.diff([note["quality"] for note in notes]) <= 0).all()
    assert notes[0]["diversity"] < 0.5 * notes[-1]["diversity"]


def test_density_falls_with_scikit_learns_distance_to_the_tenth_neighbour() -> None:
    features = broken(400, 40)
    distances, _ = NearestNeighbors(n_neighbors=11).fit(features).kneighbors(features)
    found = density(features)
    assert found.min() == 0
    assert found.max() == 1
    order = np.argsort(distances[:, 10])
    # rows that are each other's tenth neighbour are equally dense
    assert (np.diff(found[order]) <= 0).all()
    assert len(np.unique(found)) > 380
    assert (density(np.ones((7, 2), np.float32)) == 0.5).all()


@pytest.mark.parametrize(("rows", "n"), [(1, 1), (2, 1), (2, 2), (12, 1), (12, 7), (12, 12)])
@pytest.mark.parametrize("weight", [0, 0.5, 1])
def test_identical_rows_and_the_smallest_requests_work(rows: int, n: int, weight: float) -> None:
    for features in (np.full((rows, 3), 2.5, np.float32), np.eye(rows, 3, dtype=np.float32)):
        selection = gist(features, n, seed=0, weight=weight)
        assert len(set(selection.positions.tolist())) == n
        assert selection.distances is not None
        assert np.isnan(selection.distances[0])
        assert np.isfinite(list(selection.notes.values())).all()


def test_rows_on_disk_that_cannot_be_written_give_the_same(tmp_path: Path) -> None:
    features = broken(300, 10)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert np.array_equal(gist(mapped, 50, seed=1).positions, gist(features, 50, seed=1).positions)


def test_a_quality_that_cannot_be_one_is_refused_with_its_rows() -> None:
    features = broken(10, 0)
    quality = np.ones(10)
    quality[[2, 5, 7]] = np.nan, np.inf, -1
    with pytest.raises(UserError, match=r"quality: 3 values .* \(rows 2, 5, 7\); allowed"):
        gist(features, 3, seed=0, quality=quality)
    with pytest.raises(UserError, match=r"quality: found shape \(9,\); allowed is \(10,\)"):
        gist(features, 3, seed=0, quality=np.ones(9))
    assert len(gist(features, 3, seed=0, quality=np.zeros(10)).positions) == 3


def test_the_method_asks_for_its_column_and_refuses_to_go_without() -> None:
    features = broken(50, 5)
    of_density = METHODS["gist"].model_validate({"kind": "gist"})
    assert of_density.needed_column is None
    of_column = METHODS["gist"].model_validate({"kind": "gist", "quality": "sharpness"})
    assert of_column.needed_column == "sharpness"
    with pytest.raises(UserError, match="quality: found no values of the column 'sharpness'"):
        of_column.select(features, 5, 0)
    quality = np.arange(50.0)
    chosen = of_column.select(features, 5, 0, quality).positions
    assert np.array_equal(chosen, gist(features, 5, seed=0, quality=quality).positions)
