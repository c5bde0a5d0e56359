import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from orchestrator.sweep.space import Axis, as_axis, grid, random_points


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


def test_a_random_point_follows_from_its_number_and_the_seed_alone() -> None:
    space = {"x": axis({"low": 0.0, "high": 1.0}), "k": axis(["a", "b"])}
    assert list(random_points(space, 3, 5)) == list(random_points(space, 9, 5))[:3]
    assert list(random_points(space, 3, 6)) != list(random_points(space, 3, 5))


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
        ({"low": 1}, "found one end of a range"),
        ({"low": 2, "high": 1}, "found low 2 and high 1; low must be less"),
        ({"low": 0, "high": 1, "log": True}, "found low 0 on a logarithmic scale"),
        ({"values": {"a": 1}, "low": 1, "high": 2}, "found values and a range; allowed is one"),
    ],
)
def test_an_axis_that_is_none_is_refused(found: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        axis(found)
