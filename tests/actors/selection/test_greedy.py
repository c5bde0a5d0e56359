import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actors.distances import farthest_first, nearest_chosen
from actors.errors import UserError
from actors.selection import greedy
from actors.selection.greedy import greedy_from


def published_loop(features: np.ndarray, n: int, first: int) -> list[int]:
    """The loop as published: one `torch.cdist` per pick, in float64."""
    rows = torch.from_numpy(features).double()
    chosen = [first]
    nearest = torch.full((len(rows),), torch.inf, dtype=torch.float64)
    while len(chosen) < n:
        distance = torch.cdist(rows, rows[chosen[-1:]], compute_mode="donot_use_mm_for_euclid_dist")
        nearest = torch.minimum(nearest, distance[:, 0])
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
    return chosen


def test_picks_are_those_of_the_published_loop_with_their_distances() -> None:
    features = np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32)
    selection = greedy(features, 150, seed=5)
    positions = selection.positions.tolist()
    assert positions == published_loop(features, 150, positions[0])
    distances = torch.cdist(torch.from_numpy(features), torch.from_numpy(features)).numpy()
    assert selection.distances is not None
    for rank in (1, 2, 75, 149):
        expected = distances[positions[rank], positions[:rank]].min()
        assert selection.distances[rank] == pytest.approx(expected, rel=1e-5)


small = arrays(
    np.float32, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(-3, 3)
)


@given(features=small, seed=st.integers(0, 9), data=st.data())
def test_size_is_exact_no_row_repeats_and_distances_never_rise(
    features: np.ndarray, seed: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(features)))
    selection = greedy(features, n, seed=seed)
    assert selection.positions.shape == (n,)
    assert len(set(selection.positions.tolist())) == n
    assert selection.distances is not None
    assert np.isnan(selection.distances[0])
    assert (np.diff(selection.distances[1:]) <= 0).all()


@given(features=small, seed=st.integers(0, 9), data=st.data())
def test_with_many_ties_the_lowest_position_wins_whatever_the_block_sizes(
    features: np.ndarray, seed: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(features)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(farthest_first, "REFRESHED", data.draw(st.integers(1, 12)))
        patch.setattr(farthest_first, "PROPOSED", data.draw(st.integers(1, 12)))
        patch.setattr(nearest_chosen, "CENTRE_BLOCK", data.draw(st.integers(1, 12)))
        positions = greedy(features, n, seed=seed).positions.tolist()
    assert positions == published_loop(features, n, positions[0])


def test_every_pick_is_a_farthest_row_of_a_hard_clustered_set() -> None:
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(20, 48)) * 5 + 100
    features = centres[rng.integers(0, 20, 6000)] + rng.normal(size=(6000, 48)) * 0.05
    features[3000:] = features[:3000] + 1e-5  # near-duplicates of everything
    features = features.astype(np.float32)
    selection = greedy(features, 4000, seed=0)
    assert selection.distances is not None
    exact = features.astype(np.float64)
    nearest = np.full(len(features), np.inf)
    for rank, pick in enumerate(selection.positions):
        if rank:
            assert nearest[pick] >= nearest.max() * (1 - 1e-6)
            assert selection.distances[rank] == pytest.approx(nearest[pick], rel=1e-9)
        nearest = np.minimum(nearest, np.linalg.norm(exact - exact[pick], axis=1))
        nearest[pick] = -1


@given(features=small, seed=st.integers(0, 9), data=st.data())
def test_a_smaller_selection_is_the_beginning_of_a_larger_one(
    features: np.ndarray, seed: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(features)))
    whole = greedy(features, len(features), seed=seed).positions
    assert np.array_equal(greedy(features, n, seed=seed).positions, whole[:n])


def test_near_duplicates_far_from_the_origin_are_told_apart() -> None:
    # 1e-3 apart at 1e3: the matrix-product form of the distance sees zero
    features = np.full((3, 2), 1000, np.float32)
    features[1, 0] += 0.001
    features[2, 0] += 0.002
    for seed in range(6):
        selection = greedy(features, 3, seed=seed)
        assert selection.distances is not None
        assert (selection.distances[1:] > 0.0005).all()


@pytest.mark.parametrize("n", [0, -1, 6])
def test_an_impossible_number_of_rows_is_refused(n: int) -> None:
    with pytest.raises(UserError, match=rf"n: found {n}; allowed are 1 to 5"):
        greedy(np.zeros((5, 2), np.float32), n, seed=0)


def test_features_that_are_not_finite_are_refused_with_their_rows() -> None:
    features = np.zeros((5, 2), np.float32)
    features[3, 1] = np.nan
    features[4, 0] = np.inf
    with pytest.raises(UserError, match=r"2 rows contain NaN or infinity \(rows 3, 4\)"):
        greedy(features, 2, seed=0)
    with pytest.raises(UserError, match=r"found shape \(5,\)"):
        greedy(np.zeros(5, np.float32), 2, seed=0)


@given(seed=st.integers(0, 50), data=st.data())
def test_another_order_of_the_rows_gives_the_same_rows(seed: int, data: st.DataObject) -> None:
    features = np.random.default_rng(seed).normal(size=(60, 3)).astype(np.float32)
    n = data.draw(st.integers(1, 60))
    positions = greedy(features, n, seed=seed).positions
    # row 0 of the other order is the row that the first order starts from
    order = np.random.default_rng(seed + 1).permutation(60)
    start = int(np.flatnonzero(order == positions[0])[0])
    other = greedy_from(features[order], n, start).positions
    assert np.array_equal(order[other], positions)


@given(seed=st.integers(0, 50), moved=st.integers(-64, 64))
def test_moving_all_rows_changes_nothing(seed: int, moved: int) -> None:
    # a lattice of 1/16 moved by whole numbers is exact in float32
    rng = np.random.default_rng(seed)
    features = (rng.integers(-40, 41, (50, 4)) / 16).astype(np.float32)
    one, other = greedy(features, 30, seed=seed), greedy(features + moved, 30, seed=seed)
    assert np.array_equal(one.positions, other.positions)
    assert one.distances is not None
    assert other.distances is not None
    assert np.array_equal(one.distances, other.distances, equal_nan=True)
