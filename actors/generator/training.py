"""Training a generator: one function for every family, run by Ray Train."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel

from actors.errors import NonFiniteError
from actors.generator.family import Family
from actors.seeds import derive_seed

CHECK_EVERY = 50
REPORT_SECONDS = 0.5

# (n,) positions in the training set -> (n, height, width, channels) uint8
Batch = Callable[[np.ndarray], np.ndarray]
# (fraction done, note) -> None
Report = Callable[[float, str], None]


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


def to_tensor(images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return (n, h, w, c) uint8 images as (n, c, h, w) float32 in [-1, 1]."""
    channels_first = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)
    return channels_first.contiguous().float() / 127.5 - 1


def train(
    family: Family,
    batch: Batch,
    rows: int,
    image_shape: tuple[int, int, int],
    seed: int,
    device: torch.device,
    report: Report = lambda fraction, note: None,
) -> Any:
    """Train from scratch; return the network with its averaged weights.

    Batches, noise and noise levels of step i depend on (seed, i) alone.

    Raises:
        NonFiniteError: the loss is NaN or infinite.
    """
    settings = family.training
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(seed, "initial weights"))
        network = family.network.build(image_shape).to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        settings.learning_rate,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    schedule = get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, settings.steps)
    average = EMAModel(network.parameters(), decay=settings.ema_decay, use_ema_warmup=True)
    draws = torch.Generator()
    reported = time.monotonic()
    for step in range(settings.steps):
        images = to_tensor(batch(batch_positions(step, settings.batch_size, rows, seed)), device)
        draws.manual_seed(derive_seed(seed, "noise", step))
        noise = torch.randn(images.shape, generator=draws).to(device)
        level = torch.rand(len(images), generator=draws).to(device)
        loss = family.loss(network, images, noise, level)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        average.step(network.parameters())
        if (step + 1) % CHECK_EVERY == 0 or step + 1 == settings.steps:
            value = loss.item()
            if not np.isfinite(value):
                raise NonFiniteError(
                    f"the training loss is {value} at step {step + 1} of {settings.steps} "
                    f"(learning_rate {settings.learning_rate:g})"
                )
        if time.monotonic() - reported > REPORT_SECONDS:
            reported = time.monotonic()
            report((step + 1) / settings.steps, f"step {step + 1}/{settings.steps}")
    average.copy_to(network.parameters())
    return network.eval()
