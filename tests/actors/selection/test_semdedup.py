from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from actors.distances import neighbours
from actors.errors import UserError
from actors.selection import semdedup
from actors.selection.kmeans_balanced import kmeans


def published_code(
    features: np.ndarray, seed: int, clusters: int, threshold: float
) -> tuple[list[int], np.ndarray]:
    """The rows that the paper's code keeps, and the distance of each to the nearest before."""
    rows = features.astype(np.float64)
    centroids, assigned = kmeans(features, clusters, seed)
    to_before = np.full(len(rows), np.inf)
    for cluster in range(clusters):
        members = np.flatnonzero(assigned == cluster)
        to_centroid = cdist(rows[members], centroids[cluster : cluster + 1])[:, 0]
        hard_first = members[np.argsort(-to_centroid, kind="stable")]
        distances = cdist(rows[hard_first], rows[hard_first])
        distances[np.triu_indices(len(hard_first))] = np.inf
        if len(members):
            to_before[hard_first] = distances.min(axis=1)
    return np.flatnonzero(to_before > threshold).tolist(), to_before


@given(
    seed=st.integers(0, 20), clusters=st.integers(1, 6), direct=st.integers(1, 20), data=st.data()
)
def test_rows_are_those_of_the_papers_code_at_the_threshold_in_the_notes(
    seed: int, clusters: int, direct: int, data: st.DataObject
) -> None:
    features = np.random.default_rng(seed).normal(size=(60, 3)).astype(np.float32)
    n = data.draw(st.integers(clusters, 60))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "DIRECT", direct)
        selection = semdedup(features, n, seed=seed, clusters=clusters)
    # half a unit in the last places: scipy's and our sums may round differently
    threshold = selection.notes["threshold"] * (1 + 1e-12)
    kept, to_before = published_code(features, seed, clusters, threshold)
    assert sorted(selection.positions.tolist()) == kept
    assert len(kept) == n
    by_rank = to_before[selection.positions]
    assert (by_rank[1:] <= by_rank[:-1] * (1 + 1e-12)).all()
    if n < 60:
        assert selection.notes["threshold"] == pytest.approx(np.sort(to_before)[59 - n])


def test_copies_go_first_and_then_near_copies_of_which_the_one_far_from_the_centroid_stays() -> (
    None
):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 16)).astype(np.float32) + 100
    near = (rows[:50] + 1e-4).astype(np.float32)
    features = np.concatenate((rows, rows[100:200], near))
    kept = semdedup(features, 450, seed=0)
    assert kept.notes["threshold"] == 0
    assert len(np.unique(features[kept.positions], axis=0)) == 450
    fewer = semdedup(features, 400, seed=0, clusters=1)
    assert 0 < fewer.notes["threshold"] < 1e-3
    pairs = np.stack((np.arange(50), np.arange(500, 550)), axis=1)
    centroid, _ = kmeans(features, 1, 0)
    far = np.linalg.norm(features[pairs].astype(np.float64) - centroid, axis=2).argmax(axis=1)
    assert np.isin(pairs[np.arange(50), far], fewer.positions).all()
    assert not np.isin(pairs[np.arange(50), 1 - far], fewer.positions).any()


def test_distances_far_below_float32_products_decide() -> None:
    # all within 1e-3 of each other at 1e3, where a float32 product sees zero
    steps = np.array([0, 4, 6, 7, 15], np.float32) * np.float32(2.0**-13)
    features = np.stack((1000 + steps, np.zeros(5)), axis=1).astype(np.float32)
    selection = semdedup(features, 4, seed=0, clusters=1)
    assert selection.notes["threshold"] == 2.0**-13


def test_near_copies_on_both_sides_of_a_far_off_feature_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 16)) * 1e-2
    features[:, 0] = rng.choice([-1e7, 1e7], 300)
    features = features.astype(np.float32)
    selection = semdedup(features, 150, seed=0, clusters=1)
    _, to_before = published_code(features, 0, 1, 0)
    by_distance = np.argsort(-to_before, kind="stable")
    assert set(selection.positions) == set(by_distance[:150])
    assert selection.notes["threshold"] == pytest.approx(to_before[by_distance[150]], rel=1e-12)


@given(rows=st.integers(1, 30), seed=st.integers(0, 5), values=st.integers(1, 3), data=st.data())
def test_exactly_n_rows_none_twice_and_a_smaller_selection_is_the_beginning(
    rows: int, seed: int, values: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, rows))
    features = np.random.default_rng(seed).integers(0, values, (rows, 2)).astype(np.float32)
    selection = semdedup(features, n, seed=seed)
    assert len(set(selection.positions.tolist())) == n == len(selection.positions)
    clusters = data.draw(st.integers(1, n))
    whole = semdedup(features, rows, seed=seed, clusters=clusters)
    assert whole.notes["threshold"] == 0
    part = semdedup(features, n, seed=seed, clusters=clusters)
    assert np.array_equal(part.positions, whole.positions[:n])


def test_rows_on_disk_that_cannot_be_written_give_the_same(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    expected = semdedup(features, 1500, seed=2**62).positions
    assert np.array_equal(semdedup(mapped, 1500, seed=2**62).positions, expected)


@pytest.mark.parametrize("clusters", [0, 5])
def test_more_clusters_than_rows_to_keep_are_refused(clusters: int) -> None:
    with pytest.raises(UserError, match=rf"clusters: found {clusters}; allowed are 1 to 4"):
        semdedup(np.zeros((10, 2), np.float32), 4, seed=0, clusters=clusters)
