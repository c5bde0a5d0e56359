"""One point of a sweep, as Ray Tune runs it."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import tune

from orchestrator.outcome import Outcome, read_trial
from orchestrator.sweep.config import SweepConfig
from orchestrator.sweep.metrics import measured
from orchestrator.sweep.seeds import HISTORY, Seeds, Setting, ending
from orchestrator.sweep.space import Point

# what is not done again; a trial that was interrupted or failed is
ENDED = ("finished", "stopped")
CLOSING_SECONDS = 600


def trial_id(point: Point, seed: int) -> str:
    """Return the id of a point with a seed, the same in every run of a sweep."""
    text = json.dumps(point, sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:8]}-seed{seed}"


def trial_ids(sweep: SweepConfig, tune_id: str, given: dict[str, Any]) -> dict[int, str]:
    """Return the ids of a point's trials by seed.

    Args:
        tune_id: Ray Tune's id of the point, which ends in its number.
        given: its configuration in Ray Tune.
    """
    if sweep.scheduler.kind == "pbt":
        # population-based training changes points, so a member is known by its number
        member = tune_id.rpartition("_")[2]
        return {seed: f"member-{member}-seed{seed}" for seed in sweep.repeat.seeds}
    point = sweep.point_of(given)
    return {seed: trial_id(point, seed) for seed in sweep.repeat.seeds}


def run_point(given: dict[str, Any], setting: Setting) -> None:
    """Run a point and report its measures after every iteration.

    A failure is reported too, not raised: raising is for what is worth another try.
    """
    # this process takes another point when the thread of this one has ended, which may take its
    # time to close its runs; where Ray Tune stops waiting it loses the other point, in silence
    os.environ["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = str(CLOSING_SECONDS)
    sweep = setting.sweep
    ids = trial_ids(sweep, tune.get_context().get_trial_id(), given)
    done, points = 0, [(1, sweep.point_of(given))]
    if sweep.scheduler.kind == "pbt":
        done, points = history(points[0][1])
    else:
        recorded = [read_trial(setting.storage, setting.folder, id) for id in ids.values()]
        before = [trial for trial in recorded if trial and trial.status in ENDED]
        if len(before) == len(ids):
            _replay(before, sweep.objectives)
            return
    Seeds(points, setting, ids).run(done)


def history(point: Point) -> tuple[int, list[tuple[int, Point]]]:
    """Return the iterations that a member of a population has behind it, and its points so far.

    Each point is from an iteration on. A member that took over what another has come to goes on
    from there at a point of its own.
    """
    checkpoint = tune.get_checkpoint()
    if checkpoint is None:
        return 0, [(1, point)]
    with checkpoint.as_directory() as folder:
        kept = json.loads((Path(folder) / HISTORY).read_text(encoding="utf-8"))
    done = kept["iteration"]
    before = [(first, then) for first, then in kept["points"] if first <= done]
    return done, before if before[-1][1] == point else [*before, (done + 1, point)]


def _replay(trials: list[Outcome], objectives: Mapping[str, str]) -> None:
    """Report what was measured before."""
    results = [result for trial in trials for result in trial.results]
    iterations = sorted({result.iteration for result in results})
    for iteration in iterations:
        report: dict[str, Any] = measured(results, iteration, objectives)
        if iteration == iterations[-1]:
            report |= ending(trials)
        tune.report(report)
