import re

import pytest
from scipy import stats

from orchestrator.analysis.arms import compare
from orchestrator.analysis.records import records
from orchestrator.analysis.sentences import compared
from orchestrator.outcome import Outcome
from orchestrator.report.findings import finding
from tests.orchestrator.report.samples import ROWS, configuration, result, run


def repeated(values: dict[str, list[float]], **sizes: int) -> Outcome:
    """Return a run of arms with several seeds each, whose last entropies are given by seed."""
    kinds = {"a": "random", "b": "greedy", "c": "variance"}
    arms = {
        f"{name}_{seed}": configuration(selection={"kind": kinds[name]}, seed=seed)
        for name, own in values.items()
        for seed in range(len(own))
    }
    results = [
        result(f"{name}_{seed}", 2, value, 2.0, 1.0, sizes.get(name, ROWS))
        for name, own in values.items()
        for seed, value in enumerate(own)
    ]
    return Outcome("known", "finished", 0, arms, results)


def sentence(found: Outcome) -> str:
    return " ".join(compared(one) for one in compare(records(found)))


def test_a_run_of_one_seed_has_numbers_and_no_verdict() -> None:
    found = run()
    text = finding(found, records(found))
    assert "greedy 15.5, vanilla 8; one seed, no verdict." in text
    assert not re.search(r"apart|overlap|best|more entropy", text)
    assert sentence(found) in text


def test_arms_that_differ_in_their_seed_only_are_repeats_and_not_rivals() -> None:
    found = repeated({"a": [1.0, 2.0, 3.0]})
    assert compare(records(found)) == []
    assert finding(found, records(found)) == "1 arm, 2 iterations."


def test_arms_of_three_seeds_are_compared_by_the_paired_t_test() -> None:
    one, other = [30.0, 41.0, 52.0], [20.5, 30.0, 42.5]
    expected = stats.ttest_rel(one, other)
    low, high = expected.confidence_interval(0.95)
    text = sentence(repeated({"a": other, "b": one}))
    mean = sum(x - y for x, y in zip(one, other, strict=True)) / 3
    assert f"b differs from a: difference {mean:.3g} (95 % {low:.3g} to {high:.3g}, " in text
    assert "paired over 3 seeds" in text
    assert expected.pvalue < 0.05
    assert "does not clearly differ" in sentence(repeated({"a": other, "b": [19.0, 31.0, 44.0]}))


def test_two_seeds_give_no_verdict() -> None:
    text = sentence(repeated({"a": [1.0, 1.1], "b": [90.0, 90.1]}))
    assert "2 seeds, no verdict" in text


def test_arms_of_other_cards_are_named_and_not_ranked() -> None:
    text = sentence(repeated({"a": [1.0], "b": [2.0], "c": [99.0]}, c=7))
    assert "b_0 2, a_0 1" in text
    assert "not compared, as measured on other sets: c_0 7 rows" in text
    assert sentence(run(greedy=7)).startswith("Fréchet at iteration 3")


def test_the_best_arm_of_a_measure_of_which_less_is_better_is_the_lowest() -> None:
    (found,) = compare(records(run(greedy=7)))
    assert [one.record.series for one in found.arms] == ["greedy", "vanilla"]
    assert [one.interval.mean for one in found.arms] == pytest.approx([5.5, 13.0])
