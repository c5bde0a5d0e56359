"""Sampling a generator: random numbers per (seed, sample index), so how work is cut is free."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from actors.batches import BatchSize
from actors.errors import NonFiniteError
from actors.generators.family import Draw, Family
from actors.pool.step import Report


@torch.inference_mode()
def sample(
    family: Family,
    model: Any,
    draw: Draw,
    batch_size: BatchSize,
    report: Report = lambda fraction, note: None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the samples of a draw, (n, height, width, channels) uint8, and their (n,) labels.

    Raises:
        NonFiniteError: some samples contain NaN or infinity.
    """
    made: list[torch.Tensor] = []
    labels: list[torch.Tensor] = []
    rows, done, started = len(draw.indices), 0, time.monotonic()

    def batch(start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        return family.sample(model, replace(draw, indices=draw.indices[start:stop]))

    for images, classes in batch_size.batches(rows, batch):
        made.append(images)
        if classes is not None:
            labels.append(classes)
        done += len(images)
        speed = done / (time.monotonic() - started)
        report(done / rows, f"{speed:.3g} samples/s, {(rows - done) / speed:.0f} s left of these")
    images = torch.cat(made)
    bad = int((~images.isfinite()).flatten(1).any(dim=1).sum())
    if bad:
        first, last = int(draw.indices[0]), int(draw.indices[-1])
        raise NonFiniteError(f"{bad} of the samples {first} to {last} contain NaN or infinity")
    return to_uint8(images), torch.cat(labels).cpu().numpy() if labels else None


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """Return (n, c, h, w) float images in [-1, 1] as (n, h, w, c) uint8."""
    levels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()
