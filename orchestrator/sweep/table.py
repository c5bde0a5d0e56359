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


def scores(sweep: Sweep) -> dict[str, dict[str, float]]:
    """Return the objectives of each point that ran to its end, means over seeds, by its name."""
    found: dict[str, dict[str, float]] = {}
    for trials in by_point(sweep):
        # a point that was stopped early is not compared with those that ran on
        if all(trial.status == "finished" for trial in trials):
            measures = [last_measures(trial)[1] for trial in trials]
            name = trials[0].name.rpartition(", seed ")[0]
            found[name] = {
                objective: float(np.mean([one[objective] for one in measures]))
                for objective in sweep.objectives
                if all(objective in one for one in measures)
            }
    return found


def best(sweep: Sweep) -> dict[str, tuple[float, str]]:
    """Return the best value of each objective, with the name of its point."""
    found = {}
    for objective, mode in sweep.objectives.items():
        values = [(s[objective], name) for name, s in scores(sweep).items() if objective in s]
        if values:
            found[objective] = (min if mode == "min" else max)(values, key=lambda one: one[0])
    return found


def front(sweep: Sweep) -> list[str]:
    """Return the points that no other is as good as in every objective and better in one."""
    sign = {name: 1 if mode == "min" else -1 for name, mode in sweep.objectives.items()}
    costs = {
        point: tuple(sign[name] * value for name, value in found.items())
        for point, found in scores(sweep).items()
        if len(found) == len(sign)
    }
    return [
        point
        for point, own in costs.items()
        if not any(
            other != own and all(a <= b for a, b in zip(other, own, strict=True))
            for other in costs.values()
        )
    ]


def best_line(sweep: Sweep) -> str | None:
    """Return which point is best by each objective, and of several which are worth a choice."""
    told = [f"best {name}: {value:.4g} at {point}" for name, (value, point) in best(sweep).items()]
    if len(sweep.objectives) > 1 and (points := front(sweep)):
        told.append("no other is better in all: " + " | ".join(points))
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
