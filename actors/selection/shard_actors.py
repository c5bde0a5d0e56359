"""Shards of greedy selection in Ray actors that each hold a range of the rows.

Features stay where they are read; between the shards go proposals and picks, a block at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
import torch

from actors.data.feature_source import FeatureSource
from actors.distances.farthest_first import PROPOSED, Picks, Shard, Shards, ranges
from actors.errors import UserError
from actors.features.memory import load

# machines a shard may lose before the selection gives up, with the cause
RESTARTS = 10


@dataclass(frozen=True)
class Range:
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
        """Return rows of this range, counted from its start."""
        return self.source.read(self.start + start, self.start + stop)


@ray.remote(max_restarts=RESTARTS, max_task_retries=-1)
class ShardActor:
    """One shard; restarted, it reads its rows again and asks for the picks by being behind."""

    def __init__(self, rows: Range, n: int, shards: int) -> None:
        self._rows = rows
        self._n = n
        self._shards = shards
        self._shard: Shard | None = None

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows of this shard."""
        return self._ready().vectors(positions)

    def call(self, method: str, picked: int, *arguments: Any) -> Any:
        """Return what a method of the shard gives; None if it does not know exactly `picked`."""
        shard = self._ready()
        with torch.inference_mode():
            return getattr(shard, method)(*arguments) if shard.picked == picked else None

    def _ready(self) -> Shard:
        if self._shard is None:
            with torch.inference_mode():
                features = load(self._rows, first=self._rows.start)
                self._shard = Shard(features, self._n, self._rows.start, self._shards)
        return self._shard


class ShardActors(Shards):
    """The shard actors as seen by the process that decides, which keeps positions only."""

    def __init__(self, source: FeatureSource, n: int, shards: int) -> None:
        super().__init__()
        held = ranges(source.rows, shards)
        self._starts = np.array([start for start, _ in held])
        # with more shards than CPUs they share them
        cpus = min(1.0, int(ray.cluster_resources().get("CPU", 1) * 100 / shards) / 100)
        actor: Any = ShardActor
        self.actors = [
            actor.options(num_cpus=cpus, scheduling_strategy="SPREAD").remote(
                Range(source, start, stop), n, shards
            )
            for start, stop in held
        ]

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        owner = np.searchsorted(self._starts, positions, side="right") - 1
        owners = np.unique(owner)
        vectors = ray.get([self.actors[o].vectors.remote(positions[owner == o]) for o in owners])
        out = np.empty((len(positions), vectors[0].shape[1]), np.float32)
        for o, rows in zip(owners, vectors, strict=True):
            out[owner == o] = rows
        return out

    def ask(self, method: str, *arguments: Any) -> list[Any]:
        shared = [ray.put(argument) for argument in arguments]
        answers = ray.get([a.call.remote(method, self.picked, *shared) for a in self.actors])
        for place, actor in enumerate(self.actors):
            while answers[place] is None:  # behind: it was restarted
                self._replay(actor)
                answers[place] = ray.get(actor.call.remote(method, self.picked, *shared))
        return answers

    def _replay(self, actor: Any) -> None:
        """Give a restarted shard every pick; stop as soon as it is restarted once more."""
        every = np.concatenate([np.empty(0, np.int64), *self.picks])
        for start in range(0, len(every), PROPOSED):
            positions = every[start : start + PROPOSED]
            picks = Picks(positions, self.vectors(positions))
            if ray.get(actor.call.remote("add", start, picks)) is None:
                return


@contextmanager
def actors_of(source: FeatureSource, n: int, shards: int) -> Iterator[ShardActors]:
    """Yield the shards of a source, whose actors end with the context.

    Raises:
        UserError: found by an actor.
    """
    held = ShardActors(source, n, shards)
    try:
        yield held
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from None
        raise
    finally:
        for actor in held.actors:
            ray.kill(actor)
