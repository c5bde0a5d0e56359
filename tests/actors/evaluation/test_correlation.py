import numpy as np
import pytest
from scipy.stats import pearsonr

from actors.evaluation.correlation import correlation


@pytest.mark.parametrize("n", [4, 9, 54])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_correlation_and_interval_are_scipys(n: int, level: float) -> None:
    rng = np.random.default_rng(n)
    first = rng.normal(size=n)
    second = first + rng.normal(size=n)
    expected = pearsonr(first, second)
    found = correlation(first, second, level)
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


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2], [1, 2], "first: found 2 values; allowed are 3 and more"),
        ([1, 2, 3], [1, 2], "second: found shape"),
        ([1, 1, 1], [1, 2, 3], "first: found one value only"),
        ([1, 2, 3], [1, 2, -np.inf], "second: found values that are not finite"),
    ],
)
def test_series_without_a_correlation_are_refused(
    first: list[float], second: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        correlation(np.array(first), np.array(second))
