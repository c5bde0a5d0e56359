"""What every generator family has: a network, its training, its sampling, its resources."""

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from actors.config import Config, Resources
from actors.generator.networks import UNet

# (draw) -> (n, channels, height, width) standard normal noise of the samples at hand
Noise = Callable[[int], torch.Tensor]


class Training(Config):
    """Optimisation: AdamW, cosine schedule with warm-up, gradient clipping, weight average."""

    steps: int = Field(500, ge=1, description="optimiser steps")
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    betas: tuple[float, float] = (0.95, 0.999)
    weight_decay: float = Field(1e-6, ge=0)
    warmup_steps: int = Field(50, ge=0)
    gradient_clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema_decay: float = Field(0.995, ge=0, lt=1, description="decay of the weight average")


class Sampling(Config):
    """What a generator adds to the pool each iteration."""

    rows: int = Field(512, ge=2, description="samples per iteration")
    steps: int = Field(25, ge=1, description="steps of the sampler")
    batch_size: int = Field(256, ge=1, description="samples computed together")
    workers: int = Field(1, ge=1, description="actors that share the sampling")


class Family(Config):
    """Configuration and mathematics of one generator family."""

    kind: str
    network: UNet = UNet()
    training: Training = Training()
    sampling: Sampling = Sampling()
    resources: Resources = Resources()

    @abstractmethod
    def loss(
        self, network: Any, images: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """Return the mean training loss of a batch.

        Args:
            images: (n, channels, height, width) float in [-1, 1].
            noise: standard normal, of the same shape.
            level: (n,) uniform in [0, 1), what the noise level is drawn from.
        """

    @abstractmethod
    def sample(self, network: Any, noise: Noise) -> torch.Tensor:
        """Return (n, channels, height, width) samples, nominally in [-1, 1]."""

    @abstractmethod
    def save(self, network: Any, folder: Path) -> None:
        """Write the checkpoint as safetensors and JSON in diffusers' layout."""
