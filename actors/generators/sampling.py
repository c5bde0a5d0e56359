"""Sampling a generator: random numbers per (seed, sample index), so how work is cut is free."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from actors.errors import NonFiniteError
from actors.generators.family import Draw, Family
from actors.pool.step import Report

# samples computed together on a CPU when nothing is said; more is no faster
CPU_BATCH = 256


class BatchSize:
    """The largest number of samples that were found to fit together; None: all, until one fails."""

    def __init__(self, wanted: int | None, device: torch.device) -> None:
        self.value = wanted or (CPU_BATCH if device.type == "cpu" else None)


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
    while done < rows:
        size = min(rows - done, batch_size.value or rows)
        fitting = _attempt(family, model, replace(draw, indices=draw.indices[done : done + size]))
        if fitting is None:
            batch_size.value = size // 2
            # here, as the error that is gone held on to what there was of them
            torch.cuda.empty_cache()
            continue
        images, classes = fitting
        made.append(images)
        if classes is not None:
            labels.append(classes)
        done += size
        speed = done / (time.monotonic() - started)
        report(done / rows, f"{speed:.3g} samples/s, {(rows - done) / speed:.0f} s left of these")
    images = torch.cat(made)
    bad = int((~images.isfinite()).flatten(1).any(dim=1).sum())
    if bad:
        first, last = int(draw.indices[0]), int(draw.indices[-1])
        raise NonFiniteError(f"{bad} of the samples {first} to {last} contain NaN or infinity")
    return to_uint8(images), torch.cat(labels).cpu().numpy() if labels else None


def _attempt(family: Family, model: Any, draw: Draw) -> tuple[torch.Tensor, Any] | None:
    """Return the samples of a draw, None where there is memory for fewer only."""
    try:
        return family.sample(model, draw)
    except torch.OutOfMemoryError:
        if len(draw.indices) == 1:
            raise
        return None


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """Return (n, c, h, w) float images in [-1, 1] as (n, h, w, c) uint8."""
    levels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()
