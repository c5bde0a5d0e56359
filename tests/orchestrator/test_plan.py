from typing import Any

from orchestrator import config
from orchestrator.plan import Plan, make_plan
from tests.orchestrator.test_config import DIGITS


def plan(*overrides: tuple[str, Any]) -> Plan:
    return make_plan(config.load(str(DIGITS), list(overrides)))


def test_arms_share_the_steps_of_iteration_one_and_no_later_ones() -> None:
    planned = plan(("iterations", 2))
    first = [p for p in planned.steps.values() if p.iteration <= 1]
    later = [p for p in planned.steps.values() if p.iteration == 2]
    assert {tuple(p.arms) for p in first} == {("vanilla", "greedy")}
    assert {tuple(p.arms) for p in later} == {("vanilla",), ("greedy",)}
    kinds = sorted(p.step.kind for p in later if p.arms == ["greedy"])
    assert kinds == [
        *("embed", "embed", "evaluate", "evaluate", "order", "sample", "sample"),
        *("select", "train", "train"),
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


def test_every_step_comes_after_the_steps_it_reads() -> None:
    seen: set[str] = set()
    for path, planned in plan().steps.items():
        assert {p for paths in planned.step.inputs.values() for p in paths} <= seen
        seen.add(path)


def test_replace_trains_on_samples_and_accumulate_on_real_rows_too() -> None:
    for kind, sources in (("replace", {"ddpm", "edm"}), ("accumulate", {None, "ddpm", "edm"})):
        planned = plan(("paradigm.kind", kind), ("iterations", 3))
        chosen = planned.training_sets["greedy", 3].select
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
