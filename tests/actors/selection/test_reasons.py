import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.neighbors import NearestNeighbors

from actors.selection import explain, greedy


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
