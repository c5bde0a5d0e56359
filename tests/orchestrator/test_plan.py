import shutil
from pathlib import Path
from typing import Any

import pytest

from actors.data.dataset import _opened
from actors.errors import UserError
from actors.features.encoder import Encoder
from actors.generators.external import open_images
from actors.workers.sample import family_of
from orchestrator import config
from orchestrator.identity import experiment_key
from orchestrator.plan import Plan
from orchestrator.planning import make_plan
from tests.actors.data.image_files import encoded, noise, write
from tests.orchestrator.test_config import TWO_ARMS


def plan(*overrides: tuple[str, Any]) -> Plan:
    return make_plan(config.load(str(TWO_ARMS), list(overrides)))


def test_arms_share_the_steps_of_iteration_one_and_no_later_ones() -> None:
    planned = plan(("iterations", 2))
    first = [p for p in planned.steps.values() if p.iteration <= 1]
    later = [p for p in planned.steps.values() if p.iteration == 2]
    assert {tuple(p.arms) for p in first} == {("vanilla", "greedy")}
    assert {tuple(p.arms) for p in later} == {("vanilla",), ("greedy",)}
    kinds = sorted(p.step.kind for p in later if p.arms == ["greedy"])
    # the images are the features
    assert kinds == [
        *("evaluate", "evaluate", "order", "sample", "sample", "select", "train", "train"),
    ]
    in_encoder = plan(("iterations", 2), ("features.kind", "encoder")).steps.values()
    later = [p for p in in_encoder if p.iteration == 2 and p.arms == ["greedy"]]
    assert sorted({p.step.kind for p in later}) == [
        *("embed", "evaluate", "order", "sample", "select", "train"),
    ]


def test_arms_that_differ_in_the_ratio_share_one_greedy_order() -> None:
    ratios = {f"r{ratio}": {"selection": {"ratio": ratio / 10}} for ratio in (4, 6, 8)}
    # one more iteration would differ: what it selects among was trained on different sets
    planned = plan(("iterations", 2), ("arms", {}), ("arms", ratios))
    orders = [p for p in planned.steps.values() if p.step.kind == "order"]
    assert [p.arms for p in orders] == [["r4", "r6", "r8"]]
    selects = [p for p in planned.steps.values() if "order" in p.step.inputs]
    assert len(selects) == 3
    assert {p.step.inputs["order"] for p in selects} == {(orders[0].step.path,)}


def test_an_order_goes_as_far_as_the_largest_ratio_needs() -> None:
    ratios = {f"r{ratio}": {"selection": {"ratio": ratio / 10}} for ratio in (4, 6, 5)}

    def ranked(experiment: config.Experiment, ratio: float = 0) -> int:
        steps = [p.step for p in make_plan(experiment, ratio=ratio).steps.values()]
        (order,) = [step for step in steps if step.kind == "order"]
        return int(order.settings["rows"])

    fields: list[tuple[str, Any]] = [("iterations", 2), ("arms", {}), ("arms", ratios)]
    arms = config.load(str(TWO_ARMS), fields)
    total = sum(generator.sampling.rows for generator in arms.generators.values())
    assert ranked(arms) == round(0.6 * total)
    alone = config.load(str(TWO_ARMS), [*fields[:2], ("selection.ratio", 0.3)])
    assert ranked(alone) == round(0.3 * total)
    # in a sweep others may need more
    assert ranked(alone, 0.5) == round(0.5 * total)
    # who keeps within limits may need any row
    capped = config.load(str(TWO_ARMS), [*fields[:2], ("cap", {"ddpm": 0.7})])
    assert ranked(capped) == total


def test_gpus_and_shards_are_given_to_methods_that_can_use_them_alone() -> None:
    resources = {"gpus": 1, "shards": 2}
    planned = plan(("iterations", 2), ("resources.selection", resources))
    needs = {
        (p.step.kind, p.step.config["selection"]["kind"]): p.step.settings
        for p in planned.steps.values()
        if p.step.room == "selection"
    }
    assert needs["order", "greedy"]["gpus"] == needs["select", "greedy"]["gpus"] == 1
    assert needs["order", "greedy"]["workers"] == 2
    assert needs["select", "random"]["gpus"] == 0


def test_given_images_go_on_where_the_iteration_before_ended_when_the_rows_change(
    tmp_path: Path,
) -> None:
    for number in range(12):
        write(tmp_path / f"{number:02}.png", encoded(noise(number, 8, 8, 1)))
    given = {"kind": "external", "images": str(tmp_path), "sampling": {"rows": 2}}
    fields: list[tuple[str, Any]] = [("iterations", 4), ("generators.given", given), ("arms", {})]

    def taken(rows: int) -> list[range]:
        change = {3: {"generators": {"given": {"sampling": {"rows": rows}}}}}
        steps = [p.step for p in plan(*fields, ("changes", change)).steps.values()]
        samples = [s for s in steps if s.kind == "sample" and s.config["source"] == "given"]
        firsts = [(s.config["before"], s.config["generator"]["sampling"]["rows"]) for s in samples]
        return [range(first, first + count) for first, count in firsts]

    assert taken(4) == [range(2), range(2, 4), range(4, 8), range(8, 12)]
    with pytest.raises(UserError, match=r"generators.given.images: found 12, fewer than the 14 "):
        taken(5)


def test_what_changes_the_dropped_values_is_part_of_a_training_s_identity() -> None:
    def key(**fields: Any) -> str:
        overrides = [(f"generators.ddpm.{name}", value) for name, value in fields.items()]
        steps = [p.step for p in plan(("iterations", 1), *overrides).steps.values()]
        return next(s.key for s in steps if s.kind == "train" and s.config["source"] == "ddpm")

    for name, value in (("workers", 2), ("channels_last", True), ("compile", True)):
        training = {f"training.{name}": value}
        assert key(**training) == key()
        dropping = {"network.dropout": 0.1}
        assert key(**dropping, **training) != key(**dropping)


def test_every_step_comes_after_the_steps_it_reads() -> None:
    seen: set[str] = set()
    for path, planned in plan().steps.items():
        assert {p for paths in planned.step.inputs.values() for p in paths} <= seen
        seen.add(path)


def test_replace_trains_on_samples_and_accumulate_on_real_rows_too() -> None:
    for kind, sources in (("replace", {"ddpm", "edm"}), ("accumulate", {None, "ddpm", "edm"})):
        planned = plan(("paradigm.kind", kind), ("iterations", 3))
        chosen = planned.training_sets["greedy", 3, None].select
        candidates = [planned.steps[path] for path in chosen.inputs["samples"]]
        assert {p.generator for p in candidates} == sources
        expected = {2} if kind == "replace" else {0, 1, 2}
        assert {p.iteration for p in candidates} == expected


def test_what_only_changes_how_a_step_is_done_leaves_every_key_alone() -> None:
    base = list(plan().steps)
    assert list(plan(("generators.ddpm.sampling.batch_size", 7)).steps) == base
    assert list(plan(("generators.ddpm.sampling.workers", 2)).steps) == base
    assert list(plan(("store", "elsewhere")).steps) == base


def test_changing_a_sampler_keeps_the_training_and_changing_the_seed_keeps_nothing() -> None:
    base = plan()
    sampler = plan(("generators.ddpm.sampling.steps", 9))
    first = {path for path, p in base.steps.items() if p.iteration == 1 and p.step.kind == "train"}
    assert first <= set(sampler.steps)
    assert not set(plan(("seed", 1)).steps) & set(base.steps)


def test_an_extractor_is_fitted_once_on_the_real_rows_and_every_embedding_waits_for_it() -> None:
    planned = plan(("iterations", 2), ("features.kind", "encoder"))
    (fit,) = [p for p in planned.steps.values() if p.step.kind == "fit"]
    assert fit.arms == ["vanilla", "greedy"]
    assert fit.describe() == "fit, real data"
    (real,) = fit.step.inputs["samples"]
    assert planned.steps[real].step.config["split"] == "train"
    embeds = [p.step for p in planned.steps.values() if p.step.kind == "embed"]
    assert len(embeds) == 2 + 2 + 4
    assert {step.inputs["fitted"] for step in embeds} == {(fit.step.path,)}
    assert not [p for p in plan().steps.values() if p.step.kind == "fit"]


def test_arms_with_other_features_are_fitted_apart() -> None:
    planned = plan(("features.kind", "encoder"), ("arms.greedy.features", {"features": 32}))
    fits = [p for p in planned.steps.values() if p.step.kind == "fit"]
    assert [p.arms for p in fits] == [["vanilla"], ["greedy"]]


def test_how_features_are_computed_leaves_every_key_alone_and_threads_do_not() -> None:
    encoder = ("features.kind", "encoder")
    base = list(plan(encoder).steps)
    assert list(plan(encoder, ("features.batch_size", 7)).steps) == base
    assert list(plan(encoder, ("features.device", "cpu")).steps) == base
    assert list(plan(encoder, ("resources.features.gpus", 1)).steps) == base
    given = plan(encoder, ("arms.greedy.features.kind", "pca"), ("resources.features.gpus", 1))
    uses = {
        (step.kind, step.config["features"]["kind"]): step.settings["gpus"]
        for step in (planned.step for planned in given.steps.values())
        if step.room == "features"
    }
    # what can use no GPU takes none, and weights are fitted alike everywhere
    assert uses == {
        ("fit", "encoder"): 0,
        ("embed", "encoder"): 1,
        ("fit", "pca"): 0,
        ("embed", "pca"): 0,
    }
    threads = plan(encoder, ("resources.features.cpus", 2))
    fits = [p.step.path for p in threads.steps.values() if p.step.kind == "fit"]
    assert not set(fits) & set(base)


def test_other_weights_are_another_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    def embeds() -> set[str]:
        steps = plan(("features.kind", "encoder")).steps
        return {path for path, p in steps.items() if p.step.kind == "embed"}

    base = embeds()
    assert base
    monkeypatch.setattr(Encoder, "digest", lambda self: "some weights")
    assert not embeds() & base


def external(folder: Path, iterations: int = 2) -> Plan:
    """Plan with a generator that gives out the images of a folder, before the ones that train."""
    given = {"kind": "external", "images": str(folder), "sampling": {"rows": 6}}
    experiment = config.load(str(TWO_ARMS), [("iterations", iterations)])
    trained = experiment.model_dump(mode="json")["generators"]
    return plan(
        ("iterations", iterations), ("generators", {}), ("generators", {"old": given, **trained})
    )


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(12):
        write(tmp_path / "made" / f"{number}.png", encoded(noise(number, 8, 8, 1)))
    return tmp_path / "made"


def test_an_external_generator_is_sampled_by_the_content_of_its_folder_and_not_trained(
    images: Path,
) -> None:
    planned = external(images)
    kinds = [p.step.kind for p in planned.steps.values() if p.generator == "old"]
    assert kinds == ["sample", "evaluate"] * 2
    for (_, _, generator), step in planned.evaluations.items():
        assert ("training_set" in step.inputs) == (generator != "old")
    chosen = planned.training_sets["greedy", 2, None].select.inputs["samples"]
    assert {planned.steps[path].generator for path in chosen} == {"old", "ddpm", "edm"}

    write(images / "3.png", encoded(noise(99, 8, 8, 1)))
    open_images.cache_clear()
    _opened.cache_clear()
    changed = external(images)

    def samples(of: Plan) -> dict[tuple[str | None, int], str]:
        steps = [p for p in of.steps.values() if p.step.kind == "sample" and p.iteration == 1]
        return {(p.generator, p.iteration): p.step.path for p in steps}

    before, after = samples(planned), samples(changed)
    assert {name for (name, _), path in before.items() if after[name, 1] != path} == {"old"}


def test_an_external_generator_is_the_same_wherever_its_folder_lies(
    images: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(images, tmp_path / "elsewhere" / "copied"))
    here, there = external(images), external(copied)
    assert here.steps.keys() == there.steps.keys()
    assert experiment_key(here.experiment) == experiment_key(there.experiment)
    for path, planned in here.steps.items():
        if planned.step.kind == "sample" and planned.generator == "old":
            assert family_of(planned.step) == here.experiment.generators["old"]
            assert family_of(there.steps[path].step) == there.experiment.generators["old"]
    write(copied / "3.png", encoded(noise(99, 8, 8, 1)))
    open_images.cache_clear()
    _opened.cache_clear()
    changed = external(copied)
    assert here.steps.keys() != changed.steps.keys()
    assert experiment_key(here.experiment) != experiment_key(changed.experiment)


def test_too_few_images_for_the_iterations_are_one_line_with_the_generators_name(
    images: Path,
) -> None:
    with pytest.raises(UserError) as error:
        external(images, iterations=3)
    assert str(error.value) == (
        "generators.old.images: found 12, fewer than the 18 that sampling.rows asks for over all "
        "iterations"
    )
