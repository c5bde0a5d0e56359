"""Batches of a training: what step i sees depends on (seed, i) alone, however it is computed."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from actors.generators.family import TrainingSet
from actors.seeds import derive_seed, permuted

PREFETCHED = 2
# rows whose random numbers are drawn together; fewer take longer, more are drawn in vain
BLOCK_ROWS = 16


class Batch(NamedTuple):
    """One worker's share of a step's rows.

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
        moved = self.each(lambda tensor: tensor.to(device, non_blocking=True))
        images = moved.images.float().div_(127.5).sub_(1).contiguous(memory_format=layout)
        return moved._replace(images=images, noise=moved.noise.contiguous(memory_format=layout))

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        """Return the batch with every tensor changed."""
        tensors = {name: t for name, t in self._asdict().items() if t is not None}
        return self._replace(**{name: change(tensor) for name, tensor in tensors.items()})


def batch_positions(first: int, size: int, rows: int, seed: int) -> np.ndarray:
    """Return the training-set positions that are visited, from visit number `first` on.

    Every epoch is a permutation of its own, and none is cut short.

    Returns:
        (size,) int64.
    """
    stop = first + size
    return np.concatenate(
        [
            permuted(
                np.arange(max(first, epoch * rows), min(stop, (epoch + 1) * rows)) - epoch * rows,
                rows,
                derive_seed(seed, "epoch", epoch),
            )
            for epoch in range(first // rows, (stop - 1) // rows + 1)
        ]
    )


@dataclass(frozen=True)
class Batches:
    """The batches of one worker of a training.

    Attributes:
        batch_size: rows of a step over all workers.
        label_dropout: share of rows whose label is dropped; None without labels.
        rank: which of the workers this one is.
    """

    data: TrainingSet
    batch_size: int
    seed: int
    label_dropout: float | None = None
    rank: int = 0
    workers: int = 1

    def make(self, step: int) -> Batch:
        """Return this worker's share of a step, on the CPU."""
        size = self.batch_size // self.workers
        first = self.rank * size
        rows = batch_positions(step * self.batch_size + first, size, self.data.rows, self.seed)
        noise, level, chance = self._draw(step, first, first + size)
        labels = None
        if self.label_dropout is not None:
            assert self.data.labels is not None
            assert self.data.classes is not None
            labels = torch.from_numpy(self.data.labels[rows])
            labels = torch.where(chance < self.label_dropout, self.data.classes, labels)
        images = torch.from_numpy(self.data.images(rows)).permute(0, 3, 1, 2)
        return Batch(images, noise, level, labels)

    def _draw(self, step: int, first: int, stop: int) -> tuple[torch.Tensor, ...]:
        """Return noise and two uniform numbers for each of some rows of a step's batch.

        Drawn in blocks of the batch, so that it does not matter how many workers share it.
        """
        height, width, channels = self.data.image_shape
        blocks = range(first // BLOCK_ROWS, (stop - 1) // BLOCK_ROWS + 1)
        rows = len(blocks) * BLOCK_ROWS
        noise, uniform = torch.empty(rows, channels, height, width), torch.empty(rows, 2)
        pieces = zip(blocks, noise.split(BLOCK_ROWS), uniform.split(BLOCK_ROWS), strict=True)
        for block, normal, flat in pieces:
            draws = torch.Generator().manual_seed(derive_seed(self.seed, "noise", step, block))
            normal.normal_(generator=draws)
            flat.uniform_(generator=draws)
        mine = slice(first - blocks.start * BLOCK_ROWS, stop - blocks.start * BLOCK_ROWS)
        level, chance = uniform[mine].T.contiguous()
        return noise[mine], level, chance

    def iterate(
        self, first: int, stop: int, device: torch.device, layout: torch.memory_format
    ) -> Iterator[Batch]:
        """Yield the batches of the steps first to stop - 1 on a device; on a GPU, prefetched."""
        if device.type != "cuda":
            yield from (self.make(step).to(device, layout) for step in range(first, stop))
            return

        def pinned(step: int) -> Batch:
            # a GPU copies from such memory while it computes
            return self.make(step).each(torch.Tensor.pin_memory)

        with ThreadPoolExecutor(1) as ahead:
            coming: deque[Future[Batch]] = deque()
            for step in range(first, stop + PREFETCHED):
                if step < stop:
                    coming.append(ahead.submit(pinned, step))
                if step >= first + PREFETCHED:
                    yield coming.popleft().result().to(device, layout)
