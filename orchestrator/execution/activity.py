"""What an executor does at a moment: which steps run, where and how far, and what waits."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

# they bring PyTorch, for which who only reads what was written need not wait
if TYPE_CHECKING:
    from orchestrator.execution.jobs import Job
    from orchestrator.execution.team import Member, Team


@dataclass(frozen=True)
class RunningStep:
    """A step that workers do.

    Attributes:
        name: e.g. "train ddpm, iteration 2 of greedy".
        nodes: names of the machines of its workers, one for each worker.
        seconds: since the first of them began.
        fraction: how far it is, as its worker said last; None where it has not.
        note: what else the worker said.
    """

    name: str
    nodes: Sequence[str]
    seconds: float
    fraction: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Activity:
    """What an executor does.

    Attributes:
        ready: names of the steps that wait for a free worker only, the most urgent first.
        blocked: how many steps wait for the output of others.
        workers: how many there are, busy or not; those that start included.
        seconds_left: about how long all of it will take, from what steps of the same kind took;
            None before that is known of every kind.
    """

    running: Sequence[RunningStep] = ()
    ready: Sequence[str] = ()
    blocked: int = 0
    workers: int = 0
    seconds_left: float | None = None


def describe(
    jobs: Sequence[Job],
    calls: Sequence[tuple[Member, Job]],
    team: Team,
    progress: Mapping[str, tuple[float, str]],
    seconds_left: float | None,
) -> Activity:
    """Return what an executor does.

    Args:
        jobs: all of them, the most urgent first.
        calls: which worker does what.
        progress: how far running steps are, by key or path of their unit.
    """
    now, doing = time.monotonic(), defaultdict(list)
    for member, job in calls:
        doing[job].append(member)
    waiting = [job for job in jobs if job not in doing]
    return Activity(
        [_running(job, members, team, progress, now) for job, members in doing.items()],
        [job.planned.describe() for job in waiting if job.is_ready(now)],
        sum(bool(job.missing) for job in waiting),
        team.size,
        seconds_left,
    )


def _running(
    job: Job,
    members: Sequence[Member],
    team: Team,
    progress: Mapping[str, tuple[float, str]],
    now: float,
) -> RunningStep:
    step = job.planned.step
    # a worker reports by the key of the step, or by the path of the part of it that it does
    units = [key for key in progress if key == step.key or key.startswith(f"{step.path}/")]
    fraction, note = progress[units[0]] if units else (None, "")
    where = [team.name(member.node) for member in members]
    seconds = now - min(member.since for member in members)
    return RunningStep(job.planned.describe(), where, seconds, fraction, note)
