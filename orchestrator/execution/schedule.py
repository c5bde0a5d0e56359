"""The schedule: which step goes to which worker, and when another worker is started.

It knows nothing of Ray, so that a simulation can go through it as well.
"""

import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

from orchestrator.execution.jobs import Job, Task
from orchestrator.execution.team import Member, Team
from orchestrator.plan import PlannedStep


class Call(NamedTuple):
    """A task that a worker does, and the reference of its answer."""

    ref: Any
    member: Member
    task: Task


class Schedule:
    """Steps that are to be done, and the workers that do them.

    Attributes:
        jobs: those that are not done, by path.
        seconds: how long the last step of a kind and generator took, all of its workers together.
    """

    def __init__(self, team: Team) -> None:
        self.team = team
        self.jobs: dict[str, Job] = {}
        self.seconds: dict[tuple[str, str | None], float] = {}
        self._numbers = itertools.count()

    def submit(self, client: str, planned: Iterable[PlannedStep]) -> None:
        """Take steps in for a client; one that others want is done once for all."""
        for wanted in planned:
            path = wanted.step.path
            if path not in self.jobs:
                self.jobs[path] = Job(wanted, next(self._numbers))
            self.jobs[path].clients.add(client)
        for job in self.jobs.values():
            job.missing = {path for path in job.inputs if path in self.jobs}

    def drop(self, client: str) -> None:
        """Forget what a client wants; what runs goes on to its end."""
        for job in list(self.jobs.values()):
            job.clients.discard(client)
            self.forget_unwanted(job)

    def forget_unwanted(self, job: Job) -> None:
        """Take a job out that nobody wants any more."""
        if not job.clients and not job.running and self.jobs.get(job.path) is job:
            del self.jobs[job.path]

    def by_urgency(self, jobs: Iterable[Job]) -> list[Job]:
        """Return jobs, the most urgent first."""
        return sorted(jobs, key=lambda job: job.urgency(self.seconds))

    def hand_out(self, now: float) -> list[Call]:
        """Give ready steps to free workers, the most urgent first, and start more workers."""
        self.team.begin_pass()
        calls = []
        for job in self.by_urgency(job for job in self.jobs.values() if job.is_ready(now)):
            while job.has_tasks:
                member = self.team.free_for(job, now)
                if member is None:
                    break
                calls.append(self._call(member, job.next_task(), now))
            # what only waits for room that others take keeps those behind it from taking more
            if job.has_tasks and self.team.holds_back(job):
                break
        return calls

    def take(self, member: Member, task: Task, answer: Any, now: float) -> list[Call]:
        """Take in what the task of a free worker came to; return what it has to do next, if any."""
        job = task.job
        if closing := job.take(task, answer):
            # by who is free at this moment; all others may be busy for hours
            return [self._call(member, closing, now)]
        if job.is_done:
            self.seconds[job.planned.step.kind, job.planned.generator] = job.seconds
            self.jobs.pop(job.path, None)
            for other in self.jobs.values():
                other.missing.discard(job.path)
        return []

    def give_up(self, job: Job) -> list[Job]:
        """Take a job out, and all that need it; return them."""
        if self.jobs.pop(job.path, None) is None:
            return []
        needing = [other for other in self.jobs.values() if job.path in other.missing]
        return [job, *(gone for other in needing for gone in self.give_up(other))]

    def _call(self, member: Member, task: Task, now: float) -> Call:
        return Call(self.team.call(member, task, now), member, task)
