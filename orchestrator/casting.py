"""Casting: which actors a plan needs, with what, and whether the cluster can hold them."""

from dataclasses import dataclass

from actors.config import Resources
from actors.errors import UserError
from orchestrator.plan import Plan


@dataclass(frozen=True)
class Node:
    """What one machine of the cluster has."""

    cpus: float
    gpus: float


@dataclass(frozen=True)
class Role:
    """One actor.

    Attributes:
        field: the configuration field that gives its resources.
        name: what it is called in listings.
    """

    field: str
    name: str
    resources: Resources


@dataclass(frozen=True)
class Cast:
    """Every actor of a plan.

    Attributes:
        generators: by (generator, copy), the workers of that copy; the first one trains.
        rooms: the actors of the other rooms by room.
        copies: of every generator, which work side by side.
        in_turns: generators that train in a worker group: its workers and those that sample live
            one after the other, started by an actor that takes nothing itself.
    """

    generators: dict[tuple[str, int], list[Role]]
    rooms: dict[str, Role]
    copies: int
    in_turns: frozenset[str] = frozenset()

    @property
    def roles(self) -> list[Role]:
        """Every actor, in order."""
        workers = [role for roles in self.generators.values() for role in roles]
        return [*workers, *self.rooms.values()]


def cast(plan: Plan, nodes: list[Node], most: int | None = None) -> Cast:
    """Give every generator its actor, in copies as far as the cluster's resources go.

    Args:
        most: copies that there is work for; by default one for each arm.

    Raises:
        UserError: the cluster cannot hold the actors; gives the field and the numbers.
    """
    rooms = {
        room: Role(f"resources.{room}", room, getattr(plan.experiment.resources, room))
        for room in type(plan.experiment.resources).model_fields
    }
    generators = {
        name: generator for arm in plan.arms.values() for name, generator in arm.generators.items()
    }
    workers, in_turns = {}, set()
    for name in generators:
        ones = [arm.generators[name] for arm in plan.arms.values() if name in arm.generators]
        training = max(one.training_workers for one in ones)
        workers[name] = max(training, *(one.sampling.workers for one in ones))
        if training > 1:
            in_turns.add(name)
    one = [
        Role(f"generators.{name}.resources", name, generator.resources)
        for name, generator in generators.items()
        for _ in range(workers[name])
    ]
    for role in [*one, *rooms.values()]:
        _check_fits_a_node(role, nodes)
    copies, most = 0, most or len(plan.arms)
    while copies < most and fits(one * (copies + 1) + list(rooms.values()), nodes):
        copies += 1
    if copies == 0:
        raise UserError(_too_many([*one, *rooms.values()], nodes))
    return Cast(
        {
            (name, copy): [
                Role(
                    f"generators.{name}.resources",
                    name
                    + (f" copy {copy + 1}" if copies > 1 else "")
                    + (f" worker {worker + 1}" if workers[name] > 1 else ""),
                    generator.resources,
                )
                for worker in range(workers[name])
            ]
            for name, generator in generators.items()
            for copy in range(copies)
        },
        rooms,
        copies,
        frozenset(in_turns),
    )


def _check_fits_a_node(role: Role, nodes: list[Node]) -> None:
    for kind in ("cpus", "gpus"):
        wanted = getattr(role.resources, kind)
        most = max(getattr(node, kind) for node in nodes)
        if wanted > most:
            raise UserError(
                f"{role.field}.{kind}: found {wanted:g}; allowed are up to {most:g}, "
                f"what the largest of {len(nodes)} machine{'s'[: len(nodes) > 1]} has"
            )


def fits(roles: list[Role], nodes: list[Node]) -> bool:
    """Whether the actors can be packed onto the machines, the largest first."""
    free = [[node.cpus, node.gpus] for node in nodes]
    for role in sorted(roles, key=lambda r: (r.resources.gpus, r.resources.cpus), reverse=True):
        for slot in free:
            if role.resources.cpus <= slot[0] + 1e-9 and role.resources.gpus <= slot[1] + 1e-9:
                slot[0] -= role.resources.cpus
                slot[1] -= role.resources.gpus
                break
        else:
            return False
    return True


def _too_many(roles: list[Role], nodes: list[Node]) -> str:
    short = "gpus" if fits([_without_gpus(role) for role in roles], nodes) else "cpus"
    total = sum(getattr(role.resources, short) for role in roles)
    largest = max(roles, key=lambda role: float(getattr(role.resources, short)))
    have = sum(getattr(node, short) for node in nodes)
    parts: dict[str, float] = {}
    for role in roles:
        if amount := getattr(role.resources, short):
            parts[role.name] = parts.get(role.name, 0) + amount
    listed = ", ".join(f"{name} {amount:g}" for name, amount in parts.items())
    return (
        f"{largest.field}.{short}: the actors need {total:g} {short} together ({listed}); "
        f"allowed are {have:g}, what the cluster has"
    )


def _without_gpus(role: Role) -> Role:
    return Role(role.field, role.name, Resources(cpus=role.resources.cpus))
