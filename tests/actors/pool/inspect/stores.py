"""A small store written for a test: steps with true keys, in the order in which they are added."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from actors.pool import schema, selections, shards
from actors.pool.format import mark_format
from actors.pool.inspect.contents import Contents, read_contents
from actors.pool.manifest import StoredStep, manifest_path
from actors.pool.step import Step, write_manifest
from actors.pool.storage import File, Storage
from actors.selection import Selection

SHARD_ROWS = 4
SHAPE = (3, 2, 1)


@dataclass
class Written:
    """The store, and what was put into it.

    Attributes:
        pixels: (n, ...) uint8 images by sample step.
        vectors: (n, d) float32 features by sample step.
        embedded: embed step by sample step.
    """

    storage: Storage
    pixels: dict[str, np.ndarray] = field(default_factory=dict)
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    embedded: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mark_format(self.storage)

    def sample(
        self,
        source: str,
        iteration: int,
        rows: int,
        checkpoint: str | None = None,
        vectors: np.ndarray | None = None,
        labels: bool = False,
        shape: tuple[int, int, int] = SHAPE,
        images: np.ndarray | None = None,
    ) -> str:
        """Add a sample step of given or random images, and its features."""
        random = np.random.default_rng(len(self.pixels))
        config = {"source": source, "iteration": iteration, "rows": rows, "shape": list(shape)}
        step = Step("sample", "pool", config, _inputs(checkpoint=checkpoint), len(self.pixels))
        if images is None:
            images = random.integers(0, 256, (rows, *shape), np.uint8)
        if vectors is None:
            vectors = random.normal(size=(rows, 5)).astype(np.float32)
        tables = [
            schema.rows(
                images[start:stop],
                step_key=step.key,
                first=start,
                source=source,
                iteration=iteration,
                seed=step.seed,
                labels=np.arange(start, stop) % 10 if labels else None,
            )
            for start, stop in shards.ranges(rows, SHARD_ROWS)
        ]
        path = self._finish(step, self._tables(step.path, tables))
        embed = Step("embed", "features", {}, _inputs(samples=path))
        parts = [
            shards.feature_table(vectors[start:stop])
            for start, stop in shards.ranges(rows, SHARD_ROWS)
        ]
        self.embedded[path] = self._finish(embed, self._tables(embed.path, parts))
        self.pixels[path], self.vectors[path] = images, vectors
        return path

    def select(
        self,
        samples: Sequence[str],
        positions: Sequence[int] | np.ndarray,
        distances: np.ndarray | None = None,
        candidates: np.ndarray | None = None,
        **config: Any,
    ) -> str:
        """Add a select step of these positions among the rows of some sample steps."""
        features = tuple(self.embedded[path] for path in samples)
        inputs = {"samples": tuple(samples), "features": features}
        chosen = Selection(np.asarray(positions, np.int64), distances)
        config = {"selection": {"kind": "greedy"}, "picked": chosen.positions.tolist(), **config}
        step = Step("select", "selection", config, inputs)
        records = selections.write(
            self.storage,
            step.path,
            chosen,
            samples=samples,
            features=features,
            candidates=candidates,
        )
        return self._finish(step, records)

    def train(self, source: str, iteration: int, training_set: str) -> str:
        """Add a train step."""
        config = {"source": source, "iteration": iteration}
        step = Step("train", "generator", config, _inputs(training_set=training_set))
        record = self.storage.write_json(f"{step.path}/losses.json", [])
        return self._finish(step, [record])

    def named(self, name: str, steps: Sequence[str], top: str = "experiments") -> None:
        """Add a named run that needs some steps."""
        self.storage.write_json(f"{top}/{name}/steps.json", {"steps": list(steps)})

    def contents(self) -> Contents:
        return read_contents(self.storage)

    def finished(self, path: str) -> StoredStep:
        return self.contents().finished[path]

    def ids(self, path: str) -> list[str]:
        """Return the ids of a sample step's rows."""
        key = path.rpartition("/")[2]
        return [f"{key[:12]}-{row:08d}" for row in range(len(self.pixels[path]))]

    def file(self, path: str) -> Path:
        return Path(self.storage.root) / path

    def _tables(self, path: str, tables: Sequence[Any]) -> list[File]:
        return [
            shards.write_table(self.storage, shards.shard_path(path, SHARD_ROWS * number), table)
            for number, table in enumerate(tables)
        ]

    def _finish(self, step: Step, files: Sequence[File]) -> str:
        write_manifest(self.storage, step, files, started=0.0, seconds=1.5)
        return step.path


def finish(storage: Storage, path: str, files: Sequence[File], **inputs: Sequence[str]) -> None:
    """Write the manifest of a step whose key is no hash."""
    _, kind, key = path.split("/")
    step = {"kind": kind, "key": key, "config": {}, "inputs": inputs, "seed": 0, "version": 1}
    records = [file.as_json() for file in files]
    manifest = {**step, "files": records, "started": 0.0, "seconds": 1.5}
    storage.write_json(manifest_path(path), manifest)


def _inputs(**inputs: str | None) -> dict[str, tuple[str, ...]]:
    return {role: (path,) for role, path in inputs.items() if path}
