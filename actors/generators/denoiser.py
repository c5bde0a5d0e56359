"""What the families that train a network to denoise have in common."""

import math
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator

from actors.config import Config
from actors.generators import networks
from actors.generators.family import Conduct, Draw, Family, Sampling, TrainingSet
from actors.generators.networks import UNet
from actors.generators.precision import Precision, autocast

# (noisy images, (n,) time as the family counts it) -> prediction of the same shape
Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

# of a training that says nothing
STEPS = 500


class Training(Config):
    """Optimisation: AdamW, schedule with warm-up, gradient clipping, weight average."""

    # changes how it is computed, at most its rounding
    HOW: ClassVar[frozenset[str]] = frozenset(
        {
            "workers",
            "compile",
            "channels_last",
            "checkpoint_every",
            "checkpoints_kept",
            "max_failures",
        }
    )

    steps: int | None = Field(None, ge=1, description="optimiser steps; 500 without epochs")
    epochs: int | None = Field(None, ge=1, description="passes over the rows, instead of steps")
    batch_size: int = Field(64, ge=1, description="rows of a step, over all workers")
    learning_rate: float = Field(1e-3, gt=0)
    betas: tuple[float, float] = (0.95, 0.999)
    weight_decay: float = Field(1e-6, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = Field(50, ge=0)
    gradient_clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema_decay: float = Field(0.995, ge=0, lt=1, description="decay of the weight average; 0: none")
    label_dropout: float = Field(
        0.1, ge=0, lt=1, description="share of rows trained without their label (conditional)"
    )
    init: Literal["scratch", "previous"] = Field(
        "scratch", description="fresh weights, or those of the iteration before"
    )
    precision: Precision = "float32"
    compile: bool = Field(False, description="torch.compile the network")
    channels_last: bool = Field(False, description="memory layout that suits tensor cores")
    workers: int = Field(1, ge=1, description="Ray Train workers, data parallel")
    checkpoint_every: int = Field(1000, ge=1, description="steps between checkpoints")
    checkpoints_kept: int = Field(2, ge=1, description="how many of the last ones are kept")
    max_failures: int = Field(3, ge=0, description="lost workers to survive, with several workers")

    @model_validator(mode="after")
    def _consistent(self) -> "Training":
        if self.epochs is not None and self.steps is not None:
            raise ValueError(f"found steps {self.steps} and epochs {self.epochs}; allowed is one")
        if self.batch_size % self.workers:
            raise ValueError(
                f"batch_size {self.batch_size} cannot be divided over {self.workers} workers; "
                f"allowed are multiples of {self.workers}"
            )
        return self

    def steps_for(self, rows: int) -> int:
        """Return the optimiser steps of a training on so many rows."""
        if self.epochs is None:
            return self.steps or STEPS
        return math.ceil(self.epochs * rows / self.batch_size)


class DenoiserSampling(Sampling):
    """Sampling by repeated denoising."""

    HOW: ClassVar[frozenset[str]] = Sampling.HOW | {"compile"}

    steps: int = Field(25, ge=1, description="steps of the sampler")
    guidance_scale: float = Field(
        1.0, ge=0, description="classifier-free guidance: 0 ignores labels, 1 follows them"
    )
    precision: Precision = "float32"
    compile: bool = Field(False, description="torch.compile the network")


class Denoiser(Family):
    """A network trained to denoise, and a sampler that applies it."""

    network: UNet = UNet()
    labels: bool = Field(False, description="class-conditional: train and sample with labels")
    training: Training = Training()
    sampling: DenoiserSampling = DenoiserSampling()

    @model_validator(mode="after")
    def _guidance(self) -> "Denoiser":
        if self.sampling.guidance_scale != 1 and not self.labels:
            raise ValueError(
                f"sampling.guidance_scale {self.sampling.guidance_scale:g} needs `labels: true`"
            )
        return self

    def how(self, block: str) -> frozenset[str]:
        # a worker drops in its own part of a batch, torch in the order of values in memory
        drops = self.network.dropout > 0 or "dropout" in self.network.unet2d
        if block != "training" or not drops:
            return super().how(block)
        return super().how(block) - {"workers", "channels_last", "compile"}

    @property
    def conditional(self) -> bool:
        return self.labels

    @property
    def least_rows(self) -> int:
        return self.training.batch_size

    @property
    def training_workers(self) -> int:
        return self.training.workers

    @property
    def starts_from_previous(self) -> bool:
        return self.training.init == "previous"

    def check_images(self, image_shape: tuple[int, int, int], rows: int) -> None:
        self.network.check_size(*image_shape[:2])

    @abstractmethod
    def loss(
        self, predict: Predict, images: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """Return the mean training loss of a batch.

        Args:
            images: (n, channels, height, width) float in [-1, 1].
            noise: standard normal, of the same shape.
            level: (n,) uniform in [0, 1), what the noise level is drawn from.
        """

    @abstractmethod
    def generate(self, predict: Predict, noise: Callable[[int], torch.Tensor]) -> torch.Tensor:
        """Return (n, channels, height, width) samples, nominally in [-1, 1].

        Args:
            noise: number of the draw to standard normal noise of the samples' shape.
        """

    def train(self, data: TrainingSet, seed: int, conduct: Conduct) -> Any:
        from actors.generators.training import train  # it imports diffusers: two seconds

        return train(self, data, seed, conduct)

    def load(self, folder: Path, device: torch.device) -> Any:
        network = networks.load(folder).to(device)
        return torch.compile(network) if self.sampling.compile else network

    def sample(self, model: Any, draw: Draw) -> tuple[torch.Tensor, torch.Tensor | None]:
        labels = draw.labels() if self.labels else None
        settings = self.sampling
        predict = guided(model, labels, settings.guidance_scale, settings.precision)
        return self.generate(predict, draw.noise), labels


def predictor(
    network: Any, labels: torch.Tensor | None = None, precision: Precision = "float32"
) -> Predict:
    """Return the network as a function of images and time alone; what it returns is float32."""

    def predict(images: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        given = {} if labels is None else {"class_labels": labels}
        with autocast(images.device, precision):
            return network(images, time, return_dict=False, **given)[0].float()

    return predict


def guided(
    network: Any, labels: torch.Tensor | None, scale: float, precision: Precision = "float32"
) -> Predict:
    """Return the network guided toward (n,) labels.

    Classifier-free guidance (Ho and Salimans 2022, equation 6, with scale = 1 + w): the prediction
    without a label plus `scale` times what the label adds to it.
    """
    if labels is None:
        return predictor(network, precision=precision)
    nothing = torch.full_like(labels, networks.no_label(network))
    if scale in (0, 1):
        return predictor(network, labels if scale else nothing, precision)
    both = predictor(network, torch.cat((nothing, labels)), precision)

    def predict(images: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        times = torch.cat((time, time)) if time.ndim else time
        without, within = both(torch.cat((images, images)), times).chunk(2)
        return without + scale * (within - without)

    return predict
