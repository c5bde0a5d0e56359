"""Lost nodes: what was being done there, and whether the work has a place on what is left."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import ray

from actors.pool.catalogue import Running
from orchestrator import cluster
from orchestrator.casting import Role, fits

# how long a node that was lost, and without which nothing goes on, may take to come back
NODE_SECONDS = 300.0
# a worker that Ray has room for has begun a step by then
STILL_SECONDS = 300.0


@dataclass(frozen=True)
class Loss:
    """Nodes that were lost.

    Attributes:
        nodes: by address and id.
        did: keys of the steps, or paths of their units, that were being done there.
        why: what keeps the run from going on.
    """

    nodes: list[str]
    did: list[str]
    why: str

    @property
    def summary(self) -> str:
        """Which nodes were lost, for a message."""
        return f"node{'s'[: len(self.nodes) > 1]} {', '.join(self.nodes)} lost"

    @property
    def did_units(self) -> list[str]:
        """Paths of the steps whose units were being done there."""
        return [key.rpartition("/")[0] for key in self.did]


class Losses:
    """Knows the nodes of a cluster from one look to the next."""

    def __init__(self, roles: list[Role]) -> None:
        self._roles = roles
        self._nodes: dict[str, str] = {}
        self._did: dict[str, list[str]] = {}
        self._placed = self._busy = time.monotonic()

    def look(self, running: Mapping[str, Running] | None, patience: float) -> Loss | None:
        """Return what was lost, once the work has had no place, or has stood still, for too long.

        Args:
            running: what is being done now, by key; None where that is not known.
            patience: how many seconds without a place are tolerated.
        """
        now = time.monotonic()
        alive = {n["NodeID"]: n["NodeManagerAddress"] for n in ray.nodes() if n["Alive"]}
        self._nodes |= alive
        if running is not None:
            for node in alive:
                # what was done last, for a node is taken for dead some time after it died
                if did := [k for k, one in running.items() if one.holder.node == node]:
                    self._did[node] = did
        lost = sorted(self._nodes.keys() - alive.keys())
        has_place = fits(self._roles, cluster.nodes())
        if has_place or not lost:
            self._placed = now
        if running or not lost:
            self._busy = now
        if lost and not has_place and now - self._placed >= patience:
            why = "what is left has no room for the work"
        elif lost and now - self._busy > STILL_SECONDS:
            why = f"no step has been worked on for {STILL_SECONDS:.0f} s since"
        else:
            return None
        did = [key for node in lost for key in self._did.get(node, ())]
        return Loss([f"{self._nodes[node]} ({node[:8]})" for node in lost], did, why)
