"""Shards of greedy selection in Ray actors that each hold a range of the rows.

Features stay where they are read; between the shards go proposals and picks, a block at a time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import ray
import torch

from actors.config import Resources
from actors.data.feature_source import FeatureSource
from actors.distances.farthest_first import PROPOSED, Picks, Proposal, Shard, Shards, ranges
from actors.distances.nearest_chosen import as_tensor
from actors.errors import UserError
from actors.features.memory import load

# machines a shard may lose before the selection gives up, with the cause
RESTARTS = 10
# how long one that was lost may take to be back, and how often is asked
BACK_SECONDS = 300.0
ASK_SECONDS = 1.0


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

    @property
    def mapped(self) -> np.ndarray | None:
        every = self.source.mapped
        return None if every is None else every[self.start : self.stop]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return rows of this range, counted from its start."""
        return self.source.read(self.start + start, self.start + stop)


@ray.remote(max_restarts=RESTARTS)
class ShardActor:
    """One shard; restarted, it reads its rows again and asks for the picks by being behind."""

    def __init__(self, rows: Range, n: int, shards: int, resources: Resources) -> None:
        self._rows = rows
        self._n = n
        self._shards = shards
        self._device = "cuda" if resources.gpus else "cpu"
        self._shard: Shard | None = None
        torch.set_num_threads(resources.threads)

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows of this shard."""
        return self._ready().vectors(positions).numpy(force=True)

    def call(self, method: str, picked: int, *arguments: Any) -> Any:
        """Return what a method of the shard gives; None if it does not know exactly `picked`."""
        shard = self._ready()
        with torch.inference_mode():
            answer = getattr(shard, method)(*arguments) if shard.picked == picked else None
        if isinstance(answer, Proposal):
            # Ray sends arrays without a copy
            return replace(answer, vectors=as_tensor(answer.vectors).numpy(force=True))
        return answer

    def begin(self) -> None:
        """Forget all picks."""
        self._shard = None

    def _ready(self) -> Shard:
        if self._shard is None:
            with torch.inference_mode():
                features = load(self._rows, first=self._rows.start)
                start = self._rows.start
                self._shard = Shard(features, self._n, start, self._shards, self._device)
        return self._shard


class ShardActors(Shards):
    """The shard actors as seen by the process that decides, which keeps positions only."""

    def __init__(
        self, source: FeatureSource, n: int, shards: int, resources: Resources | None
    ) -> None:
        super().__init__()
        held = ranges(source.rows, shards)
        self._starts = np.array([start for start, _ in held])
        if resources is None:
            # with more shards than CPUs they share them
            cpus = min(1.0, int(ray.cluster_resources().get("CPU", 1) * 100 / shards) / 100)
            resources = Resources(cpus=cpus)
        actor: Any = ShardActor
        placed = actor.options(
            num_cpus=resources.cpus, num_gpus=resources.gpus, scheduling_strategy="SPREAD"
        )
        self.actors = [
            placed.remote(Range(source, start, stop), n, shards, resources) for start, stop in held
        ]

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        owner = np.searchsorted(self._starts, positions, side="right") - 1
        owners = np.unique(owner).tolist()
        asked = [self.actors[o].vectors.remote(positions[owner == o]) for o in owners]
        vectors = [
            self._answer(ref, self.actors[o].vectors, positions[owner == o])
            for o, ref in zip(owners, asked, strict=True)
        ]
        out = np.empty((len(positions), vectors[0].shape[1]), np.float32)
        for o, rows in zip(owners, vectors, strict=True):
            out[owner == o] = rows
        return out

    def add(self, picks: Picks) -> None:
        # nobody waits for it: a shard that misses it is behind when it is asked for more
        given = ray.put(replace(picks, vectors=as_tensor(picks.vectors).numpy(force=True)))
        for actor in self.actors:
            actor.call.remote("add", self.picked, given)
        self.picks.append(picks.positions)

    def ask(self, method: str, *arguments: Any) -> list[Any]:
        asked = [actor.call.remote(method, self.picked, *arguments) for actor in self.actors]
        answers = []
        for ref, actor in zip(asked, self.actors, strict=True):
            answer = self._answer(ref, actor.call, method, self.picked, *arguments)
            while answer is None:  # behind: it was restarted
                self._replay(actor)
                answer = self._answer(None, actor.call, method, self.picked, *arguments)
            answers.append(answer)
        return answers

    def _replay(self, actor: Any) -> None:
        """Give a restarted shard every pick; stop as soon as it is restarted once more."""
        self._answer(None, actor.begin)
        every = np.concatenate([np.empty(0, np.int64), *self.picks])
        for start in range(0, len(every), PROPOSED):
            positions = every[start : start + PROPOSED]
            picks = Picks(positions, self.vectors(positions))
            if self._answer(None, actor.call, "add", start, picks) is None:
                return

    def _answer(self, ref: Any, method: Any, *arguments: Any) -> Any:
        """Return what a call gives, made once more as soon as an actor that was lost is back.

        Raises:
            RayActorError: it does not come back.
        """
        since = time.monotonic()
        while True:
            try:
                return ray.get(ref or method.remote(*arguments))
            except ray.exceptions.ActorUnavailableError:
                if time.monotonic() - since > BACK_SECONDS:
                    raise
            time.sleep(ASK_SECONDS)
            ref = None


@contextmanager
def actors_of(
    source: FeatureSource, n: int, shards: int, resources: Resources | None
) -> Iterator[ShardActors]:
    """Yield the shards of a source, whose actors end with the context.

    Raises:
        UserError: found by an actor.
    """
    held = ShardActors(source, n, shards, resources)
    try:
        yield held
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from None
        raise
    finally:
        for actor in held.actors:
            ray.kill(actor)
