"""Sampling a generator: row ranges of a sample step, each one shard of the pool."""

from typing import Any

import pyarrow as pa
import torch

from actors.batches import BatchSize
from actors.errors import NonFiniteError, UserError
from actors.generators import GENERATORS, Family, sampling
from actors.generators.family import CHECKPOINT, Draw
from actors.pool import schema
from actors.pool.manifest import check
from actors.pool.step import Report, Step
from actors.pool.storage import Storage
from actors.refusals import in_one_line


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
    """Samples row ranges of generators, and keeps the model and batch size of the last one."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._loaded: tuple[str, Any] = ("", None)
        self._fits: dict[str, BatchSize] = {}

    def make(self, step: Step, start: int, stop: int, report: Report) -> pa.Table:
        """Return samples start to stop - 1 as rows of the pool.

        Raises:
            DamagedError: a file of the checkpoint is not what was written.
            NonFiniteError: names the generator, the iteration and the count.
        """
        images, labels = self._compute(step, start, stop, report)
        return schema.rows(
            images,
            step_key=step.key,
            first=start,
            source=step.config["source"],
            iteration=step.config["iteration"],
            seed=step.seed,
            labels=labels,
        )

    def _compute(self, step: Step, start: int, stop: int, report: Report) -> Any:
        device = torch.device("cuda" if step.settings["gpus"] else "cpu")
        family = family_of(step)
        fits = self._fits.setdefault(
            family.model_dump_json(), BatchSize(family.sampling.batch_size, device)
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

        def counted(fraction: float, note: str) -> None:
            done = start + round(fraction * (stop - start))
            report(fraction, f"sample {done}/{step.ranges.rows}, {note}")

        try:
            with in_one_line("sampling.batch_size", fits.value):
                model = self._model(step, family, device)
                return sampling.sample(family, model, draw, fits, counted)
        except NonFiniteError as error:
            raise NonFiniteError(f"{describe(step)}: {error}") from None

    def _model(self, step: Step, family: Family, device: torch.device) -> Any:
        if self._loaded[0] != step.ranges.model:
            source = step.path
            for source in step.inputs.get("checkpoint", ()):
                check(self._storage, source)
            folder = self._storage.local_folder(f"{source}/{CHECKPOINT}")
            self._loaded = (step.ranges.model, family.load(folder, device))
        return self._loaded[1]
