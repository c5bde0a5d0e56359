"""The actor of a generator: lives through the run, trains with Ray Train, samples row ranges."""

from functools import partial
from itertools import cycle
from typing import Any

import ray
import torch

from actors.errors import NonFiniteError, UserError
from actors.generators import Family, job, sampling
from actors.generators.family import Draw
from actors.pool import schema, shards
from actors.pool.catalogue import RESTARTS, Alone
from actors.pool.manifest import check
from actors.pool.step import Step, once
from actors.pool.storage import Storage


def describe(step: Step) -> str:
    """Return "generator 'x', iteration n", for messages."""
    return f"generator {step.config['source']!r}, iteration {step.config['iteration']}"


@ray.remote(max_restarts=RESTARTS, max_task_retries=-1)
class GeneratorActor:
    """Trains and samples; further copies of it share the sampling."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._alone = Alone(storage)
        self._loaded: tuple[str, Any] = ("", None)
        self._fits: dict[str, sampling.BatchSize] = {}

    def train(self, step: Step, *_after: object) -> str:
        """Train on the step's training set and store the checkpoint; return the step's path."""

        def work() -> list[dict[str, Any]]:
            try:
                job.train(self._storage, step, partial(self._alone.report, step.key))
            except NonFiniteError as error:
                raise NonFiniteError(f"{describe(step)}: {error}") from None
            files = self._storage.files(f"{step.path}/{job.CHECKPOINT}")
            losses = f"{step.path}/{job.LOSSES}"
            return [self._storage.record(file) for file in (*files, losses)]

        path = once(self._storage, step, self._alone, work)
        if checkpoints := job.checkpoints_of(self._storage, step):
            checkpoints.clear()
        return path

    def sample(self, step: Step, start: int, stop: int, *_after: object) -> dict[str, Any]:
        """Store samples start to stop - 1 as one shard; return its record.

        Raises:
            DamagedError: a file of the checkpoint is not what was written.
            NonFiniteError: names the generator, the iteration and the count.
        """
        path = shards.shard_path(step.path, start)
        with self._alone(path):
            if self._storage.exists(path):
                return {**self._storage.record(path), "rows": stop - start}
            images, labels = self._compute(step, path, start, stop)
            table = schema.rows(
                images,
                step_key=step.key,
                first=start,
                source=step.config["source"],
                iteration=step.config["iteration"],
                seed=step.seed,
                labels=labels,
            )
            return shards.write_table(self._storage, path, table)

    def sample_with_helpers(self, step: Step, *_after: object) -> str:
        """Sample a whole step with actors that live as long as it lasts; return the step's path.

        For a generator that trains in a worker group: the group and they take the same resources
        in turn.
        """
        ranges = list(shards.ranges(job.family_of(step).sampling.rows, step.config["shard_rows"]))
        actor: Any = GeneratorActor
        helpers = [
            actor.options(num_cpus=step.settings["cpus"], num_gpus=step.settings["gpus"]).remote(
                self._storage
            )
            for _ in range(min(len(ranges), step.settings["workers"]))
        ]
        try:
            shared = zip(ranges, cycle(helpers), strict=False)
            records = ray.get([helper.sample.remote(step, *rows) for rows, helper in shared])
        finally:
            for helper in helpers:
                ray.kill(helper)
        return once(self._storage, step, self._alone, lambda: records)

    def _compute(self, step: Step, path: str, start: int, stop: int) -> Any:
        torch.set_num_threads(step.config["threads"])
        device = torch.device("cuda" if step.settings["gpus"] else "cpu")
        family = job.family_of(step)
        fits = self._fits.setdefault(
            family.model_dump_json(), sampling.BatchSize(family.sampling.batch_size, device)
        )
        height, width, channels = step.config["image_shape"]
        found, planned = family.digest((height, width, channels)), step.config.get("digest")
        if found != planned:
            raise UserError(
                f"{describe(step)}: its files changed since the run was planned; run again"
            )
        draw = Draw(
            step.seed,
            torch.arange(start, stop, device=device),
            (height, width, channels),
            step.config.get("before", 0),
            step.config.get("classes"),
        )
        rows = family.sampling.rows

        def report(fraction: float, note: str) -> None:
            done = start + round(fraction * (stop - start))
            self._alone.report(path, fraction, f"sample {done}/{rows}, {note}")

        try:
            return sampling.sample(family, self._model(step, family, device), draw, fits, report)
        except NonFiniteError as error:
            raise NonFiniteError(f"{describe(step)}: {error}") from None

    def _model(self, step: Step, family: Family, device: torch.device) -> Any:
        source = step.inputs["checkpoint"][0] if "checkpoint" in step.inputs else step.path
        if self._loaded[0] != source:
            for checkpoint in step.inputs.get("checkpoint", ()):
                check(self._storage, checkpoint)
            folder = self._storage.local_folder(f"{source}/{job.CHECKPOINT}")
            self._loaded = (source, family.load(folder, device))
        return self._loaded[1]
