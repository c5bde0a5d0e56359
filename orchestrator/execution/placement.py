"""Placement: what has room on which machines, as arithmetic on CPUs and GPUs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actors.config import Resources
from actors.errors import UserError
from actors.pool.step import Step
from orchestrator.plan import Plan, PlannedStep

# CPUs may be fractions, whose sums are not exact
SLACK = 1e-9


@dataclass(frozen=True)
class Node:
    """What one machine of the cluster has, or has left.

    Attributes:
        id: Ray's id of the node, in hex.
    """

    cpus: float
    gpus: float
    id: str = ""
    address: str = ""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.address} ({self.id[:8]})"


def needs(step: Step) -> Resources:
    """Return what one worker that does a step needs."""
    return Resources(cpus=step.settings["cpus"], gpus=step.settings["gpus"])


def group(step: Step) -> int:
    """Return how many workers train or select together; 1 where one does the step alone."""
    return int(step.settings["workers"]) if step.kind in ("train", "order") else 1


def suffices(has: Resources, wanted: Resources) -> bool:
    """Whether a worker has at least what is wanted."""
    return wanted.cpus <= has.cpus + SLACK and wanted.gpus <= has.gpus + SLACK


def fits(wanted: Iterable[Resources], free: Sequence[Node]) -> bool:
    """Whether all of what is wanted has room side by side, the largest placed first."""
    left = [[node.cpus, node.gpus] for node in free]
    for worker in sorted(wanted, key=lambda r: (r.gpus, r.cpus), reverse=True):
        for room in left:
            if worker.cpus <= room[0] + SLACK and worker.gpus <= room[1] + SLACK:
                room[0] -= worker.cpus
                room[1] -= worker.gpus
                break
        else:
            return False
    return True


def how_many(wanted: Resources, nodes: Iterable[Node]) -> int:
    """Return how many workers of a kind have room; those that take nothing, one for each CPU."""
    if not (wanted.cpus or wanted.gpus):
        return max(1, int(sum(node.cpus for node in nodes)))
    return sum(
        int(
            min(
                getattr(node, kind) / getattr(wanted, kind) + SLACK
                for kind in ("cpus", "gpus")
                if getattr(wanted, kind)
            )
        )
        for node in nodes
    )


def field_of(planned: PlannedStep) -> str:
    """Return the configuration field that gives the resources of a step."""
    if planned.step.room == "generator":
        return f"generators.{planned.generator}.resources"
    return f"resources.{planned.step.room}"


def check(plan: Plan, nodes: list[Node]) -> None:
    """Raise UserError when a step, or a group of workers that train together, fits no machine."""
    for planned in plan.steps.values():
        wanted, workers = needs(planned.step), group(planned.step)
        for kind in ("cpus", "gpus"):
            amount = getattr(wanted, kind)
            most = max(getattr(node, kind) for node in nodes)
            if amount > most:
                raise UserError(
                    f"{field_of(planned)}.{kind}: found {amount:g}; allowed are up to {most:g}, "
                    f"what the largest of {len(nodes)} machine{'s'[: len(nodes) > 1]} has"
                )
        if not fits([wanted] * workers, nodes):
            field = f"generators.{planned.generator}.training.workers"
            if planned.step.kind == "order":
                field = "resources.selection.shards"
            raise UserError(
                f"{field}: found {workers}, each with "
                f"{wanted.cpus:g} CPUs and {wanted.gpus:g} GPUs; allowed are up to "
                f"{how_many(wanted, nodes)}, what the cluster has room for"
            )
