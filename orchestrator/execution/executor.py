"""The executor: hands steps whose inputs are stored to workers that are free.

Workers are interchangeable, and each does one step at a time. As many are kept as have work and
fit on the cluster; what finds none free waits its turn.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ray
import ray.exceptions

from actors.errors import NodeLostError, WorkerDiedError
from actors.pool.catalogue import Alone
from actors.pool.storage import Storage
from orchestrator.execution.activity import Activity, describe
from orchestrator.execution.execute import Finished
from orchestrator.execution.jobs import Job
from orchestrator.execution.monitoring import Monitoring
from orchestrator.execution.schedule import Call, Schedule
from orchestrator.execution.team import Member, Team
from orchestrator.execution.workers import RayWorkers
from orchestrator.plan import PlannedStep

# how soon the executor sees what was submitted while it waits
POLL_SECONDS = 0.05
# how long the thread that hands out steps may take to end
STOP_SECONDS = 5.0
LOOK_SECONDS = 2.0
# how often a step is begun again whose worker died, but for nodes that were lost
RETRIES = 3
# a node is taken for dead some time after its workers died; meanwhile their step is not begun
NOTICE_SECONDS = 5.0
# how long a node that was lost, and without which a step has no place, may take to come back
NODE_SECONDS = 300.0
# a client that asks for nothing for so long is taken for dead
CLIENT_SECONDS = 60.0
# how long a worker may take to start before it is said that others hold the resources
PATIENT_SECONDS = 30.0


class Executor:
    """The steps of one or several clients, and the workers that do them.

    A thread of its own hands out steps, so that no worker waits for what a client does.
    """

    def __init__(self, storage: Storage) -> None:
        """Begin without workers."""
        self._changed = threading.Condition()
        self._stopped = False
        self._error: BaseException | None = None
        self._alone = Alone(storage)
        self._started = self._looked = self._moved = time.monotonic()
        self._workers = RayWorkers(storage)
        self._team = Team(self._workers, self._workers.nodes(), self._started)
        self._schedule = Schedule(self._team)
        self._monitoring = Monitoring()
        self._calls: dict[Any, Call] = {}
        self._outbox: defaultdict[str, list[Finished]] = defaultdict(list)
        self._heard: dict[str, float] = {}
        self._notes: list[str] = []
        self._spent = {"cpu": 0.0, "gpu": 0.0}
        # seconds of all workers together
        self._worked = 0.0
        self._halted = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def submit(self, client: str, planned: Sequence[PlannedStep]) -> None:
        """Take steps in for a client; one that others want is done once for all."""
        with self._changed:
            self._heard[client] = time.monotonic()
            self._schedule.submit(client, planned)

    def finished(self, client: str, timeout: float) -> list[Finished] | None:
        """Return what of a client's is done, after at most `timeout` seconds.

        None means that the client is not known, and has to submit its steps once more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._outbox.get(client) or self._error, timeout)
            if self._error:
                raise self._error
            if client not in self._heard:
                return None
            self._heard[client] = time.monotonic()
            return self._outbox.pop(client, [])

    def drop(self, client: str) -> None:
        """Forget what a client wants; what runs goes on to its end."""
        with self._changed:
            self._outbox.pop(client, None)
            self._heard.pop(client, None)
            self._schedule.drop(client)

    def notes(self) -> list[str]:
        """Return what people should know that happened since the last call."""
        with self._changed:
            notes, self._notes = self._notes, []
        return notes

    def progress(self) -> dict[str, tuple[float, str]]:
        """Return how far the running steps are, by key or path of their unit."""
        running = self._alone.running() or {}
        return {
            key: (work.fraction, work.note)
            for key, work in running.items()
            if work.fraction is not None
        }

    def activity(self) -> Activity:
        """Return what runs, where and how far, and what waits."""
        progress = self.progress()  # asks another process, for which nothing should wait
        with self._changed:
            return self._describe(progress)

    def _describe(self, progress: Mapping[str, tuple[float, str]]) -> Activity:
        calls = [(call.member, call.task.job) for call in self._calls.values()]
        left = self._seconds_left([job for _, job in calls])
        jobs = self._schedule.by_urgency(self._schedule.jobs.values())
        return describe(jobs, calls, self._team, progress, left)

    def spent(self) -> dict[str, float]:
        """Return the CPU and GPU hours that steps took so far."""
        return {f"{kind}_hours": self._spent[kind] / 3600 for kind in ("cpu", "gpu")}

    def halt(self) -> None:
        """Let all clients know that they are to end."""
        self._halted = True

    def halted(self) -> bool:
        """Whether all clients are to end."""
        return self._halted

    def stop(self) -> None:
        """Hand out no more, and end all workers."""
        with self._changed:
            self._stopped = True
            self._team.stop()
        # what asks Ray once it is shut down ends the process
        self._thread.join(STOP_SECONDS)

    def _seconds_left(self, running: Sequence[Job]) -> float | None:
        """Return about how long the rest takes, at the rate at which steps were done so far."""
        jobs, took = self._schedule.jobs.values(), self._schedule.seconds
        kinds = [(job.planned.step.kind, job.planned.generator) for job in jobs]
        if not all(kind in took for kind in kinds) or not self._worked:
            return None
        # of those that run about half is done
        halves = [took[job.planned.step.kind, job.planned.generator] / 2 for job in {*running}]
        left = sum(took[kind] for kind in kinds) - sum(halves)
        return left * (time.monotonic() - self._started) / self._worked

    def _run(self) -> None:
        """Hand out steps and take in results until `stop`."""
        try:
            while not self._stopped:
                with self._changed:
                    self._follow(self._schedule.hand_out(time.monotonic()))
                    self._look()
                    refs = [*self._calls, *self._team.starting]
                ready = _wait(refs)
                with self._changed:
                    if ready and not self._stopped:
                        self._take_in(ready)
                        self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self._error = None if self._stopped else error
                self._changed.notify_all()

    def _follow(self, calls: Iterable[Call]) -> None:
        """Wait for the answers of calls."""
        for call in calls:
            self._calls[call.ref] = call
            self._monitoring.began(call.task, self._team.name(call.member.node))

    def _take_in(self, ready: list[Any]) -> None:
        """Take in workers that have started, and the answers of those that are done."""
        self._moved = time.monotonic()
        for ref in ready:
            if ref in self._calls:
                self._take_result(self._calls.pop(ref))
            else:
                self._take_started(ref)

    def _take_started(self, ref: Any) -> None:
        try:
            node, actor_id = ray.get(ref)
        except ray.exceptions.RayError as error:
            if cause := self._team.start_failed(ref, " ".join(str(error).split())):
                for job in list(self._schedule.jobs.values()):
                    self._fail(job, cause)
        else:
            self._team.started(ref, node, actor_id, time.monotonic())

    def _take_result(self, call: Call) -> None:
        ref, member, task = call
        job, now = task.job, time.monotonic()
        seconds = self._team.release(member, job, now)
        try:
            answer = ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            job.put_back(task)
            self._fail(job, error.cause)
        except ray.exceptions.RayActorError as error:
            job.put_back(task)
            self._take_death(member, job, error)
        except ray.exceptions.RayError as error:
            job.put_back(task)
            self._fail(job, error)
        else:
            self._worked += seconds
            self._spent["cpu"] += seconds * job.needs.cpus * job.group
            self._spent["gpu"] += seconds * job.needs.gpus * job.group
            self._monitoring.ended(task, self._team.name(member.node), seconds)
            self._follow(self._schedule.take(member, task, answer, now))
            if job.is_done:
                self._monitoring.done(job)
                self._notes += [f"{job.planned.describe()}: {note}" for note in answer]
                for client in job.clients:
                    self._outbox[client].append(Finished(job.path))
        self._schedule.forget_unwanted(job)

    def _fail(self, job: Job, cause: BaseException) -> None:
        """Tell of a step's failure, and give up those that need it."""
        self._monitoring.failed(job, cause)
        for gone in self._schedule.give_up(job):
            for client in gone.clients:
                self._outbox[client].append(Finished(gone.path, cause))

    def _take_death(self, member: Member, job: Job, error: ray.exceptions.RayActorError) -> None:
        """Have a step begun again whose worker died, unless that happened too often."""
        node, cause = self._team.name(member.node), cause_of_death(error)
        self._monitoring.died(job, node, cause)
        self._notes.append(f"{job.planned.describe()}: its worker on {node} died: {cause}")
        self._team.bury(member)
        self._alone.free(member.actor_id)
        job.deaths.append((member.node, cause))
        several = len(self._team.nodes) > 1
        job.not_before = time.monotonic() + several * NOTICE_SECONDS * len(job.deaths)
        deaths = [cause for node, cause in job.deaths if node in self._team.nodes]
        if len(deaths) > RETRIES:
            self._fail(job, WorkerDiedError(deaths))

    def _look(self) -> None:
        """Look now and then which nodes there are, and which steps have a place."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self._monitoring.look(self._describe({}))
        jobs = self._schedule.jobs.values()
        for lost in self._team.look(self._workers.nodes(), now):
            did = [job for job in jobs if any(node == lost.id for node, _ in job.deaths)]
            self._notes.append(f"{_lost([lost.name])}{_which_did(did)}")
        self._notes += self._workers.newcomers.notes
        self._workers.newcomers.notes.clear()
        for client in [c for c, since in self._heard.items() if now - since > CLIENT_SECONDS]:
            self.drop(client)
        self._check_places(now)
        if self._team.starting and not self._calls and now - self._moved > PATIENT_SECONDS:
            self._moved = now
            self._notes.append(
                "waiting for resources: others use what the cluster has, "
                "or a worker takes long to start"
            )

    def _check_places(self, now: float) -> None:
        """Give up on steps that have had no place for too long since a node was lost."""
        if not self._team.lost:
            return
        for job in list(self._schedule.jobs.values()):
            if job.missing or self._team.has_place(job):
                job.placeless_since = None
                continue
            job.placeless_since = job.placeless_since or now
            if now - job.placeless_since >= NODE_SECONDS:
                names = _lost([node.name for node in self._team.lost])
                did = _which_did([job] if job.deaths else [])
                why = "what is left has no room for the work"
                self._fail(job, NodeLostError(f"{names}{did}; {why}"))


def _wait(refs: list[Any]) -> list[Any]:
    """Return those of some references that are ready, once one is or a moment has passed."""
    if not refs:
        time.sleep(POLL_SECONDS)
        return []
    if not ray.wait(refs, num_returns=1, timeout=POLL_SECONDS)[0]:
        return []
    return list(ray.wait(refs, num_returns=len(refs), timeout=0)[0])


def cause_of_death(error: ray.exceptions.RayActorError) -> str:
    """Return in one line what Ray says about the end of an actor's process."""
    text = " ".join(str(error).split())
    # without what Ray says of every actor, and the list of what else it might have been
    text = text.partition("The actor is dead because ")[2] or text
    return text.partition(" Some common causes")[0]


def _lost(names: list[str]) -> str:
    return f"node{'s'[: len(names) > 1]} {', '.join(names)} lost"


def _which_did(jobs: Iterable[Job]) -> str:
    did = [job.planned.describe() for job in jobs]
    return f", which did {did[0]}{f' and {len(did) - 1} more' * (len(did) > 1)}" if did else ""
