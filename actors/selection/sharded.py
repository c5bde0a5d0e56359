"""Greedy selection over Ray actors that each hold a range of the rows: the same ids as one process.

Features stay where they are read; between the shards go proposals and picks, a block at a time.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
import torch

from actors.data.feature_source import FeatureSource, Progress
from actors.distances.farthest_first import PROPOSED, Picks, Proposal, Shard, farthest_first, ranges
from actors.errors import UserError
from actors.features.memory import load
from actors.selection.greedy import first_row, with_reasons
from actors.selection.selection import Selection

# machines a shard may lose before the selection gives up, with the cause
RESTARTS = 10


@dataclass(frozen=True)
class Part:
    """Some consecutive rows of a source."""

    source: FeatureSource
    start: int
    stop: int

    @property
    def rows(self) -> int:
        return self.stop - self.start

    @property
    def dimension(self) -> int:
        return self.source.dimension

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return rows of this part, counted from its start."""
        return self.source.read(self.start + start, self.start + stop)


@ray.remote(max_restarts=RESTARTS, max_task_retries=-1)
class ShardActor:
    """One shard; restarted, it reads its rows again and asks for the picks by being behind."""

    def __init__(self, part: Part, n: int, parts: int) -> None:
        self._part = part
        self._n = n
        self._parts = parts
        self._shard: Shard | None = None
        self._known = 0

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows of this shard."""
        return self._ready().vectors(positions)

    def add(self, known: int, picks: Picks) -> bool:
        """Take picks into account; return False when not exactly `known` were given before."""
        shard = self._ready()
        if known != self._known:
            return False
        with torch.inference_mode():
            shard.add(picks)
        self._known += len(picks.positions)
        return True

    def propose(self, known: int, picks: Picks) -> Proposal | None:
        """Add picks and return the farthest rows; None when others are missing."""
        if not self.add(known, picks):
            return None
        with torch.inference_mode():
            return self._ready().propose()

    def cover(self, known: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return rank and distance of the nearest pick per row; None when some are missing."""
        with torch.inference_mode():
            return self._ready().cover() if known == self._known else None

    def _ready(self) -> Shard:
        if self._shard is None:
            with torch.inference_mode():
                features = load(self._part, first=self._part.start)
                self._shard = Shard(features, self._n, self._part.start, self._parts)
        return self._shard


class Shards:
    """The shard actors as seen by the process that decides, which keeps positions only."""

    def __init__(self, source: FeatureSource, n: int, parts: int) -> None:
        held = ranges(source.rows, parts)
        self._starts = np.array([start for start, _ in held])
        # with more shards than CPUs they share them
        cpus = min(1.0, int(ray.cluster_resources().get("CPU", 1) * 100 / parts) / 100)
        actor: Any = ShardActor
        self.actors = [
            actor.options(num_cpus=cpus, scheduling_strategy="SPREAD").remote(
                Part(source, start, stop), n, parts
            )
            for start, stop in held
        ]
        self._picks: list[np.ndarray] = []

    @property
    def picked(self) -> int:
        """How many picks every shard was given, if it was not restarted since."""
        return sum(map(len, self._picks))

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows, from the shards that have them."""
        owner = np.searchsorted(self._starts, positions, side="right") - 1
        owners = np.unique(owner)
        parts = ray.get([self.actors[o].vectors.remote(positions[owner == o]) for o in owners])
        out = np.empty((len(positions), parts[0].shape[1]), np.float32)
        for o, part in zip(owners, parts, strict=True):
            out[owner == o] = part
        return out

    def propose(self, picks: Picks) -> list[Proposal]:
        """Give every shard what was picked last; return their proposals."""
        shared = ray.put(picks)
        proposals = self._of_all("propose", shared)
        self._picks.append(picks.positions)
        return proposals

    def add(self, picks: Picks) -> None:
        """Give every shard what was picked."""
        self._of_all("add", ray.put(picks))
        self._picks.append(picks.positions)

    def cover(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return rank and distance of the nearest pick of every row, shard by shard."""
        return self._of_all("cover")

    def close(self) -> None:
        """End the actors."""
        for actor in self.actors:
            ray.kill(actor)

    def _of_all(self, method: str, *arguments: Any) -> list[Any]:
        calls = [getattr(a, method).remote(self.picked, *arguments) for a in self.actors]
        answers = ray.get(calls)
        for place, actor in enumerate(self.actors):
            while not answers[place]:  # behind: it was restarted
                self._replay(actor)
                answers[place] = ray.get(getattr(actor, method).remote(self.picked, *arguments))
        return answers

    def _replay(self, actor: Any) -> None:
        """Give a restarted shard every pick; stop as soon as it is restarted once more."""
        every = np.concatenate([np.empty(0, np.int64), *self._picks])
        for start in range(0, len(every), PROPOSED):
            positions = every[start : start + PROPOSED]
            if not ray.get(actor.add.remote(start, Picks(positions, self.vectors(positions)))):
                return


def greedy_sharded(
    source: FeatureSource, n: int, *, seed: int, shards: int, progress: Progress | None = None
) -> Selection:
    """Select as `greedy` does, on a connected Ray, with the features divided over actors.

    Args:
        source: (N, d) rows that every actor can read a range of.
        n: rows to choose, 1 to N.
        seed: seed of the first row.
        shards: number of actors, 1 to N.
        progress: called after every round with the number of rows chosen so far.

    Returns:
        The selection of `greedy`, with the reasons of every row.

    Raises:
        UserError: n, the shards or the features are not as above.
    """
    for name, value in (("n", n), ("shards", shards)):
        if not 1 <= value <= source.rows:
            raise UserError(f"{name}: found {value}; allowed are 1 to {source.rows}, the rows")
    held = Shards(source, n, shards)
    try:
        with torch.inference_mode():
            chosen = Selection(*farthest_first(held, n, first_row(source.rows, seed), progress))
        return with_reasons(held, chosen)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from None
        raise
    finally:
        held.close()
