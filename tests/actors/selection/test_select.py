import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.neighbors import NearestNeighbors

from actors.errors import UserError
from actors.selection import METHODS, explain, greedy, select


@pytest.mark.parametrize("kind", METHODS)
@given(data=st.data())
def test_every_method_gives_exactly_n_rows_none_twice_with_a_reason_for_each(
    kind: str, data: st.DataObject
) -> None:
    rows = data.draw(st.integers(1, 25))
    n = data.draw(st.integers(1, rows))
    features = np.random.default_rng(rows).integers(-1, 2, (rows, 2)).astype(np.float32)
    chosen = select(features, n, seed=data.draw(st.integers(0, 3)), kind=kind)
    assert len(chosen.positions) == n == len(set(chosen.positions.tolist()))
    assert chosen.reasons is not None
    covered_by = chosen.reasons.covered_by
    assert set(covered_by.tolist()) <= set(chosen.positions.tolist())
    assert np.array_equal(covered_by[chosen.positions], chosen.positions)
    expected = np.linalg.norm(features - features[covered_by], axis=1)
    assert np.allclose(chosen.reasons.distances, expected)


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_chooses_among_identical_rows(kind: str) -> None:
    chosen = select(np.full((12, 3), 7, np.float32), 5, seed=0, kind=kind)
    assert len(set(chosen.positions.tolist())) == 5


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"kind: found 'best'; allowed are random, greedy"):
        select(np.zeros((3, 1), np.float32), 1, seed=0, kind="best")


def test_outliers_are_not_left_out_in_silence() -> None:
    with pytest.raises(UserError, match=r"trim: found 0\.1; allowed is 0"):
        select(np.zeros((30, 1), np.float32), 1, seed=0, trim=0.1)


def test_a_row_left_out_is_covered_by_its_nearest_chosen_row() -> None:
    features = np.random.default_rng(0).normal(size=(3000, 12)).astype(np.float32) + 50
    chosen = greedy(features, 1200, seed=1).positions
    reasons = explain(features, chosen)
    exact = features.astype(np.float64)
    distances, nearest = NearestNeighbors(n_neighbors=1).fit(exact[chosen]).kneighbors(exact)
    assert np.array_equal(reasons.covered_by, chosen[nearest[:, 0]])
    assert np.allclose(reasons.distances, distances[:, 0], rtol=1e-9, atol=1e-12)


small = arrays(
    np.float32, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(-3, 3)
)


@given(features=small, data=st.data())
def test_of_equally_near_rows_the_first_chosen_covers(
    features: np.ndarray, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(features)))
    chosen = np.random.default_rng(n).permutation(len(features))[:n]
    reasons = explain(features, chosen)
    distances = np.linalg.norm(features[:, None] - features[chosen][None], axis=2)
    expected = chosen[distances.argmin(axis=1)]
    expected[chosen] = chosen
    assert np.array_equal(reasons.covered_by, expected)
    assert np.allclose(
        reasons.distances,
        np.linalg.norm(features - features[expected], axis=1),
    )
