"""Batches of a training: what step i sees depends on (seed, i) alone, however it is computed."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from actors.generators.family import TrainingSet
from actors.seeds import derive_seed

PREFETCHED = 2


@dataclass(frozen=True)
class Batch:
    """One worker's part of a step's rows.

    Attributes:
        images: (n, channels, height, width) float32 in [-1, 1]; uint8 until it is on the device.
        noise: standard normal, of the same shape.
        level: (n,) uniform in [0, 1).
        labels: (n,) int64, the number of classes where the label is dropped; or None.
    """

    images: torch.Tensor
    noise: torch.Tensor
    level: torch.Tensor
    labels: torch.Tensor | None

    def to(self, device: torch.device, layout: torch.memory_format) -> "Batch":
        """Return the batch on a device, its images as numbers."""
        images, noise, level = (
            tensor.to(device, non_blocking=True) for tensor in (self.images, self.noise, self.level)
        )
        labels = None if self.labels is None else self.labels.to(device, non_blocking=True)
        numbers = images.float().div_(127.5).sub_(1).contiguous(memory_format=layout)
        return Batch(numbers, noise.contiguous(memory_format=layout), level, labels)

    def pinned(self) -> "Batch":
        """Return the batch in memory that a GPU can copy from while it computes."""
        labels = None if self.labels is None else self.labels.pin_memory()
        return Batch(
            self.images.pin_memory(), self.noise.pin_memory(), self.level.pin_memory(), labels
        )


def batch_positions(step: int, batch_size: int, rows: int, seed: int) -> np.ndarray:
    """Return the training-set positions of a step: every epoch a new permutation, none cut short.

    Returns:
        (batch_size,) int64.
    """
    first = step * batch_size
    epochs = range(first // rows, (first + batch_size - 1) // rows + 1)
    order = np.concatenate(
        [np.random.default_rng(derive_seed(seed, "epoch", e)).permutation(rows) for e in epochs]
    )
    offset = first - epochs.start * rows
    return order[offset : offset + batch_size]


@dataclass(frozen=True)
class Batches:
    """The batches of one worker of a training.

    Attributes:
        batch_size: rows of a step over all workers.
        label_dropout: share of rows whose label is dropped; None without labels.
        part: which of the `parts` workers this one is.
    """

    data: TrainingSet
    batch_size: int
    seed: int
    label_dropout: float | None = None
    part: int = 0
    parts: int = 1

    def make(self, step: int) -> Batch:
        """Return this worker's part of a step, on the CPU."""
        size = self.batch_size // self.parts
        mine = slice(self.part * size, (self.part + 1) * size)
        rows = batch_positions(step, self.batch_size, self.data.rows, self.seed)
        height, width, channels = self.data.image_shape
        # drawn for all workers, so that it does not matter how many there are
        draws = torch.Generator().manual_seed(derive_seed(self.seed, "noise", step))
        noise = torch.randn(self.batch_size, channels, height, width, generator=draws)[mine]
        level = torch.rand(self.batch_size, generator=draws)[mine]
        labels = None
        if self.label_dropout is not None:
            assert self.data.labels is not None
            assert self.data.classes is not None
            labels = torch.from_numpy(self.data.labels[rows[mine]])
            dropped = torch.rand(self.batch_size, generator=draws)[mine] < self.label_dropout
            labels = torch.where(dropped, self.data.classes, labels)
        images = torch.from_numpy(self.data.images(rows[mine])).permute(0, 3, 1, 2)
        return Batch(images, noise, level, labels)

    def iterate(
        self, first: int, stop: int, device: torch.device, layout: torch.memory_format
    ) -> Iterator[Batch]:
        """Yield the batches of the steps first to stop - 1 on a device; on a GPU, prefetched."""
        if device.type != "cuda":
            yield from (self.make(step).to(device, layout) for step in range(first, stop))
            return

        def prepare(step: int) -> Batch:
            return self.make(step).pinned()

        with ThreadPoolExecutor(1) as ahead:
            coming = deque(
                ahead.submit(prepare, step) for step in range(first, min(first + PREFETCHED, stop))
            )
            for step in range(first, stop):
                batch = coming.popleft().result()
                if step + PREFETCHED < stop:
                    coming.append(ahead.submit(prepare, step + PREFETCHED))
                yield batch.to(device, layout)
