import numpy as np
import pytest
from scipy import stats

from orchestrator.analysis.statistics import Interval, is_apart, mean_interval, optimum, paired


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_interval_is_that_of_scipy(n: int) -> None:
    values = np.random.default_rng(n).normal(5, 2, n)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_interval(values.tolist())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx(stats.tmean(values))


def test_one_value_has_no_interval_and_equal_values_have_one_without_width() -> None:
    assert mean_interval([3.0]) == Interval(3.0, 1, None, None)
    assert mean_interval([3.0, 3.0, 3.0]) == Interval(3.0, 3, 3.0, 3.0)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")]])
def test_values_that_have_no_mean_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="allowed are one and more finite"):
        mean_interval(values)


@pytest.mark.parametrize("n", [3, 5])
def test_a_paired_difference_is_that_of_the_paired_t_test_over_the_seeds_of_both(n: int) -> None:
    one, other = np.random.default_rng(n).normal(0, 1, (2, n))
    expected = stats.ttest_rel(one, other).confidence_interval(0.95)
    values = dict(enumerate(one.tolist()))
    found = paired({**values, 99: 1e9}, {98: -1e9, **dict(enumerate(other.tolist()))})
    assert found is not None
    assert found.mean == pytest.approx((one - other).mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert is_apart(found) == (stats.ttest_rel(one, other).pvalue < 0.05)


def test_pairing_tells_apart_what_single_intervals_do_not() -> None:
    # seeds differ by tens, arms by one with every seed
    one = {0: 10.0, 1: 40.0, 2: 70.0}
    other = {0: 9.1, 1: 38.9, 2: 69.0}
    assert is_apart(paired(one, other))
    low, high = mean_interval(list(one.values())).low, mean_interval(list(other.values())).high
    assert low is not None
    assert high is not None
    assert low < high


@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_fewer_than_three_seeds_give_no_verdict_however_far_apart(seeds: int) -> None:
    one = dict.fromkeys(range(seeds), 1.0)
    assert is_apart(paired(one, dict.fromkeys(range(seeds), 1e6))) is None


def of(*means: float) -> list[dict[int, float]]:
    return [{0: mean} for mean in means]


def test_the_optimum_lies_inside_whatever_the_order_of_the_points() -> None:
    found = optimum([0.9, 0.5, 0.1], of(3.0, 1.0, 2.0), "min")
    assert (found.position, found.interior, found.separated) == (1, True, None)


def test_an_optimum_at_the_end_of_the_range_is_not_interior() -> None:
    found = optimum([1, 2, 3], of(3.0, 2.0, 4.0), "max")
    assert (found.position, found.interior) == (2, False)


def test_an_optimum_is_separated_when_it_is_told_apart_from_both_neighbours_by_pairs() -> None:
    best = {0: 1.0, 1: 11.0, 2: 21.0}
    left, right = {0: 3.1, 1: 13.0, 2: 22.9}, {0: 2.0, 1: 12.1, 2: 21.9}
    assert optimum([1, 2, 3], [left, best, right], "min").separated
    near = {0: 2.0, 1: 9.0, 2: 22.5}
    assert stats.ttest_rel(list(best.values()), list(near.values())).pvalue > 0.05
    assert not optimum([1, 2, 3], [left, best, near], "min").separated
