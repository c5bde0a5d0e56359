"""Executing steps: a client hands them to an executor, and learns of each that is done."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from orchestrator.plan import PlannedStep

# how long the executor is waited for at a time
POLL_SECONDS = 0.25


class StepError(Exception):
    """A step failed: which one, and its own cause."""

    def __init__(self, planned: PlannedStep, cause: BaseException) -> None:
        self.planned = planned
        self.cause = cause
        super().__init__(f"{planned.describe()}: {_one_line(cause)}")


@dataclass(frozen=True)
class Finished:
    """A step that is done, or failed with a cause."""

    path: str
    cause: BaseException | None = None


class Executes(Protocol):
    """What takes steps: an executor of this process, or one that processes share."""

    def submit(self, client: str, planned: list[PlannedStep]) -> None: ...

    def finished(self, client: str, timeout: float) -> list[Finished] | None: ...

    def drop(self, client: str) -> None: ...


def execute(
    todo: deque[PlannedStep], executor: Executes, client: str = "run"
) -> Iterator[PlannedStep | None]:
    """Run steps; yield each when it is done, and None now and then while waiting.

    Args:
        todo: steps, taken out at once; more may be added meanwhile.
        client: tells those apart who use one executor.

    Raises:
        StepError: a step failed; what was done stays stored.
    """
    waiting: dict[str, PlannedStep] = {}
    try:
        while todo or waiting:
            if todo:
                waiting |= {planned.step.path: planned for planned in todo}
                executor.submit(client, list(todo))
                todo.clear()
            finished = executor.finished(client, POLL_SECONDS)
            if finished is None:
                executor.submit(client, list(waiting.values()))
                continue
            for outcome in finished:
                if planned := waiting.pop(outcome.path, None):
                    if outcome.cause:
                        raise StepError(planned, outcome.cause)
                    yield planned
            if not finished:
                yield None
    finally:
        executor.drop(client)


def _one_line(cause: BaseException) -> str:
    """Return what happened in one line, with the type where it is not written for people."""
    text = " ".join(str(cause).split())
    return (
        text if type(cause).__module__.startswith("actors.") else f"{type(cause).__name__}: {text}"
    )
