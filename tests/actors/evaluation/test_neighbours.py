import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from actors.evaluation.neighbours import nearest


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
