import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actors.errors import UserError
from actors.selection import variance

# the package has a function of the module's name
MODULE = importlib.import_module("actors.selection.variance")


def trace(rows: np.ndarray) -> float:
    """The trace of numpy's covariance, 0 for one row."""
    if len(rows) == 1:
        return 0.0
    return float(np.trace(np.atleast_2d(np.cov(rows.astype(np.float64).T))))


small = arrays(
    np.float32, st.tuples(st.integers(1, 20), st.integers(1, 3)), elements=st.integers(-3, 3)
)


@given(features=small, compared=st.integers(1, 12), data=st.data())
def test_every_pick_raises_the_trace_of_numpys_covariance_as_much_as_any_row_could(
    features: np.ndarray, compared: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(features)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "COMPARED", compared)
        positions = variance(features, n, seed=0).positions.tolist()
    assert len(set(positions)) == n
    centred = features - features.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(centred, axis=1)
    assert lengths[positions[0]] == pytest.approx(lengths.max())
    for count in range(1, n):
        before = positions[:count]
        left = np.setdiff1d(np.arange(len(features)), before)
        traces = [trace(features[[*before, row]]) for row in left]
        assert trace(features[positions[: count + 1]]) == pytest.approx(max(traces), abs=1e-9)


@given(features=small, data=st.data())
def test_notes_are_numpys_trace_and_a_limit_no_subset_exceeds(
    features: np.ndarray, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(features)))
    selection = variance(features, n, seed=0)
    assert selection.notes["trace"] == pytest.approx(trace(features[selection.positions]), abs=1e-9)
    rng = np.random.default_rng(0)
    subsets = [rng.permutation(len(features))[:n] for _ in range(20)]
    most = max(trace(features[rows]) for rows in [*subsets, selection.positions])
    assert most <= selection.notes["trace_limit"] + 1e-9


def test_of_many_rows_the_trace_is_next_to_the_limit_where_the_farthest_rows_lose_it() -> None:
    rng = np.random.default_rng(0)
    features = np.concatenate((rng.normal(size=(3000, 16)) - 5, rng.normal(size=(1000, 16)) + 5))
    features = features.astype(np.float32)
    notes = variance(features, 400, seed=0).notes
    assert notes["trace"] > 0.99 * notes["trace_limit"]
    farthest = np.argsort(-np.linalg.norm(features - features.mean(axis=0), axis=1))[:400]
    assert trace(features[farthest]) < 0.05 * notes["trace"]


def test_block_size_and_seed_change_nothing_and_a_smaller_selection_is_the_beginning() -> None:
    features = np.random.default_rng(1).normal(size=(1500, 8)).astype(np.float32)
    whole = variance(features, 900, seed=0).positions
    assert np.array_equal(variance(features, 300, seed=7).positions, whole[:300])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "COMPARED", 100)
        assert np.array_equal(variance(features, 900, seed=0).positions, whole)


@pytest.mark.parametrize("n", [1, 7, 5000])
def test_of_identical_rows_the_lowest_are_taken(n: int) -> None:
    features = np.full((5000, 3), 0.1, np.float32)
    assert np.array_equal(variance(features, n, seed=0).positions, np.arange(n))


def test_rows_on_disk_that_cannot_be_written_give_the_same(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    expected = variance(features, 50, seed=0).positions
    assert np.array_equal(variance(mapped, 50, seed=0).positions, expected)


def test_an_impossible_request_is_refused() -> None:
    with pytest.raises(UserError, match="n: found 6; allowed are 1 to 5"):
        variance(np.zeros((5, 2), np.float32), 6, seed=0)
