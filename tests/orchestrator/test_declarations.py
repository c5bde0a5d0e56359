"""Fields by dotted path, wherever they stand on the command line."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from actors.errors import UserError
from orchestrator import config
from orchestrator.cli import main
from orchestrator.commands.base import parse_overrides
from orchestrator.declarations import separate
from orchestrator.sweep import config as sweep_config
from tests.runs import TINY

SWEEP = Path(__file__).parent / "sweep" / "tiny_sweep.yaml"


@pytest.mark.parametrize(
    ("arguments", "declared", "fields"),
    [
        ("run x.yaml --iterations 2", "run x.yaml", "--iterations 2"),
        ("run --iterations 2 x.yaml", "run x.yaml", "--iterations 2"),
        ("run --a.b=2 x.yaml --c -1", "run x.yaml", "--a.b=2 --c -1"),
        ("plan x.yaml --help", "plan x.yaml --help", ""),
        ("sweep --fail-fast --space.a [1] x.yaml", "sweep --fail-fast x.yaml", "--space.a [1]"),
        (
            "curate --image-size 32 --selection.kind gist in --ratio=0.5 --skip-bad",
            "curate --image-size 32 in --ratio=0.5 --skip-bad",
            "--selection.kind gist",
        ),
        ("evaluate --real a --entropy_k 2", "evaluate --real a", "--entropy_k 2"),
        ("run x.yaml --iterations", "run x.yaml", "--iterations"),
        ("pool ls --store x", "pool ls --store x", ""),
        ("", "", ""),
    ],
)
def test_a_field_takes_its_value_along_wherever_it_stands(
    arguments: str, declared: str, fields: str
) -> None:
    assert separate(arguments.split()) == (declared.split(), fields.split())


def test_fields_may_stand_before_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--iterations", "1", str(TINY), "--store", str(tmp_path / "s")]) == 0
    rows = [
        " ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.split("\n")
    ]
    # one iteration trains each of two generators once, whatever the arms
    assert "train 2 0 2" in rows


def test_plan_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    assert main(["plan", str(TINY), "--store", str(store)]) == 0
    assert not store.exists()
    temporary = store / "tmp" / "of-a-writer"
    temporary.parent.mkdir(parents=True)
    temporary.write_bytes(b"")
    os.utime(temporary, (0, 0))
    assert main(["plan", str(TINY), "--store", str(store)]) == 0
    assert temporary.exists()
    capsys.readouterr()


def test_a_change_by_dotted_path_joins_the_one_in_the_file(tmp_path: Path) -> None:
    raw = yaml.safe_load(TINY.read_text())
    raw["iterations"] = 3
    raw["changes"] = {2: {"selection": {"kind": "random", "ratio": 0.5}}}
    file = tmp_path / "x.yaml"
    file.write_text(yaml.safe_dump(raw))
    experiment = config.load(str(file), [("changes.2.weights", {"ddpm": 1, "edm": 2})])
    assert experiment.changes == {
        2: {"selection": {"kind": "random", "ratio": 0.5}, "weights": {"ddpm": 1, "edm": 2}}
    }


OBJECTIVES = {"entropy": "max"}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("objectives", OBJECTIVES, OBJECTIVES),
        ("objectives.entropy", "max", {"fld": "min", "entropy": "max"}),
    ],
)
def test_a_mapping_of_names_replaces_and_one_name_joins(
    path: str, value: Any, expected: dict[str, str]
) -> None:
    given = [("search", {"kind": "optuna", "points": 2}), ("objectives.fld", "min"), (path, value)]
    assert sweep_config.load(str(SWEEP), given).objectives == expected


def test_generators_given_as_a_whole_are_the_only_ones_and_a_block_is_laid_over() -> None:
    edm = yaml.safe_load(TINY.read_text())["generators"]["edm"]
    experiment = config.load(
        str(TINY), [("generators", {"only": edm}), ("selection", {"ratio": 0.75}), ("arms", {})]
    )
    assert list(experiment.generators) == ["only"]
    before = config.load(str(TINY), [])
    assert experiment.selection == before.selection.model_copy(update={"ratio": 0.75})


@pytest.mark.parametrize("field", ["store", "iterations", "selection.ratio"])
def test_a_field_of_the_experiment_given_to_a_sweep_is_told_where_it_goes(field: str) -> None:
    name = field.partition(".")[0]
    with pytest.raises(UserError, match=rf"^{name}: .* --experiment\.{name}$"):
        sweep_config.load(str(SWEEP), [(field, 1)])


def test_a_value_that_is_no_yaml_is_one_line_with_its_field() -> None:
    with pytest.raises(UserError, match=r"^--a\.b: found '\[1': while parsing") as caught:
        parse_overrides(["--a.b", "[1"])
    assert "\n" not in str(caught.value)
