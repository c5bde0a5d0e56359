"""The loop: a plan's steps as a graph of object references, each run when its inputs are there."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from typing import Any, Protocol

import ray
import ray.exceptions

from actors.config import Resources
from actors.errors import NodeLostError
from actors.features.actor import FeaturesActor
from actors.generators.actor import GeneratorActor
from actors.metrics.actor import EvaluationActor
from actors.pool import shards
from actors.pool.actor import PoolActor
from actors.pool.catalogue import Alone
from actors.pool.step import Step
from actors.pool.storage import Storage
from actors.selection.actor import SelectionActor
from orchestrator.casting import Cast, Role
from orchestrator.losses import Loss, Losses
from orchestrator.plan import PlannedStep, rows_of
from orchestrator.turns import Turns

POLL_SECONDS = 0.25
ERRORS_TOGETHER_SECONDS = 1.0
LOOK_SECONDS = 2.0


class Copies(Protocol):
    """Chooses the copy of a generator that makes a model, as Turns does."""

    def copy(self, generator: str, step: Step) -> int: ...

    def done(self, generator: str, step: Step) -> None: ...


ROOMS: dict[str, Any] = {
    "pool": PoolActor,
    "features": FeaturesActor,
    "selection": SelectionActor,
    "evaluation": EvaluationActor,
}


class StepError(Exception):
    """A step failed: which one, and its own cause."""

    def __init__(self, planned: PlannedStep, cause: BaseException) -> None:
        self.planned = planned
        self.cause = cause
        super().__init__(f"{planned.describe()}: {_one_line(cause)}")


class Stage:
    """The actors of a run, each started when its first step is submitted.

    It can be sent to another process, which then uses the actors that were started before.
    """

    def __init__(self, cast: Cast, storage: Storage) -> None:
        self._cast = cast
        self._storage = storage
        self._alone = Alone(storage)
        self._losses = Losses(cast.roles)
        self._actors: dict[tuple[str, ...], Any] = {}
        self._copies: Copies = Turns(cast.copies)

    def start(self) -> None:
        """Start every actor, and wait until they are there."""
        for room in self._cast.rooms:
            self._room(room)
        for generator, number in self._cast.generators:
            self._workers(generator, number)
        ray.get([actor.__ray_ready__.remote() for actor in self._actors.values()])

    def stop(self) -> None:
        """End every actor."""
        while self._actors:
            ray.kill(self._actors.popitem()[1])

    def lost(self, patience: float) -> Loss | None:
        """Return what was lost, once the work has had no place for so many seconds."""
        return self._losses.look(self._alone.running(), patience)

    @property
    def models(self) -> int:
        """How many models can be trained at a time."""
        return len(self._cast.generators)

    def with_copies(self, copies: Copies) -> "Stage":
        """Return this stage with another way to choose among the copies of a generator."""
        other = copy(self)
        other._copies = copies
        return other

    def submit(self, planned: PlannedStep, after: list[Any]) -> Any:
        """Hand a step to its actor; return the reference of its path.

        Args:
            after: references of the steps it reads that are not done yet.
        """
        step = planned.step
        if planned.generator is None or step.room != "generator":
            actor = self._room(step.room)
            return getattr(actor, step.kind).remote(step, *after)
        workers = self._workers(planned.generator, self._copies.copy(planned.generator, step))
        if step.kind == "train":
            return workers[0].train.remote(step, *after)
        if planned.generator in self._cast.in_turns:
            return workers[0].sample_with_helpers.remote(step, *after)
        units = shards.ranges(rows_of(step), step.config["shard_rows"])
        workers = workers[: step.settings["workers"]]
        parts = [
            workers[number % len(workers)].sample.remote(step, start, stop, *after)
            for number, (start, stop) in enumerate(units)
        ]
        return self._room("pool").close.remote(step, *parts)

    def sampled(self, planned: PlannedStep) -> None:
        """Take down that a sample step is done: its copy is free for another model."""
        if planned.generator:
            self._copies.done(planned.generator, planned.step)

    def progress(self) -> dict[str, tuple[float, str]]:
        """Return how far the running steps are, by key or path of their unit."""
        running = self._alone.running() or {}
        return {
            key: (one.fraction, one.note)
            for key, one in running.items()
            if one.fraction is not None
        }

    def _room(self, room: str) -> Any:
        if (room,) not in self._actors:
            role = self._cast.rooms[room]
            self._actors[room,] = self._start(ROOMS[room], role)
        return self._actors[room,]

    def _workers(self, generator: str, number_of_copy: int) -> list[Any]:
        workers = []
        roles = self._cast.generators[generator, number_of_copy]
        if generator in self._cast.in_turns:
            roles = [replace(roles[0], resources=Resources(cpus=0))]
        for number, role in enumerate(roles):
            key = (generator, str(number_of_copy), str(number))
            if key not in self._actors:
                self._actors[key] = self._start(GeneratorActor, role)
            workers.append(self._actors[key])
        return workers

    def _start(self, actor: Any, role: Role) -> Any:
        return actor.options(
            num_cpus=role.resources.cpus,
            num_gpus=role.resources.gpus,
            # a step waits for its inputs, not for the steps submitted before it
            allow_out_of_order_execution=True,
        ).remote(self._storage)


def execute(
    todo: deque[PlannedStep], stage: Stage, window: int | None = None, patience: float = 0
) -> Iterator[PlannedStep | None]:
    """Run the steps; yield each when it is done, and None now and then while waiting.

    Args:
        todo: steps in an order in which they can run, taken out as they begin; more may be added
            meanwhile.
        window: models that are trained and sampled at a time, in the order of the steps; without
            it, all that can begin do, so that many are trained before the first is sampled.
        patience: seconds for which the work may have no place after a node was lost.

    Raises:
        StepError: a step failed; what was done stays stored. With a NodeLostError the stage is to
            be stopped, and what is left to be done on another.
    """
    refs: dict[str, Any] = {}
    waiting: dict[Any, PlannedStep] = {}
    looked = time.monotonic()
    while todo or waiting:
        unsampled = sum(_samples(planned) for planned in waiting.values())
        while todo and not (_begins(todo[0]) and window and unsampled >= window):
            planned = todo.popleft()
            paths = {path for paths in planned.step.inputs.values() for path in paths}
            ref = stage.submit(planned, [refs[path] for path in sorted(paths) if path in refs])
            refs[planned.step.path] = ref
            waiting[ref] = planned
            unsampled += _samples(planned)
        ready, _ = ray.wait(list(waiting), num_returns=1, timeout=POLL_SECONDS)
        for ref in ready:
            try:
                ray.get(ref)
            except ray.exceptions.RayError as error:
                raise _first_cause(waiting, error, ref) from error
            planned = waiting.pop(ref)
            if _samples(planned):
                stage.sampled(planned)
            yield planned
        if not ready:
            yield None
        if waiting and time.monotonic() - looked > LOOK_SECONDS:
            if loss := stage.lost(patience):
                raise _unplaced(waiting.values(), loss)
            looked = time.monotonic()


def _begins(planned: PlannedStep) -> bool:
    """Whether it is a model's first step: its training, or its sampling where it needs none."""
    return planned.step.room == "generator" and "checkpoint" not in planned.step.inputs


def _samples(planned: PlannedStep) -> bool:
    return planned.step.room == "generator" and planned.step.kind == "sample"


def _unplaced(waiting: Iterable[PlannedStep], loss: Loss) -> StepError:
    """Return the error of the first step that was being done on a node that was lost."""
    waiting = list(waiting)
    # units of sampling have names below their step's
    there = [p for p in waiting if {p.step.key, p.step.path} & {*loss.did, *loss.did_units}]
    more = f" and {len(there) - 1} more" * (len(there) > 1)
    did = f", which did this{more}" if there else ""
    return StepError((there or waiting)[0], NodeLostError(f"{loss.summary}{did}; {loss.why}"))


def _first_cause(waiting: dict[Any, PlannedStep], error: BaseException, failed: Any) -> StepError:
    """Return the error of the earliest step that failed: those after it only pass it on."""
    ready, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=ERRORS_TOGETHER_SECONDS)
    for ref in (ref for ref in waiting if ref in {*ready, failed}):
        try:
            ray.get(ref)
        except ray.exceptions.RayError as first:
            cause = first.cause if isinstance(first, ray.exceptions.RayTaskError) else first
            return StepError(waiting[ref], cause)
    return StepError(waiting[failed], error)


def _one_line(cause: BaseException) -> str:
    """Return what happened in one line, with the type where it is not written for people."""
    text = " ".join(str(cause).split())
    return (
        text if type(cause).__module__.startswith("actors.") else f"{type(cause).__name__}: {text}"
    )
