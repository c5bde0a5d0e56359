from dataclasses import replace

import pytest
from scipy import stats

from orchestrator.analysis import words
from orchestrator.analysis.records import records
from orchestrator.outcome import Sweep
from orchestrator.report.axes import axes_of, curve_axis
from orchestrator.report.panels import last_panels
from orchestrator.report.tables import differences
from tests.orchestrator.report.samples import ROWS, sweep

GREEDY = {"0.2": [9.0, 5.0, 7.0], "0.5": [4.0, 2.0, 3.1], "0.8": [7.2, 4.1, 6.5]}
RANDOM = {"0.2": [8.0, 4.1, 6.2], "0.5": [5.0, 1.0, 3.3], "0.8": [7.2, 4.0, 6.6]}


def both(seeds: int, n: int = ROWS) -> Sweep:
    """Return a sweep over the ratio with a greedy and a random line; `n`: rows of the latter."""
    lines = []
    for kind, values, rows in (("greedy", GREEDY, ROWS), ("random", RANDOM, n)):
        one = sweep({ratio: own[:seeds] for ratio, own in values.items()}, rows)
        lines += [
            replace(
                trial,
                id=f"{kind}-{trial.id}",
                name=trial.name.replace(",", f", kind={kind},"),
                point={**trial.point, "selection.kind": kind},
            )
            for trial in one.trials
        ]
    axes = ["selection.ratio", "selection.kind"]
    return replace(sweep({"0.2": [0.0] * seeds}), axes=axes, trials=lines)


def cells(sweep: Sweep) -> list[str]:
    axis = curve_axis(axes_of(sweep))
    assert axis is not None
    tables = differences(last_panels(records(sweep)), axis, sweep.objectives)
    return [cell for table in tables for row in table.rows for cell in row]


def test_lines_are_compared_at_every_place_by_the_paired_t_test() -> None:
    shown = cells(both(3))
    for ratio, greedy in GREEDY.items():
        expected = stats.ttest_rel(RANDOM[ratio], greedy)
        low, high = expected.confidence_interval()
        mean = sum(a - b for a, b in zip(RANDOM[ratio], greedy, strict=True)) / 3
        cell = f"{words.number(mean, 3)} ({words.number(low, 3)} to {words.number(high, 3)})"
        assert f"{cell}{' !' * bool(expected.pvalue < 0.05)}" in shown
    assert sum(cell.endswith(" !") for cell in shown) == 1
    assert "kind=random \N{MINUS SIGN} kind=greedy" in shown


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_mark_nothing(seeds: int) -> None:
    assert not any(cell.endswith("!") for cell in cells(both(seeds)))


def test_lines_of_other_cards_and_single_lines_are_not_compared() -> None:
    assert "training-set entropy" in cells(both(3))
    assert "training-set entropy" not in cells(both(3, n=7))
    assert cells(sweep(GREEDY)) == []
