import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.curation.duplicates import repeated, row_keys
from actors.data.feature_source import Rows, blocks


def count(rows: np.ndarray) -> int:
    return repeated(row_keys(blocks(Rows(rows)), len(rows)))


@given(st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=30))
def test_repeats_are_the_rows_less_the_distinct_ones(rows: list[list[int]]) -> None:
    assert count(np.array(rows, np.float32)) == len(rows) - len(set(map(tuple, rows)))


def test_zero_of_either_sign_is_one_number() -> None:
    assert count(np.array([[0.0, 1], [-0.0, 1]], np.float32)) == 1


def test_rows_that_differ_in_the_last_bit_or_in_order_are_no_repeats() -> None:
    x = np.float32(1)
    assert count(np.array([[x, 2], [np.nextafter(x, x + 1), 2], [2, x]], np.float32)) == 0
