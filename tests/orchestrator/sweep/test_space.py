import math

import numpy as np
import pytest
from scipy import stats

from orchestrator.sweep.config import named
from orchestrator.sweep.space import Axis, as_axis, grid, random_points, size


def axis(found: object) -> Axis:
    return Axis.model_validate(as_axis(found))


def test_a_grid_has_every_combination_once_the_last_axis_fastest() -> None:
    space = {"a": axis([0.2, 1.0]), "b": axis([{"kind": "greedy"}, {"kind": "gist", "weight": 2}])}
    assert [tuple(point.values()) for point in grid(space)] == [
        ("0.2", "greedy"),
        ("0.2", "gist 2"),
        ("1", "greedy"),
        ("1", "gist 2"),
    ]
    assert space["b"].fields("selection", "gist 2") == {"selection": {"kind": "gist", "weight": 2}}


def test_an_axis_of_overrides_sets_several_fields_and_may_have_any_name() -> None:
    sizes = axis({"overrides": {64: {"dataset": {"rows": 64}, "seed": 1}}})
    assert sizes.labels == ["64"]
    assert sizes.fields("size", "64") == {"dataset": {"rows": 64}, "seed": 1}


def test_random_points_follow_from_the_seed_and_are_no_others_where_there_are_more() -> None:
    space = {"x": axis({"low": 0.0, "high": 1.0}), "k": axis(["a", "b"])}
    assert list(random_points(space, 3, 5)) == list(random_points(space, 9, 5))[:3]
    assert list(random_points(space, 3, 6)) != list(random_points(space, 3, 5))


def test_random_points_are_each_drawn_once_up_to_all_that_there_are() -> None:
    space = {"k": axis(["a", "b", "c"]), "n": axis({"low": 1, "high": 4, "integer": True})}
    assert size(space) == 12
    points = list(random_points(space, 12, 0))
    assert {(p["k"], p["n"]) for p in points} == {(k, n) for k in "abc" for n in (1, 2, 3, 4)}
    assert size(space | {"x": axis({"low": 0.0, "high": 1.0})}) == math.inf


def test_two_points_never_have_one_name() -> None:
    """Ranges are drawn with four digits, which names have; whatever else is given keeps all."""
    space = {"x": axis({"low": 0.2, "high": 0.2002}), "y": axis({"low": 1 / 3, "high": 0.34})}
    points = list(random_points(space, 200, 0))
    names = {named(point) for point in points}
    assert len(names) == len(points) == 200
    assert max(len(name) for name in names) <= len("x=0.2001, y=0.3333333333333333")
    assert all(0.2 <= p["x"] <= 0.2002 and 1 / 3 <= p["y"] <= 0.34 for p in points)
    assert axis([0.1234567, 0.12345671, 0.3]).labels == ["0.1234567", "0.12345671", "0.3"]


def test_random_points_are_spread_as_the_axis_says() -> None:
    space = {
        "flat": axis({"low": 2.0, "high": 4.0}),
        "log": axis({"low": 1e-4, "high": 1e-2, "log": True}),
        "whole": axis({"low": 1, "high": 3, "integer": True}),
    }
    points = list(random_points(space, 2000, 0))
    flat, log = (np.array([point[name] for point in points]) for name in ("flat", "log"))
    assert stats.kstest(flat, stats.uniform(2, 2).cdf).pvalue > 0.01
    assert stats.kstest(np.log10(log), stats.uniform(-4, 2).cdf).pvalue > 0.01
    whole = np.unique([point["whole"] for point in points], return_counts=True)
    assert whole[0].tolist() == [1, 2, 3]
    assert stats.chisquare(whole[1]).pvalue > 0.01


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "found no values; allowed are one and more"),
        ([1, "1"], "found two values called '1'; allowed are values that differ, or each under"),
        ({1: 0.5, "1": 0.6}, "found two values called '1'"),
        ({"low": 1}, "found one end of a range"),
        ({"low": 2, "high": 1}, "found low 2 and high 1; low must be less"),
        ({"low": 0, "high": 1, "log": True}, "found low 0 on a logarithmic scale"),
        ({"values": {"a": 1}, "low": 1, "high": 2}, "found values and a range; allowed is one"),
    ],
)
def test_an_axis_that_is_none_is_refused(found: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        axis(found)
