import math
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import pearsonr

from orchestrator.analysis import words
from orchestrator.analysis.correlations import correlations, pool
from orchestrator.analysis.records import records
from orchestrator.analysis.sentences import correlated
from orchestrator.comparison import print_comparison
from orchestrator.outcome import Outcome
from orchestrator.report.sections import figures
from tests.orchestrator.report.samples import configuration, result


def different_sizes() -> Outcome:
    """Return a run whose arms of one size have one correlation, and all together another."""
    rng = np.random.default_rng(0)
    entropies = rng.normal(20, 3, 6)
    scores = np.exp(1 + entropies / 30 + rng.normal(0, 0.05, 6))
    results = [result("same", i, entropies[i - 1], scores[i - 1], 1.0) for i in range(1, 7)] + [
        result("other", i, 90.0 - i, 0.1 * i, 1.0, n=7) for i in range(1, 4)
    ]
    arms = {"same": configuration(), "other": configuration(selection={"kind": "random"})}
    return Outcome("known", "finished", 0, arms, results)


def test_only_points_of_equal_cards_are_pooled_on_the_terminal_in_the_report_and_mlflow() -> None:
    run = different_sizes()
    own = [
        (r.measures[0].known_value, math.log(r.measures[2].known_value))
        for r in run.results
        if r.arm == "same"
    ]
    expected = pearsonr(*np.array(own).T)
    low = expected.confidence_interval().low
    every = [(r.measures[0].known_value, math.log(r.measures[2].known_value)) for r in run.results]
    assert pearsonr(*np.array(every).T).statistic < 0
    assert expected.statistic > 0.5
    text = f"r = {expected.statistic:.2g} over 6 distinct points of equal cards"
    console = Console(file=StringIO(), width=300)
    print_comparison(console, run)
    assert isinstance(console.file, StringIO)
    assert f"entropy {text}, 95 % interval {words.number(low, 2)} to" in console.file.getvalue()
    assert "3 points of other cards are left out" in console.file.getvalue()
    (figure,) = [f for f in figures(run) if f.name == "entropy-against-log-gs"]
    assert text in figure.caption
    assert correlations(records(run))["entropy"] == pytest.approx(expected.statistic)


def test_there_is_no_correlation_where_one_of_the_two_does_not_vary_or_points_are_few() -> None:
    run = different_sizes()
    constant = [result("same", i, 20.0 + i, 2.0, 1.0) for i in range(1, 7)]
    few = pool(records(replace(run, results=run.results[:2])), "entropy")
    assert few.correlation.r is None
    assert correlated(few) is None
    found = pool(records(replace(run, results=constant)), "entropy")
    assert correlated(found) == "has none: the second series does not vary"


def test_points_that_arms_share_count_once_when_it_is_decided_which_are_pooled() -> None:
    arms = {"a": configuration(), "b": configuration(selection={"kind": "random"})}
    # six records of one point, and four of four
    shared = [result(arm, 1, 30.0, 3.0, 1.0) for arm in arms for _ in range(3)]
    own = [
        replace(result(arm, 2, 20.0 + 3 * i + j, 2.0 + i + j / 5, 1.0, n=7), generator=f"g{i}")
        for i in range(2)
        for j, arm in enumerate(arms)
    ]
    shared = [replace(one, generator=f"g{i % 3}") for i, one in enumerate(shared)]
    found = pool(
        records(Outcome("known", "finished", 0, arms, shared + own)), "entropy"
    ).correlation
    logs = [math.log(one.measures[2].known_value) for one in own]
    expected = pearsonr([one.measures[0].known_value for one in own], logs).statistic
    assert found.n == 4
    assert found.r == pytest.approx(expected)
