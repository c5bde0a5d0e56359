"""The closing table of a sweep."""

import math

import numpy as np
from rich.console import Console
from rich.table import Table

from orchestrator.outcome import Sweep, Trial
from orchestrator.report.statistics import mean_interval
from orchestrator.sweep.config import named
from orchestrator.sweep.metrics import means

COLUMNS = {"entropy": "entropy (nats)", "generalization_score": "GS", "frechet_distance": "Fréchet"}


def print_table(console: Console, sweep: Sweep) -> None:
    """Print every point with its measures at the last iteration, means and 95 % intervals."""
    names = {**COLUMNS, **{name: name for name in sweep.objectives if name not in COLUMNS}}
    table = Table(
        *(axis.rsplit(".", 1)[-1] for axis in sweep.axes),
        "seeds",
        "it.",
        *names.values(),
        "status",
        title="Points at their last iteration: mean and 95 % interval over seeds",
    )
    for trials in by_point(sweep):
        values = [last_measures(trial) for trial in trials]
        ended = {trial.status for trial in trials}
        table.add_row(
            *(named({axis: trials[0].point[axis]}).partition("=")[2] for axis in sweep.axes),
            str(len(trials)),
            str(max((iteration for iteration, _ in values), default=0)),
            *(interval([v[name] for _, v in values if name in v]) for name in names),
            "failed" if "failed" in ended else "/".join(sorted(ended)),
        )
    console.print(table)
    for trials in by_point(sweep):
        errors = dict.fromkeys(trial.error for trial in trials if trial.error)
        for error in errors:
            console.print(f"{trials[0].name}: {error}", style="red", markup=False, highlight=False)


def by_point(sweep: Sweep) -> list[list[Trial]]:
    """Return the trials of each point together."""
    points: dict[str, list[Trial]] = {}
    for trial in sweep.trials:
        points.setdefault(repr(trial.point), []).append(trial)
    return list(points.values())


def last_measures(trial: Trial) -> tuple[int, dict[str, float]]:
    """Return the last iteration of a trial, and its measures then."""
    results = trial.outcome.results if trial.outcome else []
    last = max((result.iteration for result in results), default=0)
    return last, means(result for result in results if result.iteration == last)


def interval(values: list[float]) -> str:
    """Return the mean of some values with half the width of its 95 % t-interval."""
    if not values:
        return ""
    mean = float(np.mean(values))
    if len(values) == 1 or not math.isfinite(mean):
        return f"{mean:.2f}"
    found = mean_interval(values)
    assert found.high is not None
    return f"{mean:.2f} ± {found.high - mean:.2f}"


def best(sweep: Sweep) -> dict[str, tuple[float, str]]:
    """Return the best mean over seeds of each objective, with the name of its point."""
    found = {}
    for name, mode in sweep.objectives.items():
        scores = []
        for trials in by_point(sweep):
            last = [last_measures(trial)[1].get(name) for trial in trials]
            values = [value for value in last if value is not None]
            # a point that was stopped early is not compared with those that ran on
            if values and all(trial.status == "finished" for trial in trials):
                scores.append((float(np.mean(values)), trials[0].name.rpartition(", seed ")[0]))
        if scores:
            found[name] = (min if mode == "min" else max)(scores, key=lambda score: score[0])
    return found


def best_line(sweep: Sweep) -> str | None:
    """Return which point is best by each objective."""
    told = [f"best {name}: {value:.4g} at {point}" for name, (value, point) in best(sweep).items()]
    return "; ".join(told) or None


def sharing_line(sweep: Sweep) -> str | None:
    """Return how much the trials shared."""
    if not sweep.shared.get("steps"):
        return None
    steps, done = int(sweep.shared["steps"]), int(sweep.shared["done"])
    return (
        f"shared: {done} steps were done for the {steps} that the trials have, "
        f"which saved {sweep.shared['seconds_saved']:.0f} s of work"
    )
