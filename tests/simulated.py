"""The executor's own schedule on workers that are simulated: time is that of their events."""

import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from actors.config import Resources
from orchestrator.execution.executor import LOOK_SECONDS
from orchestrator.execution.jobs import Task
from orchestrator.execution.placement import SLACK, Node
from orchestrator.execution.schedule import Call, Schedule
from orchestrator.execution.team import Team
from orchestrator.plan import PlannedStep


class Overheads(NamedTuple):
    """What Ray takes: seconds until a worker has started, and beside the work of a call."""

    start: float = 0.0
    call: float = 0.0


NONE = Overheads()


@dataclass
class Simulation:
    """What came of a simulated run.

    Attributes:
        seconds: that it took.
        busy: of all workers together, in calls.
        deciding: that the schedule really took to hand out and to take in.
        order: paths of the steps, as they were done.
    """

    seconds: float
    busy: float
    deciding: float
    order: list[str]


class _Event(NamedTuple):
    at: float
    ref: int
    node: str


class _Workers:
    """Workers on nodes that have room for them; what they do comes to its end as an event."""

    def __init__(
        self, nodes: Sequence[Node], seconds: Callable[[Task], float], overheads: Overheads
    ) -> None:
        self.now = 0.0
        self.events: list[_Event] = []
        self._seconds = seconds
        self._overheads = overheads
        self._refs = itertools.count()
        self._room = {node.id: [node.cpus, node.gpus] for node in nodes}

    def start(self, resources: Resources) -> tuple[Any, int]:
        cpus, gpus = resources.cpus - SLACK, resources.gpus - SLACK
        node = next(id for id, room in self._room.items() if cpus <= room[0] and gpus <= room[1])
        self._change(node, resources, -1)
        return (node, resources), self._add(self._overheads.start, node)

    def call(self, worker: Any, task: Task) -> int:
        return self._add(self._overheads.call + self._seconds(task), worker[0])

    def end(self, worker: Any) -> None:
        node, resources = worker
        self._change(node, resources, 1)

    def _change(self, node: str, resources: Resources, sign: int) -> None:
        self._room[node][0] += sign * resources.cpus
        self._room[node][1] += sign * resources.gpus

    def _add(self, seconds: float, node: str) -> int:
        event = _Event(self.now + seconds, next(self._refs), node)
        heapq.heappush(self.events, event)
        return event.ref


def simulate(
    steps: Iterable[PlannedStep],
    nodes: Sequence[Node],
    seconds: Callable[[Task], float],
    overheads: Overheads = NONE,
    clock: Callable[[], float] = time.perf_counter,
) -> Simulation:
    """Have steps done by the executor's schedule, which takes its own time to decide.

    Args:
        seconds: how long a worker takes for a task.
        clock: measures how long decisions take.
    """
    workers = _Workers(nodes, seconds, overheads)
    team = Team(workers, nodes, 0.0)
    schedule, calls = Schedule(team), dict[int, Call]()
    schedule.submit("run", steps)
    done, looked = Simulation(0.0, 0.0, 0.0, []), 0.0
    while schedule.jobs:
        before = clock()
        calls |= {call.ref: call for call in schedule.hand_out(workers.now)}
        if workers.now - looked > LOOK_SECONDS:
            looked = workers.now
            team.look(nodes, looked)
        took = clock() - before
        # what comes to its end while the schedule decides waits for it
        workers.now = max(workers.now + took, workers.events[0].at)
        before = clock()
        while workers.events and workers.events[0].at <= workers.now:
            event = heapq.heappop(workers.events)
            if event.ref not in calls:
                team.started(event.ref, event.node, str(event.ref), workers.now)
                continue
            _, member, task = calls.pop(event.ref)
            done.busy += team.release(member, task.job, workers.now)
            calls |= {c.ref: c for c in schedule.take(member, task, None, workers.now)}
            if task.job.is_done:
                done.order.append(task.job.path)
        took += clock() - before
        workers.now += clock() - before
        done.deciding += took
    done.seconds = workers.now
    return done
