"""A run: plan, execute, record, repeat. A trial of a sweep is a run with one arm."""

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from actors.errors import DamagedError
from actors.pool.manifest import finished, forget
from actors.pool.storage import Storage
from orchestrator.config import Experiment
from orchestrator.deciding import events_after
from orchestrator.execution.execute import StepError
from orchestrator.outcome import Outcome, keep_steps, write_outcome
from orchestrator.plan import AlarmEvent, Evaluation, Plan, PlannedStep
from orchestrator.planning import make_plan
from orchestrator.results import Result, read_result

if TYPE_CHECKING:
    from orchestrator.tracking import Tracker

# how often a step with damaged files is redone
REDONE = 2


class Run:
    """One execution of an experiment, whose files lie in a folder of the store.

    Without alarms everything is planned at once. What alarms decide is planned as soon as their
    measures are there.

    Attributes:
        plan: every step, as far as is known.
        folder: of the run in the store.
        outcome: what has come out so far, as it is written there.
    """

    def __init__(
        self,
        experiment: Experiment,
        storage: Storage,
        folder: str,
        outcome: Outcome,
        ratio: float = 0,
    ) -> None:
        """Plan.

        Args:
            ratio: the largest of a selection with which others may share its order.
        """
        self.folder = folder
        self._experiment = experiment
        self._ratio = ratio
        self._storage = storage
        self._tracker: Tracker | None = None
        self._done: set[str] = set()
        self._read: dict[str, Result] = {}
        self._redone: Counter[str] = Counter()
        self._alarms_logged = 0
        self.plan = self._make_plan(set())
        arms = {arm: config.model_dump(mode="json") for arm, config in self.plan.arms.items()}
        self.outcome = replace(outcome, arms=arms)

    def open(self, tracker: "Tracker") -> None:
        """Write down which steps the run has and what is measured, and log it from now on."""
        self._tracker = tracker
        keep_steps(self._storage, self.folder, self.plan)
        self.record()

    def todo(self) -> list[PlannedStep]:
        """Return the planned steps that are not done, in an order in which they can run."""
        return [p for path, p in self.plan.steps.items() if path not in self._done]

    def take(self, finished: PlannedStep) -> list[PlannedStep]:
        """Take note of a step that is done; return the steps that its result decided on."""
        path = finished.step.path
        self._done.add(path)
        measured = [key for key, step in self.plan.evaluations.items() if step.path == path]
        known = self.plan.steps.keys()
        if any(arm in self.plan.waiting for arm, _, _ in measured):
            self.plan = self._make_plan(known)
            keep_steps(self._storage, self.folder, self.plan)
        if measured:
            self.record()
        return [planned for planned in self.todo() if planned.step.path not in known]

    def redo(self, error: StepError) -> str:
        """Forget the step whose file is damaged, so that it is done once more; say so in a line.

        Raises:
            StepError: nothing is damaged, or the experiment stops at damage, or the step has been
                redone too often.
        """
        if not isinstance(error.cause, DamagedError) or self._experiment.damaged == "stop":
            raise error
        path = error.cause.step_path
        self._redone[path] += 1
        if self._redone[path] > REDONE:
            problem = (
                f"{error.cause.problem}, although its step was redone {REDONE} times; the disk or "
                "the memory may be faulty"
            )
            raise StepError(error.planned, DamagedError(path, error.cause.file, problem)) from None
        forget(self._storage, path)
        self._done.discard(path)
        return f"damaged: {error.cause}; its step is done again"

    def record(self) -> None:
        """Log what is new, and write down what has come out so far."""
        results, alarms = self.results(), self.plan.alarms
        if self._tracker:
            for result in results:
                self._tracker.log(result)
            for event in alarms[self._alarms_logged :]:
                self._tracker.log_alarm(event)
            self._alarms_logged = len(alarms)
        events = [vars(event) for event in alarms]
        self.outcome = replace(self.outcome, status="running", results=results, alarms=events)
        write_outcome(self._storage, self.folder, self.outcome)

    def close(self, status: str, error: str | None = None, *, wait: bool = True) -> None:
        """Write down how the run ended, and end its runs in MLflow.

        Args:
            wait: whether a store that is away is waited for.
        """
        self.outcome = replace(self.outcome, status=status, error=error)
        storage = self._storage if wait else replace(self._storage, patience=0)
        try:
            write_outcome(storage, self.folder, self.outcome)
        finally:
            if self._tracker:
                self._tracker.close(status)

    def results(self) -> list[Result]:
        """Return what has been measured, in the order of the plan; each file is read once."""
        results = (self._result(self.plan, key) for key in self.plan.evaluations)
        return [result for result in results if result]

    def _result(self, plan: Plan, key: Evaluation) -> Result | None:
        """Return what an evaluate step of a plan measured; None before it is done."""
        arm, iteration, generator = key
        path = plan.evaluations[key].path
        if path not in self._done:
            return None
        if path not in self._read:
            training = plan.training_behind(path)
            self._read[path] = read_result(self._storage, path, *key, training)
        # arms share steps
        return replace(self._read[path], arm=arm, iteration=iteration, generator=generator)

    def _make_plan(self, looked_up: AbstractSet[str]) -> Plan:
        """Plan as far as the stored measures decide, asking once for what is done."""
        while True:
            plan = make_plan(self._experiment, self._decide, self._ratio)
            new = plan.steps.keys() - looked_up
            looked_up = looked_up | new
            self._done |= finished(self._storage, new) if new else set()
            if not new or not plan.waiting:
                return plan

    def _decide(self, plan: Plan, arm: str, iteration: int) -> list[AlarmEvent] | None:
        return events_after(plan, arm, iteration, partial(self._result, plan))
