from typing import Any

from orchestrator.report import kept_more_entropy
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
    return Result(arm, iteration, "ddpm", [card], "grid.png")


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
