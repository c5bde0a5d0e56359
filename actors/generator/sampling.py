"""Sampling a generator: noise per (seed, sample index), so that how work is cut changes nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from actors.errors import NonFiniteError
from actors.generator.family import Family
from actors.seeds import sample_noise


@torch.inference_mode()
def sample(
    family: Family,
    network: Any,
    start: int,
    stop: int,
    image_shape: tuple[int, int, int],
    seed: int,
    batch_size: int,
    device: torch.device,
    report: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Return samples number start to stop - 1, (n, height, width, channels) uint8.

    Raises:
        NonFiniteError: some samples contain NaN or infinity.
    """
    height, width, channels = image_shape
    parts = []
    for first in range(start, stop, batch_size):
        indices = torch.arange(first, min(first + batch_size, stop), device=device)

        def noise(draw: int, indices: torch.Tensor = indices) -> torch.Tensor:
            return sample_noise(seed, indices, (channels, height, width), draw)

        parts.append(family.sample(network, noise))
        report(int(indices[-1]) + 1 - start)
    images = torch.cat(parts)
    bad = int((~images.isfinite()).flatten(1).any(dim=1).sum())
    if bad:
        raise NonFiniteError(f"{bad} of the samples {start} to {stop - 1} contain NaN or infinity")
    return to_uint8(images)


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """Return (n, c, h, w) float images in [-1, 1] as (n, h, w, c) uint8."""
    levels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()
