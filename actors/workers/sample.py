"""Sampling a generator: row ranges of a sample step, each one shard of the pool."""

from dataclasses import replace
from typing import Any

import torch

from actors.errors import NonFiniteError, UserError
from actors.generators import GENERATORS, Family, sampling
from actors.generators.family import CHECKPOINT, Draw
from actors.generators.refusals import in_one_line
from actors.pool import schema, shards
from actors.pool.catalogue import Alone
from actors.pool.manifest import check
from actors.pool.step import Step
from actors.pool.storage import File, Storage


def family_of(step: Step) -> Family:
    """Return the generator family that a train or sample step is configured for."""
    config = step.config["generator"]
    settings = {
        name: {**config[name], **value} if name in config else value
        for name, value in step.settings.get("generator", {}).items()
    }
    return GENERATORS[config["kind"]].model_validate({**config, **settings})


def describe(step: Step) -> str:
    """Return "generator 'x', iteration n", for messages."""
    return f"generator {step.config['source']!r}, iteration {step.config['iteration']}"


class Sampler:
    """Samples generators, and keeps the model and the batch size of the last one."""

    def __init__(self, storage: Storage, alone: Alone) -> None:
        self._storage = storage
        self._alone = alone
        self._loaded: tuple[str, Any] = ("", None)
        self._fits: dict[str, sampling.BatchSize] = {}

    def sample(self, step: Step, start: int, stop: int) -> File:
        """Store samples start to stop - 1 as one shard; return its record.

        Raises:
            DamagedError: a file of the checkpoint is not what was written.
            NonFiniteError: names the generator, the iteration and the count.
        """
        path = shards.shard_path(step.path, start)
        with self._alone(path):
            if self._storage.exists(path):
                return replace(self._storage.record(path), rows=stop - start)
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

    def _compute(self, step: Step, path: str, start: int, stop: int) -> Any:
        device = torch.device("cuda" if step.settings["gpus"] else "cpu")
        family = family_of(step)
        fits = self._fits.setdefault(
            family.model_dump_json(), sampling.BatchSize(family.sampling.batch_size, device)
        )
        height, width, channels = step.config["image_shape"]
        digest, planned = family.digest((height, width, channels)), step.config.get("digest")
        if digest != planned:
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
            with in_one_line("sampling", fits.value):
                model = self._model(step, family, device)
                return sampling.sample(family, model, draw, fits, report)
        except NonFiniteError as error:
            raise NonFiniteError(f"{describe(step)}: {error}") from None

    def _model(self, step: Step, family: Family, device: torch.device) -> Any:
        source = step.inputs["checkpoint"][0] if "checkpoint" in step.inputs else step.path
        if self._loaded[0] != source:
            for checkpoint in step.inputs.get("checkpoint", ()):
                check(self._storage, checkpoint)
            folder = self._storage.local_folder(f"{source}/{CHECKPOINT}")
            self._loaded = (source, family.load(folder, device))
        return self._loaded[1]
