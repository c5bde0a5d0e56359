import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.candidates import published_rows

NAMES = ["a", "b", "c"]


@given(
    st.lists(st.integers(1, 1000), min_size=3, max_size=3),
    st.lists(st.floats(0.01, 100), min_size=3, max_size=3),
)
def test_what_is_published_is_in_the_ratio_of_the_weights_and_as_much_as_there_is(
    rows: list[int], weights: list[float]
) -> None:
    made, by_name = dict(zip(NAMES, rows, strict=True)), dict(zip(NAMES, weights, strict=True))
    published = published_rows(made, by_name)
    assert all(published[name] <= made[name] for name in NAMES)
    # one source gives all it has, and the others are within a row of their share
    full = min(NAMES, key=lambda name: made[name] / by_name[name])
    assert published[full] == made[full]
    for name in NAMES:
        exact = made[full] * by_name[name] / by_name[full]
        assert exact - 1 - 1e-6 <= published[name] <= exact + 1e-6


def test_without_weights_everything_is_published_and_weight_nought_publishes_nothing() -> None:
    assert published_rows({"a": 3, "b": 9}, {}) == {"a": 3, "b": 9}
    assert published_rows({"a": 3, "b": 9}, {"a": 0, "b": 0.1}) == {"a": 0, "b": 9}
    assert published_rows({"a": 30, "b": 40}, {"a": 3, "b": 1}) == {"a": 30, "b": 10}


def test_weights_are_on_any_scale() -> None:
    shares = published_rows({"a": 50, "b": 50}, {"a": 3, "b": 1})
    assert shares == published_rows({"a": 50, "b": 50}, {"a": 0.75, "b": 0.25})
    assert shares == pytest.approx({"a": 50, "b": 16})
