import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actors.errors import UserError
from actors.selection import greedy, threshold_decay


def plain_statement(
    features: np.ndarray, n: int, order: np.ndarray, threshold: float, decay: float
) -> list[int]:
    """The method as the paper words it: two loops, no bookkeeping."""
    rows = features.astype(np.float64)
    kept: list[int] = []
    left = list(order)
    while len(kept) < n:
        still_left = []
        for candidate in left:
            far = all(np.linalg.norm(rows[candidate] - rows[k]) > threshold for k in kept)
            if far and len(kept) < n:
                kept.append(int(candidate))
            else:
                still_left.append(candidate)
        left = still_left
        threshold *= decay
    return kept


@given(
    seed=st.integers(0, 50),
    n=st.integers(1, 40),
    threshold=st.floats(0.1, 5),
    decay=st.floats(0.3, 0.98),
)
def test_rows_are_those_of_the_plain_statement_in_its_order(
    seed: int, n: int, threshold: float, decay: float
) -> None:
    features = np.random.default_rng(seed).normal(size=(40, 3)).astype(np.float32)
    selection = threshold_decay(features, n, seed=seed, initial_threshold=threshold, decay=decay)
    order = np.random.default_rng(seed).permutation(40)
    expected = plain_statement(features, n, order, threshold, decay)
    assert selection.positions.tolist() == expected


@given(
    features=arrays(
        np.float32, st.tuples(st.integers(1, 25), st.integers(1, 3)), elements=st.integers(-2, 2)
    ),
    data=st.data(),
)
def test_duplicates_are_taken_last_and_none_twice(
    features: np.ndarray, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(features)))
    chosen = threshold_decay(features, n, seed=0, initial_threshold=2, decay=0.5).positions
    assert len(set(chosen.tolist())) == n
    distinct = len(np.unique(features, axis=0))
    assert len(np.unique(features[chosen[:distinct]], axis=0)) == min(n, distinct)


def test_a_slow_decay_comes_close_to_greedy_and_no_threshold_is_the_unfiltered_draw() -> None:
    features = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)

    def smallest_gap(positions: np.ndarray) -> float:
        rows = features[positions]
        distances = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
        return float(distances[~np.eye(len(rows), dtype=bool)].min())

    slow = threshold_decay(features, 50, seed=0, initial_threshold=8, decay=0.99)
    best = smallest_gap(greedy(features, 50, seed=0).positions)
    assert smallest_gap(slow.positions) > 0.9 * best
    unfiltered = threshold_decay(features, 50, seed=0, initial_threshold=0, decay=0.5)
    order = np.random.default_rng(0).permutation(200)[:50]
    assert unfiltered.positions.tolist() == order.tolist()


def test_a_threshold_that_needs_too_many_passes_is_an_error_that_names_it() -> None:
    features = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    with pytest.raises(UserError, match=r"initial_threshold: 1e\+08 .* 10000 passes"):
        threshold_decay(features, 10, seed=0, initial_threshold=1e8, decay=0.9999)


def test_a_threshold_whose_square_is_too_large_for_a_float_still_decays() -> None:
    features = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    chosen = threshold_decay(features, 5, seed=0, initial_threshold=1e200, decay=0.1)
    assert len(set(chosen.positions.tolist())) == 5
