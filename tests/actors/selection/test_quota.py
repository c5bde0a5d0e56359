import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actors.errors import UserError
from actors.selection.quota import bounds, within


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, int, dict[int, tuple[int, int]]]:
    """Sources of candidates in the order of preference, a number of rows, and limits."""
    sources = np.array(draw(st.lists(st.integers(0, 2), min_size=2, max_size=9)))
    n = draw(st.integers(1, len(sources)))
    limits = {}
    for source in range(3):
        rows = int((sources == source).sum())
        least = draw(st.integers(0, rows))
        limits[source] = (least, draw(st.integers(least, rows)))
    assume(sum(low for low, _ in limits.values()) <= n <= sum(high for _, high in limits.values()))
    return sources, n, limits


@given(problems())
def test_the_most_wanted_rows_within_the_limits_are_those_of_an_exhaustive_search(
    problem: tuple[np.ndarray, int, dict[int, tuple[int, int]]],
) -> None:
    sources, n, limits = problem
    allowed = [
        rows
        for rows in itertools.combinations(range(len(sources)), n)
        if all(
            low <= (sources[list(rows)] == source).sum() <= high
            for source, (low, high) in limits.items()
        )
    ]
    # fewest steps down the preference in all; what is preferred first among equals
    best = min(allowed, key=lambda rows: (sum(rows), rows))
    found = within(sources, n, limits)
    assert found.tolist() in [list(rows) for rows in allowed]
    assert sum(found) == sum(best)


def test_limits_that_bind_nothing_leave_the_preference_alone() -> None:
    sources = np.array([0, 1, 0, 1, 0])
    assert within(sources, 3, {0: (0, 5), 1: (0, 5)}).tolist() == [0, 1, 2]


def test_shares_become_rows_as_they_are_written() -> None:
    found = bounds({"real": 50, "ddpm": 60}, 10, {"real": 0.3}, {"ddpm": 0.7})
    assert found == {"real": (3, 10), "ddpm": (0, 7)}
    assert bounds({"real": 5, "ddpm": 60}, 11, {"real": 0.3}, {"ddpm": 0.7})["real"] == (4, 5)


@pytest.mark.parametrize(
    ("available", "n", "quota", "cap", "message"),
    [
        ({"real": 2, "a": 9}, 10, {"real": 0.3}, {}, r"^quota.real: 0.3 of 10 rows are 3, but on"),
        ({"a": 9}, 5, {"real": 0.1}, {}, r"^quota.real: .* only 0 of the candidates are of real"),
        ({"real": 9}, 5, {"real": 0.8}, {"real": 0.5}, r"^quota.real: 4 of 5 rows at least, but"),
        ({"a": 9, "b": 9}, 5, {"a": 0.6, "b": 0.6}, {}, r"^quota: 6 rows are asked for together"),
        ({"a": 9, "b": 2}, 9, {}, {"a": 0.5}, r"^cap: at most 6 rows may be selected together"),
    ],
)
def test_bounds_that_cannot_be_kept_are_one_line(
    available: dict[str, int], n: int, quota: dict[str, float], cap: dict[str, float], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        bounds(available, n, quota, cap)
    assert "\n" not in str(caught.value)
