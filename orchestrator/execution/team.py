"""The workers of an executor: started where there is room, and ended where it is needed.

What is decided here knows nothing of Ray; times are those of one clock, in seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from actors.config import Resources
from actors.errors import WorkerDiedError
from orchestrator.execution.jobs import Job, Task
from orchestrator.execution.placement import Node, fits, how_many, suffices

# a worker that nobody needed for so long leaves its resources to others
IDLE_SECONDS = 60.0
# how often in a row workers may die while they start
STARTS = 4
# what leads a group that trains or selects needs nothing itself
LEADER = Resources(cpus=0)


class Workers(Protocol):
    """What starts workers, has them do tasks, and ends them."""

    def start(self, resources: Resources) -> tuple[Any, Any]:
        """Start a worker; return it, and the reference of where it is once it has started."""

    def call(self, worker: Any, task: Task) -> Any:
        """Have a worker do a task; return the reference of its answer."""

    def end(self, worker: Any) -> None:
        """End a worker, or what may be left of it."""


@dataclass(eq=False)
class Member:
    """A worker.

    Attributes:
        handle: what `Workers.start` gave.
        node, actor_id: Ray's ids in hex, once it has started.
        job: what it does now.
        model: what it loaded last for a step that is cut.
        since: when it began to do, or not to do, what it does.
    """

    handle: Any
    resources: Resources
    since: float
    node: str = ""
    actor_id: str = ""
    job: Job | None = None
    model: str = ""


class Team:
    """The workers that there are, and the room that is left for more."""

    def __init__(self, workers: Workers, nodes: Sequence[Node], now: float) -> None:
        self._workers = workers
        self.starting: dict[Any, Member] = {}
        self.lost: list[Node] = []
        self._members: list[Member] = []
        self._claimed: list[Member] = []
        self._failed_starts: list[str] = []
        self.nodes: dict[str, Node] = {}
        self.look(nodes, now)

    def look(self, nodes: Sequence[Node], now: float) -> list[Node]:
        """Take down which nodes there are; return those lost since, and let idle workers go."""
        alive = {node.id: node for node in nodes}
        new = [node for id, node in self.nodes.items() if id not in alive]
        self.lost = [node for node in self.lost if node.id not in alive] + new
        self.nodes = alive
        for member in [member for member in self._members if member.job is None]:
            if member.node not in self.nodes or now - member.since > IDLE_SECONDS:
                self.bury(member)
        return new

    @property
    def size(self) -> int:
        """How many workers there are, those that start included."""
        return len(self._members) + len(self.starting)

    def name(self, node: str) -> str:
        """Return what a node is called, by Ray's id."""
        return self.nodes[node].name if node in self.nodes else "a node that is lost"

    def begin_pass(self) -> None:
        """Begin to hand out steps: workers that start are there for the first that want them."""
        self._claimed = []

    def free_for(self, job: Job, now: float) -> Member | None:
        """Return a worker that is free for a job; if there is none, start one where it fits."""
        wanted = LEADER if job.group > 1 else job.needs
        died_on = {node for node, _ in job.deaths}
        idle = [m for m in self._members if m.job is None and suffices(m.resources, wanted)]
        if job.group > 1:
            idle = [member for member in idle if member.resources == LEADER]
        # a GPU is not taken for what needs none, as long as there are CPUs for another worker
        if all(m.resources.gpus > wanted.gpus for m in idle) and self._has_room([wanted]):
            idle = []
        if not idle:
            self._start(wanted, now)
            return None
        if job.group > 1 and not self._make_room([job.needs] * job.group):
            return None
        return min(
            idle,
            key=lambda m: (
                m.node in died_on,
                not job.model or m.model != job.model,
                m.resources.gpus,
                m.resources.cpus,
            ),
        )

    def call(self, member: Member, task: Task, now: float) -> Any:
        """Have a free worker do a task; return the reference of its answer."""
        member.job, member.since, member.model = task.job, now, task.job.model
        return self._workers.call(member.handle, task)

    def release(self, member: Member, job: Job, now: float) -> float:
        """Take down that a worker is free again; return the seconds that it took."""
        seconds, member.since, member.job = now - member.since, now, None
        job.seconds += seconds
        return seconds

    def bury(self, member: Member) -> None:
        """End a worker, or what may be left of it."""
        self._members.remove(member)
        self._workers.end(member.handle)

    def started(self, ref: Any, node: str, actor_id: str, now: float) -> None:
        """Take in a worker that has started."""
        member = self.starting.pop(ref)
        member.node, member.actor_id, member.since = node, actor_id, now
        self._failed_starts.clear()
        self._members.append(member)

    def start_failed(self, ref: Any, cause: str) -> WorkerDiedError | None:
        """Take down that a worker died while it started; return an error when they keep dying."""
        del self.starting[ref]
        self._failed_starts.append(cause)
        often = len(self._failed_starts) >= STARTS
        return WorkerDiedError(self._failed_starts) if often else None

    def has_place(self, job: Job) -> bool:
        """Whether a job would fit if nothing else were on the nodes that are there."""
        return fits([job.needs] * job.group, list(self.nodes.values()))

    def holds_back(self, job: Job) -> bool:
        """Whether a job waits for room that only the end of smaller ones can make."""
        everyone = [*self._members, *self.starting.values()]
        alone = job.group == 1 and any(suffices(m.resources, job.needs) for m in everyone)
        return not alone and self.has_place(job)

    def stop(self) -> None:
        """End all workers."""
        for member in [*self._members, *self.starting.values()]:
            self._workers.end(member.handle)
        self._members.clear()
        self.starting.clear()

    def _start(self, wanted: Resources, now: float) -> None:
        """Start a worker, unless one is starting that will do, or there is no room."""
        for member in self.starting.values():
            if member not in self._claimed and suffices(member.resources, wanted):
                self._claimed.append(member)
                return
        nodes = list(self.nodes.values())
        if not (wanted.cpus or wanted.gpus):
            everyone = [*self._members, *self.starting.values()]
            alike = [m for m in everyone if m.resources == wanted]
            if len(alike) >= how_many(wanted, nodes):
                return
        elif not self._make_room([wanted]):
            return
        handle, where = self._workers.start(wanted)
        self.starting[where] = member = Member(handle, wanted, now)
        self._claimed.append(member)

    def _make_room(self, wanted: list[Resources]) -> bool:
        """Return whether there is room, for which workers that are free are ended if need be."""
        if self._has_room(wanted):
            return True
        busy = [member for member in self._members if member.job is not None]
        if not self._has_room(wanted, busy):
            return False
        free = sorted((m for m in self._members if m.job is None), key=lambda m: m.since)
        while not self._has_room(wanted):
            takes = [m for m in free if m.resources.cpus or m.resources.gpus]
            free.remove(takes[0])
            self.bury(takes[0])
        return True

    def _has_room(self, wanted: list[Resources], members: list[Member] | None = None) -> bool:
        left = {id: [node.cpus, node.gpus] for id, node in self.nodes.items()}
        for member in self._members if members is None else members:
            if room := left.get(member.node):
                room[0] -= member.resources.cpus
                room[1] -= member.resources.gpus
        # Ray decides where those go that start, and those of a group
        unplaced = [member.resources for member in self.starting.values()]
        groups = [m.job for m in self._members if m.job is not None and m.job.group > 1]
        unplaced += [job.needs for job in groups for _ in range(job.group)]
        return fits([*unplaced, *wanted], [Node(cpus, gpus) for cpus, gpus in left.values()])
