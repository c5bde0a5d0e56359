from typing import Any

import pytest

from orchestrator.sweep.searching import domain
from orchestrator.sweep.space import Axis, Point, Space, as_axis
from orchestrator.sweep.suggesting import Suggestions

# more than the ten that Optuna draws at random before it learns
POINTS = 16
SPACE = {
    "x": Axis.model_validate(as_axis({"low": 0.0, "high": 1.0})),
    "k": Axis.model_validate(as_axis(["a", "b", "c"])),
}
LABELS = {"k": SPACE["k"], "n": Axis.model_validate({"low": 1, "high": 4, "integer": True})}


def value(point: Point) -> float:
    return abs(point.get("x", 0.5) - 0.3) + "abc".index(point["k"])


def search(space: Space, begun: list[Point], seed: int = 3) -> Suggestions:
    found = Suggestions(space, seed, begun, metric="m", mode="min")
    domains = {field: domain(axis) for field, axis in space.items()}
    assert found.set_search_properties(None, None, domains)
    return found


def suggested(space: Space, points: int, begun: list[Point]) -> list[Point]:
    """Return what a search suggests where each point ends before the next one begins."""
    searching = search(space, begun)
    found = []
    for number in range(points):
        point = searching.suggest(str(number))
        assert point is not None
        found.append(point)
        searching.on_trial_complete(str(number), {"m": value(point)})
    return found


@pytest.mark.parametrize("ended", [1, 7, 12, POINTS - 1])
def test_a_search_that_goes_on_suggests_what_it_would_have_without_the_break(ended: int) -> None:
    without = suggested(SPACE, POINTS, [])
    # what was begun is read in another order than it was in
    begun = sorted(without[:ended], key=value)
    assert suggested(SPACE, POINTS, begun) == without


def test_what_was_begun_is_suggested_first_also_where_it_would_not_be_drawn() -> None:
    begun: list[Point] = [{"x": 0.5, "k": "a"}, {"x": 0.25, "k": "c"}]
    found = suggested(SPACE, 4, begun)
    assert found[:2] == begun
    assert not any(point in begun for point in found[2:])


def test_every_point_of_a_small_space_is_suggested_once() -> None:
    found = suggested(LABELS, 12, [])
    assert {(p["k"], p["n"]) for p in found} == {(k, n) for k in "abc" for n in (1, 2, 3, 4)}


def test_points_that_run_at_once_differ() -> None:
    searching = search(LABELS, [])
    found: list[Any] = [searching.suggest(str(number)) for number in range(12)]
    assert all(found.count(point) == 1 for point in found)


def test_a_search_learns() -> None:
    found = suggested(SPACE, 40, [])
    # at random a third would be of each, and 13 of 20 have a chance of 1 in 250
    assert [point["k"] for point in found[20:]].count("a") > 12
