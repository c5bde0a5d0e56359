import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from actors.errors import UserError
from orchestrator import config
from orchestrator.analysis.records import arms_in_series

TWO_ARMS = Path(__file__).parents[1] / "two_arms.yaml"


def load(*overrides: tuple[str, Any]) -> config.Experiment:
    return config.load(str(TWO_ARMS), list(overrides))


def test_arms_inherit_everything_that_they_do_not_override() -> None:
    experiment = load(("selection.ratio", 0.4))
    arms = experiment.arm_experiments()
    assert list(arms) == ["vanilla", "greedy"]
    assert [arm.selection.kind for arm in arms.values()] == ["random", "greedy"]
    assert [arm.selection.ratio for arm in arms.values()] == [0.4, 0.4]


def test_an_experiment_without_arms_is_one_arm() -> None:
    assert list(load(("arms", {})).arm_experiments()) == ["main"]


def test_changing_the_kind_drops_the_fields_that_the_new_kind_lacks() -> None:
    experiment = load(
        ("selection", {"kind": "threshold_decay", "initial_threshold": 3}),
        ("selection.decay", 0.9),
        ("arms.vanilla.selection.ratio", 0.25),
    )
    arms = experiment.arm_experiments()
    assert arms["greedy"].selection.model_dump() == {
        "kind": "threshold_decay",
        "ratio": 0.5,
        "trim": 0,
        "initial_threshold": 3,
        "decay": 0.9,
    }
    assert arms["vanilla"].selection.model_dump() == {
        "kind": "random",
        "ratio": 0.25,
        "trim": 0,
    }


def test_several_seeds_are_arms_that_differ_in_nothing_else() -> None:
    arms = load(("seed", 4), ("seeds", 2), ("arms.greedy.seed", 9)).arm_experiments()
    seeds = {"vanilla-4": 4, "vanilla-5": 5, "greedy-9": 9, "greedy-10": 10}
    assert {name: arm.seed for name, arm in arms.items()} == seeds
    assert arms["vanilla-5"].model_copy(update={"seed": 4}) == arms["vanilla-4"]
    dumped = {name: arm.model_dump(mode="json") for name, arm in arms.items()}
    assert set(arms_in_series(dumped).values()) == {"vanilla", "greedy"}


def test_the_resolved_configuration_is_read_back_as_itself(tmp_path: Path) -> None:
    experiment = load(("seed", 3))
    path = tmp_path / "resolved.yaml"
    path.write_text(yaml.safe_dump(experiment.model_dump(mode="json"), sort_keys=False))
    assert config.load(str(path), []) == experiment


BAD: list[tuple[str, Any, str]] = [
    ("selection.raito", 0.5, r"selection\.raito: unknown field; did you mean ratio\? allowed are"),
    ("colour", 1, r"^colour: unknown field; allowed are alarms, arms"),
    ("iterations", "many", r"^iterations: found 'many'; input should be a valid integer"),
    ("iterations", 0, r"^iterations: found 0; input should be greater than or equal to 1"),
    ("selection.trim", 1, r"^selection\.trim: found 1; input should be less than 1"),
    (
        "selection.trim",
        0.6,
        r"^selection\.trim: 0\.6 leaves 103 of 256 candidates for 128 rows; allowed are up to 103",
    ),
    ("seeds", 0, r"^seeds: found 0; input should be greater than or equal to 1"),
    ("selection.ratio", 0, r"^selection\.ratio: found 0; input should be greater than 0"),
    ("selection.ratio", 1.5, r"^selection\.ratio: found 1\.5; input should be less than or equal"),
    (
        "selection.ratio",
        0.01,
        r"^selection\.ratio: 0\.01 leaves \d+ rows .* fewer than the 64",
    ),
    ("name", "../x", r"^name: found '\.\./x'; not a plain name; allowed are up to 64"),
    ("generators", {"a/b": {"kind": "ddpm"}}, r"^generators.*a/b.*not a plain name"),
    ("generators.real", {"kind": "ddpm"}, r"^generators: 'real' is the name of a source"),
    ("dataset.kind", "imagenot", r"^dataset\.kind: found 'imagenot'.*'digits'"),
    ("selection.kind", "best", r"^selection\.kind: found 'best'; allowed are 'random', 'greedy'"),
    ("generators.ddpm.kind", "gan", r"^generators\.ddpm\.kind: found 'gan'; allowed are 'ddpm'"),
    ("generators.new", {"training": {}}, r"^generators\.new\.kind: missing; allowed are 'ddpm'"),
    ("dataset.rows", 1700, r"^dataset: rows 1700 \+ reference_rows \d+ is more than the 1797"),
    ("dataset", {"kind": "parquet", "path": "/no"}, r"^dataset: path '/no' is not there; allowed"),
    ("dataset", {"kind": "hub"}, r"^dataset\.name: missing; it must be given"),
    ("features", {"kind": "pca", "components": 65}, r"^features\.components: found 65; allowed"),
    (
        "evaluation.features",
        {"kind": "pca", "components": 65},
        r"^evaluation\.features\.components: fo",
    ),
    ("features", {"kind": "dinov2", "weights": "/no"}, r"^features\.weights: '/no' has no model"),
    ("features", {"kind": "inception", "weights": "/no"}, r"^features\.weights: '/no' is not"),
    ("features", {"kind": "encoder", "device": "cuda"}, r"^features\.device: found 'cuda', but"),
    ("dataset.channels", 2, r"^dataset\.channels: found 2; input should be 1 or 3"),
    ("generators.ddpm.network.widths", [12], r"network: widths \(12,\): each must be a multiple"),
    ("generators.edm.network.widths", [8] * 5, r"^generators\.edm\.network\.widths: 5 widths"),
    ("generators.ddpm.sampling.steps", 2000, r"sampling\.steps 2000 is more than diffusion_steps"),
    ("generators.ddpm.network.wdths", [8], r"network\.wdths: unknown field; did you mean widths\?"),
    (
        "generators.ddpm.network",
        {"kind": "mlp", "width": 31},
        r"^generators\.ddpm\.network\.width: ",
    ),
    ("generators.ddpm.network", "unet7", r"no preset 'unet7'; allowed are unet32, unet48"),
    (
        "generators.ddpm.network.unet2d",
        {"colour": 1},
        r"unet2d\.colour: no argument of UNet2D",
    ),
    ("generators.ddpm.sampling.guidance_scale", 2, r"guidance_scale 2 needs `labels: true`"),
    (
        "generators.ddpm.labels",
        True,
        r"^generators\.ddpm\.labels: generator 'edm' samples into",
    ),
    ("generators.ddpm.training.workers", 3, r"batch_size 64 cannot be divided over 3 workers"),
    (
        "generators.ddpm",
        {"kind": "ddpm", "training": {"workers": 2}, "resources": {"gpus": 0.5}},
        r"^generators\.ddpm: resources\.gpus: found 0\.5 for training\.workers 2; allowed are 0 a",
    ),
    (
        "generators.edm.resources.gpus",
        2,
        r"^generators\.edm: resources\.gpus: found 2; allowed are ",
    ),
    ("resources.pool.gpus", 1, r"^resources\.pool\.gpus: found 1, but real .* allowed is 0"),
    ("resources.features.gpus", 0.5, r"^resources\.features\.gpus: found 0\.5, but pixels can "),
    ("generators.edm.resources.gpus", 1.5, r"gpus: found 1\.5; allowed are up to 1, as a worker"),
    ("generators.ddpm.training.epochs", 3, r"training: found steps 600 and epochs 3; allowed is"),
    ("generators.ddpm.training.precision", "int8", r"precision: found 'int8'; input should be"),
    ("arms.greedy.generators.ddpm.training.workers", 2, r"arm cannot override training\.workers"),
    ("arms.greedy.store", "x", r"^arms\.greedy\.store: an arm cannot override store"),
    ("arms.greedy.selection.ratio", 7, r"^arms\.greedy\.selection\.ratio: found 7; input should"),
    ("arms.greedy.selektion", {}, r"^arms\.greedy\.selektion: unknown field; did you mean sele"),
    ("paradigm.draw", "uniform", r"^paradigm\.draw: unknown field"),
    (
        "paradigm",
        {"kind": "accumulate_subsample", "draw": "equal"},
        r"^paradigm\.draw: found 'equal'; input should be 'uniform' or 'equal_share'",
    ),
    (
        "fresh",
        8,
        r"^fresh: found 8, 24 rows in all; allowed are 0, what digits has beside rows",
    ),
    ("fresh", -1, r"^fresh\.0: found -1; input should be greater than or equal to 0"),
    ("fresh", [1, 1, 1, 1], r"^fresh: found 4 numbers; allowed are up to 3, as nothing is trained"),
    ("weights", {"ddpm": -1, "edm": 2}, r"^weights\.ddpm: found -1; input should be greater than"),
    ("weights", {"ddpm": 0, "edm": 0}, r"^weights: found a sum of 0; allowed is at least one abov"),
    ("weights", {"ddpm": 1}, r"^weights\.edm: missing; a weight must be given for every generator"),
    ("weights", {"ddqm": 1}, r"^weights: found 'ddqm'; did you mean ddpm\? allowed are ddpm, edm"),
    ("quota", {"real": 0.3}, r"^quota\.real: 0\.3 of 128 rows are 39, but only 0 of the candi"),
    (
        "quota",
        {"ddpm": 0.6, "edm": 0.6},
        r"^quota: 154 rows are asked for together, but 128 are",
    ),
    ("quota", {"ddpm": 1.5}, r"^quota\.ddpm: found 1\.5; input should be less than or equal to 1"),
    ("cap", {"ddpm": 0.1, "edm": 0.1}, r"^cap: at most 24 rows may be selected together, but 128"),
    (
        "cap",
        {"fesh": 0.1},
        r"^cap: found 'fesh'; did you mean fresh\? allowed are real, fresh",
    ),
    ("training_sets", {"emd": {}}, r"^training_sets: found 'emd'; did you mean edm\? allowed are"),
    ("training_sets", {"edm": {"rows": 999}}, r"^training_sets: selects 999 rows; allowed are up"),
    (
        "training_sets.edm",
        {"rows": 64, "selection": {"kind": "random", "ratio": 0.5}},
        r"^training_sets\.edm: found rows 64 and selection\.ratio 0\.5; allowed is one of the two",
    ),
    ("alarms.low", {"measure": "entropy"}, r"^alarms\.low\.action: missing; it must be given"),
    (
        "alarms.low",
        {"measure": "entropy", "action": {"kind": "stop"}},
        r"^alarms\.low: found neither threshold nor trend; allowed is one of the two",
    ),
    (
        "alarms.low",
        {"measure": "entropy", "threshold": 1, "action": {"kind": "top_up", "rows": 9}},
        r"^alarms\.low\.action\.rows: 9 rows after each of 3 iterations may be asked for, 27 with",
    ),
    (
        "alarms.low",
        {"measure": "gs", "trend": 1, "action": {"kind": "stop"}},
        r"^alarms\.low\.measure: found 'gs'; no metric that can be watched; allowed are entropy, ",
    ),
    (
        "alarms.low",
        {"measure": "entropy", "trend": 1, "action": {"kind": "panic"}},
        r"^alarms\.low\.action\.kind: found 'panic'; allowed are 'stop', 'top_up', 'lower_ratio'",
    ),
    ("evaluation.entropy_k", 5000, r"^evaluation\.entropy_k: found 5000; allowed are up to"),
    ("seed", -1, r"^seed: found -1; input should be greater than or equal to 0"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_a_mistake_is_one_line_with_field_value_and_what_is_allowed(
    path: str, value: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load((path, value))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gpus": 1}, "gpus: found 1, but selection.kind 'random' cannot use a GPU; allowed is 0"),
        ({"shards": 2}, "shards: found 2, but selection.kind 'random' does not select over shards"),
    ],
)
def test_resources_that_no_method_of_any_arm_can_use_are_refused(
    given: dict[str, int], message: str
) -> None:
    fields: list[tuple[str, Any]] = [("resources.selection", given)]
    # one of the two arms is greedy
    assert load(*fields).resources.selection.shards == given.get("shards", 1)
    with pytest.raises(UserError, match=re.escape(f"resources.selection.{message}")):
        load(*fields, ("arms", {}), ("selection", {"kind": "random", "ratio": 0.5}))


def test_more_shards_than_candidates_are_refused() -> None:
    with pytest.raises(UserError, match=r"selection\.shards: found 300; allowed are up to 256, "):
        load(("resources.selection.shards", 300))


def test_a_generator_named_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(
        "name: x\niterations: 1\ngenerators:\n"
        "  a: {kind: ddpm}\n  b: {kind: edm}\n  a: {kind: edm}\n"
    )
    with pytest.raises(UserError, match=r"generators\.a: named twice, in lines 4 and 6"):
        config.load(str(path), [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory; give a YAML file"),
        (b"a: [1", "while parsing"),
        (b"- 1", "allowed is a mapping of fields"),
        (b"!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "c.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        config.load(str(path), [])
    assert len(str(caught.value).splitlines()) == 1
