"""Jobs: steps that an executor has taken in, cut into tasks where several workers can share one."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from actors.config import Resources
from actors.pool import shards
from orchestrator.execution.placement import group, needs
from orchestrator.plan import PlannedStep

# of steps of one iteration those go first that others wait for most
ORDER = ("order", "select", "fit", "embed", "sample", "train", "evaluate")


@dataclass(eq=False)
class Task:
    """What one worker does at a time: a step, a row range of one, or its closing.

    Attributes:
        call: the worker's method.
        arguments: behind the step.
    """

    job: "Job"
    call: str
    arguments: tuple[Any, ...] = ()


@dataclass(eq=False)
class Job:
    """A step on its way.

    Attributes:
        number: its place in the order of submission.
        clients: who wants it.
        missing: paths of the steps that it waits for.
        deaths: of its workers, node and cause.
        not_before: by the clock of time.monotonic.
        begun: when the first of its tasks was taken, POSIX time.
        seconds: that its tasks took.
    """

    planned: PlannedStep
    number: int
    clients: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    deaths: list[tuple[str, str]] = field(default_factory=list)
    not_before: float = 0.0
    placeless_since: float | None = None
    begun: float = 0.0
    seconds: float = 0.0
    running: int = 0
    is_done: bool = False

    def __post_init__(self) -> None:
        self._records: dict[int, dict[str, Any]] = {}
        self._tasks: deque[Task] = deque(self._cut())
        self._ranges = len(self._tasks)

    @property
    def path(self) -> str:
        """Folder of the step's output, by which it is known."""
        return self.planned.step.path

    @cached_property
    def inputs(self) -> set[str]:
        """Paths of the steps that it reads."""
        return {path for paths in self.planned.step.inputs.values() for path in paths}

    @cached_property
    def needs(self) -> Resources:
        """What a worker needs to do it."""
        return needs(self.planned.step)

    @cached_property
    def group(self) -> int:
        """How many workers train or select together."""
        return group(self.planned.step)

    @property
    def model(self) -> str:
        """What its workers load and keep; empty for a step that is not cut."""
        cut = self.planned.step.cut
        return cut.model if cut else ""

    def is_ready(self, now: float) -> bool:
        """Whether it has tasks that can begin."""
        return bool(self.clients) and not self.missing and now >= self.not_before and self.has_tasks

    @property
    def has_tasks(self) -> bool:
        """Whether it has a task for one more worker."""
        step = self.planned.step
        most = step.settings.get("workers") if step.cut else 1
        return bool(self._tasks) and (most is None or self.running < most)

    def next_task(self) -> Task:
        """Take out the next task."""
        self.running += 1
        self.begun = self.begun or time.time()
        return self._tasks.popleft()

    def put_back(self, task: Task) -> None:
        """Have a task done again."""
        self.running -= 1
        self._tasks.appendleft(task)

    def take(self, task: Task, answer: Any) -> Task | None:
        """Take in what a task came to; return the one that has to follow at once, if any."""
        self.running -= 1
        if task.call == "make":
            self._records[task.arguments[0]] = answer
            if len(self._records) == self._ranges:
                self.running += 1
                # in the order of the rows, whichever was done first
                records = [self._records[start] for start in sorted(self._records)]
                return Task(self, "close", (records, self.begun, self.seconds))
        else:
            self.is_done = True
        return None

    def urgency(self, seconds: Mapping[tuple[str, str | None], float]) -> tuple[Any, ...]:
        """Return what jobs are sorted by, the most urgent first.

        Early iterations go first, and within one what is nearest to the next, the longest first.
        Measuring an iteration may wait until the next has begun, unless that decides something.

        Args:
            seconds: how long the last step of a kind and generator took.
        """
        step = self.planned.step
        measuring = step.kind == "evaluate" and not self.planned.decides
        # before a training was timed, how long it takes beside others
        guess = step.settings.get("rows_visited", 0)
        took = seconds.get((step.kind, self.planned.generator), guess)
        return self.planned.iteration + measuring, ORDER.index(step.kind), -took, self.number

    def _cut(self) -> list[Task]:
        cut = self.planned.step.cut
        if cut is None:
            return [Task(self, "do")]
        return [Task(self, "make", rows) for rows in shards.ranges(cut.rows, cut.shard_rows)]
