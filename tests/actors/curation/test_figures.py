import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.curation import figures
from actors.curation.figures import repeated, row_keys
from actors.data.feature_source import Rows, blocks
from actors.metrics.entropy import entropy
from tests.actors.data.inputs import features

FLOOR = 1e-3


def test_both_entropies_are_of_equally_many_rows() -> None:
    x = features(500)
    kept = np.arange(100)
    before, after = figures.entropies(Rows(x), kept, seed=0, floor=FLOOR)
    assert before is not None
    assert after is not None
    assert before.n == after.n == 100
    assert after.nats == pytest.approx(entropy(x[:100], floor=FLOOR).nats)
    assert figures.entropies(Rows(x), kept, seed=0, floor=FLOOR)[0] == before
    assert figures.entropies(Rows(x), kept, seed=1, floor=FLOOR)[0] != before


def test_entropy_of_many_rows_is_estimated_on_a_part_of_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "ENTROPY_ROWS", 50)
    before, after = figures.entropies(Rows(features(500)), np.arange(300), seed=0, floor=FLOOR)
    assert before is not None
    assert after is not None
    assert before.n == after.n == 50


def test_one_kept_row_has_no_entropy() -> None:
    assert figures.entropies(Rows(features()), np.array([3]), seed=0, floor=FLOOR) == (None, None)


def test_the_work_of_an_entropy_is_bounded_in_rows_and_dimensions() -> None:
    assert figures.entropy_rows(10**6, 64) == 50_000
    assert figures.entropy_rows(10**6, 3072) < 20_000
    assert figures.entropy_rows(10, 3072) == 10


def test_shares_are_of_all_rows_and_of_the_kept_ones_largest_source_first() -> None:
    origins = pa.array(["b", "a", "a", "a", None])
    assert figures.shares(origins, np.array([0, 1])) == {
        "a": (0.6, 0.5),
        "b": (0.2, 0.5),
        "(none)": (0.2, 0.0),
    }


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
