"""What an arm gains and costs beside the first, by the paired t-test of every metric."""

import pytest
from scipy import stats

from orchestrator.analysis.records import records
from orchestrator.analysis.verdicts import verdicts
from orchestrator.outcome import Outcome
from tests.orchestrator.report.samples import ROWS, configuration, result

# entropy, GS and Fréchet distance by seed
VANILLA = [(8.0, 2.0, 4.0), (9.5, 2.2, 4.4), (7.0, 2.1, 4.1)]
GREEDY = [(30.0, 2.1, 4.9), (31.0, 2.5, 5.4), (29.5, 2.0, 5.0)]


def outcome(arms: dict[str, list[tuple[float, float, float]]]) -> Outcome:
    kinds = dict(zip(arms, ("random", "greedy"), strict=True))
    given = {
        f"{arm}-{seed}": configuration(selection={"kind": kinds[arm]}, seed=seed)
        for arm, values in arms.items()
        for seed in range(len(values))
    }
    results = [
        result(f"{arm}-{seed}", 2, *values, ROWS)
        for arm, by_seed in arms.items()
        for seed, values in enumerate(by_seed)
    ]
    return Outcome("known", "finished", 0, given, results)


def test_what_differs_clearly_is_better_or_worse_and_the_rest_is_named_too() -> None:
    apart = [
        stats.ttest_rel(ours, theirs).pvalue < 0.05
        for ours, theirs in zip(zip(*GREEDY, strict=True), zip(*VANILLA, strict=True), strict=True)
    ]
    assert apart == [True, False, True]
    (verdict,) = verdicts(records(outcome({"vanilla": VANILLA, "greedy": GREEDY})))
    assert (verdict.arm, verdict.first, verdict.iteration, verdict.seeds) == (
        "greedy",
        "vanilla",
        2,
        3,
    )
    assert verdict.better == ["training-set entropy"]
    assert verdict.worse == ["Fréchet"]
    assert verdict.unclear == ["GS"]
    assert str(verdict) == (
        "greedy beside vanilla at iteration 2, paired over 3 seeds. Better: training-set entropy. "
        "Worse: Fréchet. No clear difference: GS."
    )


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_give_no_verdict(seeds: int) -> None:
    found = outcome({"vanilla": VANILLA[:seeds], "greedy": GREEDY[:seeds]})
    assert verdicts(records(found)) == []
