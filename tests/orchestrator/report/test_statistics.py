import numpy as np
import pytest
from scipy import stats

from orchestrator.report.statistics import Interval, mean_interval, optimum


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_interval_is_that_of_scipy(n: int) -> None:
    values = np.random.default_rng(n).normal(5, 2, n)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_interval(values.tolist())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx(stats.tmean(values))


def test_one_value_has_no_interval() -> None:
    assert mean_interval([3.0]) == Interval(3.0, 1, None, None)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")]])
def test_values_that_have_no_mean_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="allowed are one and more finite"):
        mean_interval(values)


def test_the_optimum_lies_inside_whatever_the_order_of_the_points() -> None:
    curve = [Interval(v, 1) for v in (3.0, 1.0, 2.0)]
    found = optimum([0.9, 0.5, 0.1], curve, "min")
    assert (found.position, found.interior, found.separated) == (1, True, None)


def test_an_optimum_at_the_end_of_the_range_is_not_interior() -> None:
    found = optimum([1, 2, 3], [Interval(v, 1) for v in (3.0, 2.0, 4.0)], "max")
    assert (found.position, found.interior) == (2, False)


def test_an_optimum_is_separated_when_its_interval_lies_apart_from_both_neighbours() -> None:
    apart = [Interval(3, 3, 2.5, 3.5), Interval(1, 3, 0.5, 1.5), Interval(2, 3, 1.6, 2.4)]
    near = [*apart[:2], Interval(2, 3, 1.4, 2.6)]
    assert optimum([1, 2, 3], apart, "min").separated
    assert not optimum([1, 2, 3], near, "min").separated
