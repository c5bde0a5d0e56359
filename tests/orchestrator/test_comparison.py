from io import StringIO
from typing import Any

import numpy as np
from rich.console import Console
from scipy.stats import pearsonr

from actors.evaluation.groups import Sets, measure
from orchestrator.comparison import correlations, kept_more_entropy, print_comparison
from orchestrator.results import Result


def result(arm: str, value: float | None, n: int = 100, iteration: int = 2) -> Result:
    card: dict[str, Any] = {
        "metric": "entropy",
        "subject": "training_set",
        "value": value,
        "n": n,
        "k": 1,
        "features": "pixels",
    }
    return Result(arm, iteration, "ddpm", [card])


def test_the_verdict_names_the_arm_with_more_entropy_at_the_last_iteration() -> None:
    results = [result("a", 9, iteration=1), result("b", 1, iteration=1)]
    results += [result("a", 1.5), result("b", 4.25)]
    verdict = kept_more_entropy(results)
    assert verdict is not None
    assert verdict.startswith("b kept more entropy: 4.25 nats in its training set of iteration 2")
    assert "1.50 in a" in verdict


def test_a_collapsed_arm_loses_and_unequal_sizes_are_not_compared() -> None:
    assert "against -inf in a" in str(kept_more_entropy([result("a", None), result("b", 1)]))
    unequal = kept_more_entropy([result("a", 1, n=50), result("b", 2)])
    assert unequal == ("The entropies at iteration 2 cannot be compared: a 50 rows, b 100 rows.")
    assert kept_more_entropy([result("a", 1)]) is None


def measured(arm: str, generator: str, training_set: np.ndarray | None) -> Result:
    samples, reference = np.random.default_rng(0).normal(size=(2, 40, 3))
    found = measure(Sets(samples, reference, training_set, card={"features": "pixels"}))
    return Result(arm, 1, generator, [one.as_json() for one in found])


def printed(results: list[Result]) -> list[list[str]]:
    """Return the cells of the table's rows."""
    console = Console(file=StringIO(), width=120)
    print_comparison(console, results)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


def test_a_generator_that_was_not_trained_has_blanks_wherever_it_stands() -> None:
    training_set = np.random.default_rng(1).normal(size=(30, 3))
    made, trained = measured("a", "old", None), measured("a", "ddpm", training_set)
    entropy = f"{trained.measure('entropy', 'training_set')['value']:.2f}"  # type: ignore[index]
    score = f"{trained.measure('generalization_score')['value']:.2f}"  # type: ignore[index]
    frechet = f"{made.measure('frechet_distance')['value']:.2f}"  # type: ignore[index]
    assert printed([made, trained]) == [["1", "a", entropy, "", score, frechet, frechet]]
    assert printed([trained, made]) == [["1", "a", entropy, score, "", frechet, frechet]]
    assert printed([made]) == [["1", "a", "", "", frechet]]


def test_arms_without_a_training_have_no_verdict() -> None:
    made = [measured(arm, "old", None) for arm in ("a", "b")]
    assert kept_more_entropy(made) is None
    trained = [result("a", 1.0, iteration=1), result("b", 2.0, iteration=1)]
    assert kept_more_entropy(made + trained) == kept_more_entropy(trained)
    assert kept_more_entropy([*made, trained[0]]) is None


def test_more_than_two_generators_are_told_in_rows() -> None:
    training_set = np.random.default_rng(1).normal(size=(30, 3))
    names = ["ddpm", "edm", "flow"]
    rows = printed([measured(arm, name, training_set) for arm in "ab" for name in names])
    assert [row[3] for row in rows] == names * 2
    assert [row[1] for row in rows] == ["a", "", "", "b", "", ""]
    assert all(len(row) == 6 and row[4] and row[5] for row in rows)


def test_the_correlations_with_log_gs_are_those_of_scipy() -> None:
    sets = [np.random.default_rng(i).normal(0, 1 + i / 3, (30, 3)) for i in range(5)]
    results = [measured("a", f"g{i}", rows) for i, rows in enumerate(sets)]
    values = {
        metric: [r.measure(metric, subject)["value"] for r in results]  # type: ignore[index]
        for metric, subject in (
            ("entropy", "training_set"),
            ("variance", "training_set"),
            ("generalization_score", "samples"),
        )
    }
    told = correlations(results)
    assert told is not None
    for metric in ("entropy", "variance"):
        r = pearsonr(values[metric], np.log(values["generalization_score"]))
        low, high = r.confidence_interval()
        assert f"{metric} {r.statistic:.2f} ({low:.2f} to {high:.2f})" in told
    assert "over 5 points" in told
    assert correlations(results[:3]) is None
