import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.cluster import KMeans

from actors.errors import UserError
from actors.selection import METHODS, kmeans_balanced

# the package has a function of the module's name
MODULE = importlib.import_module("actors.selection.kmeans_balanced")


def apart(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Clusters of these sizes that lie far apart, and which one each row is of."""
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = rng.normal(size=(len(sizes), 8)) * 30
    return (centres[label] + rng.normal(size=(len(label), 8))).astype(np.float32), label


def in_turn(sizes: list[int], target: int) -> list[int]:
    """Water-filling one row at a time: each part that has some left gives one, in turn."""
    shares = [0] * len(sizes)
    while sum(shares) < target:
        for part, size in enumerate(sizes):
            if shares[part] < size and sum(shares) < target:
                shares[part] += 1
    return shares


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    seed=st.integers(0, 9),
    data=st.data(),
)
def test_any_number_of_rows_from_the_front_is_drawn_by_water_filling(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    part = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    whole = np.zeros(len(part), np.int64)
    within = MODULE.ranks(part, whole, rng.permutation(len(part)))
    order = np.argsort(MODULE.ranks(whole, within, rng.permutation(len(sizes))[part]))
    target = data.draw(st.integers(1, len(part)))
    drawn = np.bincount(part[order[:target]], minlength=len(sizes))
    # which parts give what does not divide is random
    assert sorted(drawn) == sorted(in_turn(sizes, target))
    assert (drawn <= sizes).all()


def test_clusters_of_any_size_give_equal_shares_and_small_ones_all_they_have() -> None:
    sizes = [1000, 500, 50, 20, 5]
    features, label = apart(sizes)
    for seed in range(3):
        positions = kmeans_balanced(features, 100, seed=seed, clusters=[60, 5]).positions
        assert np.bincount(label[positions]).tolist() == in_turn(sizes, 100) == [25, 25, 25, 20, 5]


def test_more_levels_bring_the_shares_of_large_and_small_themes_nearer() -> None:
    # four themes of one, two, four and eight clusters
    themes = np.repeat(np.arange(4), [1, 2, 4, 8])
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 8))[themes] * 100 + rng.normal(size=(15, 8)) * 8
    cluster = rng.integers(0, 15, 3000)
    features = (centres[cluster] + rng.normal(size=(3000, 8))).astype(np.float32)

    def uneven(clusters: list[int]) -> float:
        positions = kmeans_balanced(features, 400, seed=0, clusters=clusters).positions
        return float(np.bincount(themes[cluster[positions]], minlength=4).std())

    assert uneven([60, 15, 4]) < 0.1 * uneven([60])


def test_clustering_is_about_as_tight_as_that_of_scikit_learn() -> None:
    features, _ = apart([200] * 20, seed=1)
    for moved in (0.0, 1000.0):
        centroids, assigned = MODULE.kmeans(features + np.float32(moved), 30, 0)
        inertia = ((features + moved - centroids[assigned]) ** 2).sum()
        theirs = KMeans(30, n_init=1, random_state=0).fit(features).inertia_
        assert inertia < 1.2 * theirs


def test_the_seed_decides_and_a_smaller_selection_is_the_beginning(tmp_path: Path) -> None:
    features, _ = apart([300, 200, 100])
    whole = kmeans_balanced(features, 600, seed=2).positions
    assert sorted(whole) == list(range(600))
    assert np.array_equal(kmeans_balanced(features, 70, seed=2).positions, whole[:70])
    assert not np.array_equal(kmeans_balanced(features, 70, seed=3).positions, whole[:70])
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert np.array_equal(kmeans_balanced(mapped, 70, seed=2).positions, whole[:70])


@given(rows=st.integers(1, 30), copies=st.booleans(), seed=st.integers(0, 5), data=st.data())
def test_exactly_n_rows_none_twice_whatever_the_levels(
    rows: int, copies: bool, seed: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, rows))
    levels = data.draw(st.lists(st.integers(1, rows), max_size=3).map(lambda c: sorted(c)[::-1]))
    features = np.random.default_rng(seed).integers(0, 1 if copies else 5, (rows, 2))
    selection = kmeans_balanced(features, n, seed=seed, clusters=levels or None)
    assert len(set(selection.positions.tolist())) == n == len(selection.positions)


@pytest.mark.parametrize("clusters", [[], [0], [11], [3, 5], [5, 5, 6]])
def test_impossible_levels_are_refused(clusters: list[int]) -> None:
    with pytest.raises(
        UserError, match=r"clusters: found \[.*\]; allowed are numbers from 1 to 10"
    ):
        kmeans_balanced(np.zeros((10, 2), np.float32), 4, seed=0, clusters=clusters)


def test_the_configuration_refuses_what_no_data_could_make_right() -> None:
    method = METHODS["kmeans_balanced"]
    for clusters in ([], [0], [3, 5]):
        with pytest.raises(ValidationError, match="clusters"):
            method.model_validate({"kind": "kmeans_balanced", "clusters": clusters})


@pytest.mark.parametrize("power", [-60, 60, 100])
def test_features_of_any_size_are_clustered_as_those_of_size_one(power: int) -> None:
    # squares of 2^100 overflow float32, in which faiss would abort the process
    sizes = [200, 100, 50, 20, 5]
    features, label = apart(sizes)
    scaled = np.ldexp(features, power)
    positions = kmeans_balanced(scaled, 60, seed=0, clusters=[30, 5]).positions
    expected = kmeans_balanced(features, 60, seed=0, clusters=[30, 5]).positions
    assert np.array_equal(positions, expected)
    assert np.bincount(label[positions]).tolist() == in_turn(sizes, 60)
    centroids, assigned = MODULE.kmeans(scaled, 5, 0, starts=5)
    for centroid in range(5):
        mean = scaled[assigned == centroid].mean(axis=0, dtype=np.float64)
        np.testing.assert_allclose(centroids[centroid], mean, rtol=1e-4, atol=1e-4 * 2.0**power)


def test_one_row_at_1e18_is_a_cluster_of_its_own() -> None:
    features, _ = apart([100, 100])
    features[7] = 1e18
    _, assigned = MODULE.kmeans(features, 2, 0)
    assert np.flatnonzero(assigned == assigned[7]).tolist() == [7]
