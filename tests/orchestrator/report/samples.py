"""Runs and sweeps made of numbers that tests know."""

from typing import Any

from actors.metrics.base import Measure
from orchestrator.outcome import Outcome, Sweep
from orchestrator.results import Result

ROWS = 64


def configuration(**fields: Any) -> dict[str, Any]:
    """Return the fields of a configuration that a report looks at."""
    return {
        "dataset": {"kind": "digits", "rows": ROWS, "reference_rows": 80},
        "features": {"kind": "pixels"},
        "generators": {"ddpm": {"kind": "ddpm"}},
        "selection": {"kind": "greedy", "ratio": 0.5},
        "paradigm": {"kind": "replace"},
        "iterations": 3,
        **fields,
    }


def result(
    arm: str, iteration: int, entropy: float | None, score: float, frechet: float, n: int = ROWS
) -> Result:
    """Return what was measured, of a training set of n rows."""
    measures = [
        Measure("entropy", "training_set", entropy, "nats", "pixels", n, k=1, low=None, high=None),
        Measure("variance", "training_set", 3.0 + iteration % 2, "squared distance", "pixels", n),
        Measure(
            "generalization_score", "samples", score, "distance", "pixels", 100,
            reference="training_set", reference_n=n,
        ),
        Measure(
            "frechet_distance", "samples", frechet, "squared distance", "pixels", 100,
            reference="held-out real", reference_n=80,
        ),
    ]  # fmt: skip
    shares = [
        {"by": "origin", "value": value, "candidates": 10, "selected": 5, "candidate_share": share,
         "selected_share": share}
        for value, share in ((["real", 0], 1 / iteration), (["ddpm", 1], 1 - 1 / iteration))
        if share
    ]  # fmt: skip
    return Result(arm, iteration, "ddpm", measures, {}, shares)


def run(seed: int = 0, status: str = "finished", **sizes: int) -> Outcome:
    """Return a run of vanilla and greedy; `sizes`: rows of their later training sets."""
    results = [
        result(arm, n, start - n * fall, 3.0 - n * fall / 9, 1.0 + n * fall,
               sizes.get(arm, ROWS) if n > 1 else ROWS)
        for n in (1, 2, 3)
        for arm, start, fall in (("vanilla", 20.0, 4.0), ("greedy", 20.0, 1.5))
    ]  # fmt: skip
    vanilla = configuration(selection={"kind": "random", "ratio": 0.5})
    return Outcome("known", status, seed, {"vanilla": vanilla, "greedy": configuration()}, results)


def sweep(ratios: dict[str, list[float]], n: int = ROWS) -> Sweep:
    """Return a sweep over the ratio, whose Fréchet distances at iteration 3 are given by seed."""
    trials = [
        Outcome(
            f"ratio={ratio}, seed {seed}", "finished", seed, {"main": configuration()},
            [result("main", 3, 10.0 + seed, 2.0, value, n)],
            id=f"{ratio}-seed{seed}", point={"selection.ratio": ratio},
        )
        for ratio, values in ratios.items()
        for seed, value in enumerate(values)
    ]  # fmt: skip
    objectives = {"frechet_distance": "min"}
    seeds = list(range(max(map(len, ratios.values()))))
    return Sweep(
        "known", "finished", ["selection.ratio"], seeds, objectives, len(trials), {}, trials
    )
