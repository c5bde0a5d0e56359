"""The small network of the encoder, and its training."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  as everywhere
from torch import nn

# larger images are averaged down to this
SIDE = 32
BATCH = 64
LEARNING_RATE = 3e-3
HIDDEN = 512


def build_body(channels: int, features: int) -> nn.Sequential:
    """Return the network from prepared images to features."""
    layers: list[nn.Module] = []
    for width_in, width, stride in ((channels, 16, 1), (16, 32, 2), (32, 64, 2)):
        layers += [nn.Conv2d(width_in, width, 3, stride, 1), nn.GroupNorm(8, width), nn.SiLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(1024, features))


def build_classifier(features: int, classes: int) -> nn.Sequential:
    """Return the network from features to (n, classes) logits."""
    return nn.Sequential(nn.SiLU(), nn.Linear(features, classes))


def build_decoder(features: int, pixels: int) -> nn.Sequential:
    """Return the network from features to (n, pixels) flat prepared images."""
    return nn.Sequential(nn.Linear(features, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, pixels))


def prepare(images: torch.Tensor) -> torch.Tensor:
    """Return (n, channels, height, width) uint8 as floats in [-1, 1], at most 32 a side."""
    height, width = images.shape[2:]
    small = F.adaptive_avg_pool2d(images.float(), (min(SIDE, height), min(SIDE, width)))
    return small / 127.5 - 1


def train(
    images: np.ndarray, labels: np.ndarray | None, features: int, steps: int, seed: int
) -> tuple[nn.Sequential, nn.Sequential]:
    """Return body and head: a classifier of the labels, or an autoencoder without.

    On the CPU: the same weights for the same seed and number of threads. AdamW, cosine schedule.

    Args:
        images: (n, height, width, channels) uint8.
        labels: (n,) int64 from 0 up, of at least two classes, or None.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = build_body(images.shape[3], features)
        pixels = prepare(_batch(images, np.arange(1)))[0].numel()
        head = (
            build_decoder(features, pixels)
            if labels is None
            else build_classifier(features, int(labels.max()) + 1)
        )
    parameters = [*body.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    size = min(BATCH, len(images))
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(order) < size:
            order = torch.randperm(len(images), generator=generator)
        chosen, order = order[:size].numpy(), order[size:]
        batch = prepare(_batch(images, chosen))
        made = head(body(batch))
        optimiser.zero_grad()
        if labels is None:
            F.mse_loss(made, batch.flatten(1)).backward()
        else:
            F.cross_entropy(made, torch.from_numpy(labels[chosen])).backward()
        optimiser.step()
        schedule.step()
    return body.eval(), head.eval()


def _batch(images: np.ndarray, chosen: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images[chosen]).permute(0, 3, 1, 2)
