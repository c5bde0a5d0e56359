import numpy as np
import pytest
from scipy.stats import pearsonr

from actors.metrics.correlation import correlation


@pytest.mark.parametrize("n", [4, 9, 54])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_correlation_and_interval_are_scipys(n: int, level: float) -> None:
    rng = np.random.default_rng(n)
    first = rng.normal(size=n)
    second = first + rng.normal(size=n)
    expected = pearsonr(first, second)
    found = correlation(first, second, level=level)
    assert found.n == n
    assert found.r == pytest.approx(expected.statistic, rel=1e-12)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval(level)), rel=1e-9)


def test_a_line_has_correlation_one_whatever_its_scale() -> None:
    series = np.array([1.0, 2.0, 4.0, 8.0])
    for scale in (1e-200, 1.0, 1e200):
        found = correlation(series, -scale * series)
        assert found.r == pytest.approx(-1)
        assert found.interval == pytest.approx((-1, -1))


def test_three_pairs_have_no_interval() -> None:
    assert correlation(np.array([1, 2, 3]), np.array([1, 2, 2])).interval is None


def test_pairs_that_are_not_finite_are_left_out_and_counted_and_those_seen_twice_count_once() -> (
    None
):
    first = np.array([1.0, 2, 3, 4, 5, np.nan, 5])
    second = np.array([2.0, 1, 4, 3, 7, 1, 7])
    with np.errstate(divide="ignore"):
        logs = np.append(np.log(second), np.log(0))
    found = correlation(np.append(first, 9), logs)
    expected = pearsonr(first[:5], np.log(second[:5]))
    assert found.r == pytest.approx(expected.statistic, rel=1e-12)
    assert (found.n, found.left_out) == (5, 2)


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        ([1, 2], [1, 2], "2 distinct pairs; a correlation needs at least 3"),
        ([1, 1, 2, 2], [3, 3, 4, 4], "2 distinct pairs"),
        ([], [], "0 distinct pairs"),
        ([np.nan] * 5, [1, 2, 3, 4, 5], "0 distinct pairs"),
        ([1, 1, 1], [1, 2, 3], "the first series does not vary"),
        ([1, 2, 3], [0.1, 0.1, 0.1 + 1e-17], "the second series does not vary"),
        ([1, 2, 3, 4], np.log([2.0, 2, 2, 2 + 4e-16]), "the second series does not vary"),
    ],
)
def test_series_without_a_correlation_say_why(
    first: list[float], second: list[float], note: str
) -> None:
    found = correlation(np.array(first), np.array(second))
    assert found.r is None
    assert found.interval is None
    assert str(found.note).startswith(note)


def test_series_of_different_length_and_levels_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="second: found shape"):
        correlation(np.array([1, 2, 3]), np.array([1, 2]))
    with pytest.raises(ValueError, match="level: found 95; allowed are numbers between 0 and 1"):
        correlation(np.array([1, 2, 3]), np.array([1, 2, 3]), level=95)
