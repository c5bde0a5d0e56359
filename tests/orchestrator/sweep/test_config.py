from pathlib import Path
from typing import Any

import pytest

from actors.errors import UserError
from orchestrator.execution.placement import Node
from orchestrator.sweep import config, sweeping
from orchestrator.sweep.config import SweepConfig, named
from orchestrator.sweep.equal_rows import on_equal_rows

TINY = Path(__file__).parent / "tiny_sweep.yaml"


def load(*overrides: tuple[str, Any]) -> SweepConfig:
    return config.load(str(TINY), list(overrides))


def test_every_point_is_the_experiment_with_its_fields_and_seed() -> None:
    sweep = load(("experiment.iterations", 2))
    points = sweep.points()
    assert len(points) == 6
    assert named(points[0]) == "ratio=0.25, kind=random"
    experiment = sweep.at(points[3], 7)
    assert (experiment.selection.ratio, experiment.selection.kind) == (0.5, "greedy")
    assert (experiment.seed, experiment.iterations) == (7, 2)


def test_orders_go_as_far_as_the_largest_ratio_of_any_point() -> None:
    assert load().ratio == 1.0
    space = {"selection.ratio": {"low": 0.1, "high": 0.4}}
    assert load(("space", space), ("search", {"kind": "random", "points": 3})).ratio == 0.4


def test_a_member_of_a_population_goes_on_at_another_point() -> None:
    sweep = load()
    first, other = {"selection.ratio": "1", "selection.kind": "random"}, sweep.points()[1]
    experiment = sweep.at(first, 0, [(3, other)])
    ratios = [experiment.at(iteration).selection.ratio for iteration in (1, 2, 3)]
    assert ratios == [1.0, 1.0, 0.25]
    assert experiment.at(3).selection.kind == "greedy"


def test_a_point_keeps_the_changes_of_the_experiment_and_a_member_goes_on_over_them() -> None:
    changes = {2: {"selection": {"kind": "random"}}, 3: {"generators": {"a": {"components": 2}}}}
    sweep = load(("experiment.changes", changes), ("space", {"selection.ratio": [0.25, 0.5, 1.0]}))
    quarter, half, whole = sweep.points()
    ratios = [sweep.at(quarter, 0).at(i).selection.ratio for i in (1, 2, 3)]
    kinds = [sweep.at(quarter, 0).at(i).selection.kind for i in (1, 2, 3)]
    assert (ratios, kinds) == ([0.25] * 3, ["greedy", "random", "random"])
    member = sweep.at(quarter, 0, [(2, half), (3, whole)])
    at_each = [member.at(iteration) for iteration in (1, 2, 3)]
    assert [one.selection.ratio for one in at_each] == [0.25, 0.5, 1.0]
    assert [one.selection.kind for one in at_each] == ["greedy", "random", "random"]
    assert [one.generators["a"].model_dump()["components"] for one in at_each] == [1, 1, 2]


def test_limits_and_the_store_change_no_key_and_the_space_does() -> None:
    key = load().key
    assert load(("limits.max_concurrent", 1)).key == key
    assert load(("space.selection.ratio", [0.5])).key != key


def test_an_experiment_of_a_file_is_found_beside_the_sweep_and_has_no_arms(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text((TINY.parents[2] / "tiny.yaml").read_text())
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "name: s\nexperiment: {base: base.yaml, iterations: 1}\nspace: {selection.ratio: [0.5]}\n"
    )
    sweep = config.load(str(file), [])
    experiment = sweep.at(sweep.points()[0], 0)
    assert (experiment.iterations, experiment.arms) == (1, {})


BAD: list[tuple[str, Any, str]] = [
    ("space.selection.raito", [1], r"raito=1: selection\.raito: unknown field; did you mean ratio"),
    ("space", {}, r"^space: found none; allowed is one field and more"),
    ("space.selection.ratio", [], r"^space\.selection\.ratio: found no values"),
    ("space.selection.ratio", [7], r"ratio=7, kind=random: selection\.ratio: found 7; input sho"),
    ("space.selection.ratio", {"low": 0.1, "high": 1}, r"^space\.selection\.ratio: found a range"),
    ("search.kind", "best", r"^search\.kind: found 'best'; allowed are 'grid', 'random', 'optuna"),
    ("scheduler", {"kind": "asha", "grace": 1}, r"^scheduler\.grace: unknown field; allowed are"),
    ("repeat.seeds", -1, r"^repeat\.seeds"),
    ("objectives", {}, r"^objectives: found none"),
    ("objectives", {"entropy": "max", "fld": "min"}, r"^objectives: found 2; allowed is one, or"),
    (
        "scheduler",
        {"kind": "asha", "grace_iterations": 4},
        r"^scheduler\.grace_iterations: found 4",
    ),
    (
        "scheduler",
        {"kind": "pbt", "interval": 3},
        r"^scheduler\.interval: found 3; allowed are up to 2",
    ),
    (
        "search",
        {"kind": "random", "points": 7},
        r"^search\.points: found 7; allowed are up to 6, the points that the space has",
    ),
    ("search", {"kind": "optuna", "points": 7}, r"^search\.points: found 7; allowed are up to 6"),
    ("colour", 1, r"^colour: unknown field"),
    (
        "experiment.resources.features.gpus",
        0.5,
        r"^resources\.features\.gpus: found 0\.5, but pixels can use none; allowed is 0",
    ),
    ("experiment.resources.pool.gpus", 1, r"^resources\.pool\.gpus: found 1, but real data is"),
    (
        "space.selection.kind",
        ["random", "variance"],
        r"selection\.gpus: found 1, but selection\.kind 'random', 'variance' cannot use a GPU",
    ),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_a_mistake_is_one_line_that_names_the_field(path: str, value: Any, message: str) -> None:
    # which one point of the space can use is given to all
    gpus = ("experiment.resources.selection.gpus", 1)
    with pytest.raises(UserError, match=message) as caught:
        load(gpus, (path, value))
    assert "\n" not in str(caught.value)


def test_a_population_is_refused_what_cannot_change_and_waves() -> None:
    pbt = ("scheduler", {"kind": "pbt"})
    load(pbt)
    with pytest.raises(UserError) as caught:
        load(pbt, ("space.dataset.rows", [40, 50]))
    assert str(caught.value) == (
        "scheduler 'pbt' changes points between iterations: ratio=0.25, kind=random, rows=40: "
        "changes.2.dataset: found a field that stays as it is throughout a run; allowed are "
        "selection, training_sets, weights, quota, cap, generators"
    )
    with pytest.raises(UserError, match=r"^limits\.max_concurrent: found 2, but the 6 points of"):
        load(pbt, ("limits.max_concurrent", 2))
    with pytest.raises(
        UserError, match=r"^search\.kind: found 'optuna', but scheduler 'pbt'"
    ) as at:
        load(pbt, ("search", {"kind": "optuna", "points": 4}))
    assert "\n" not in str(at.value)


def test_an_objective_that_nobody_measures_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"^objectives\.fid: no measure; allowed are entropy, entr"):
        on_equal_rows(load(("objectives", {"fid": "min"})))
    on_equal_rows(load(("objectives", {"memorization_rate": "min"})))


def test_a_point_that_the_cluster_cannot_hold_is_refused_by_name_with_the_numbers() -> None:
    sweep = load(("space", {"generators.a.resources.cpus": [1, 64]}))
    with pytest.raises(UserError) as caught:
        sweeping.check_points(sweep, [Node(2, 0)])
    assert str(caught.value) == (
        "cpus=64: generators.a.resources.cpus: found 64; allowed are up "
        "to 2, what the largest of 1 machine has"
    )
