import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actors.distances import farthest_first, nearest_chosen
from actors.distances.pairs import squared_lengths
from actors.selection import greedy, threshold_decay


def halves(row: list[float]) -> float:
    """The sum as it is defined, one number at a time."""
    squares = [value * value for value in row]
    while len(squares) > 1:
        half = len(squares) // 2
        ends = squares[len(squares) - half :]
        squares = [a + b for a, b in zip(squares[:half], ends, strict=True)] + squares[
            half : len(squares) - half
        ]
    return squares[0]


@given(d=st.integers(1, 70), m=st.integers(1, 9), seed=st.integers(0, 99))
def test_squared_lengths_have_the_bits_of_their_definition_whatever_the_processor_adds_at_once(
    d: int, m: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(m, d)) * 10.0 ** rng.integers(-9, 9, (m, d))
    found = squared_lengths(torch.from_numpy(rows.copy()))
    assert found.tolist() == [halves(row) for row in rows.tolist()]
    assert squared_lengths(torch.from_numpy(-rows)).tolist() == found.tolist()
    np.testing.assert_allclose(found.numpy(), np.square(rows).sum(axis=1), rtol=1e-13)


@given(likely=st.integers(1, 50), pairs=st.integers(1, 4000), seed=st.integers(0, 99))
def test_the_rows_do_not_depend_on_how_many_distances_are_computed_together(
    likely: int, pairs: int, seed: int
) -> None:
    features = np.random.default_rng(seed).integers(-2, 3, (120, 3)).astype(np.float32)
    methods = (greedy, threshold_decay)
    before = [method(features, 70, seed=seed).positions for method in methods]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(farthest_first.LIKELY, "cpu", likely)
        patch.setitem(nearest_chosen.PAIR_BYTES, "cpu", pairs)
        now = [method(features, 70, seed=seed).positions for method in methods]
    assert all(map(np.array_equal, before, now))
