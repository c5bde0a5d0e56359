"""What the families that train a network to denoise have in common."""

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import Field, model_validator

from actors.generators import networks
from actors.generators.family import (
    Conduct,
    Draw,
    Sampling,
    TrainedFamily,
    TrainingNeeds,
    TrainingSet,
)
from actors.generators.networks import Network, Precision, Predict, autocast, guided
from actors.generators.training.loop import check_labels, train
from actors.generators.training.settings import Training
from actors.generators.unet import UNet
from actors.refusals import in_one_line


class DenoiserSampling(Sampling):
    """Sampling by repeated denoising."""

    EXECUTION: ClassVar[frozenset[str]] = Sampling.EXECUTION | {"compile"}

    steps: int = Field(25, ge=1, description="steps of the sampler")
    guidance_scale: float = Field(
        1.0, ge=0, description="classifier-free guidance: 0 ignores labels, 1 follows them"
    )
    precision: Precision = Field("float32", description="of the network's arithmetic")
    compile: bool = Field(False, description="torch.compile the network")


class Denoiser(TrainedFamily):
    """A network trained to denoise, and a sampler that applies it."""

    PLACEMENT: ClassVar[tuple[str, ...]] = ("resources", "training.workers")

    network: Network = UNet()
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

    @model_validator(mode="after")
    def _gpus(self) -> "Denoiser":
        gpus, workers = self.resources.gpus, self.training.workers
        if 0 < gpus < 1 < workers:
            raise ValueError(
                f"resources.gpus: found {gpus:g} for training.workers {workers}; allowed are 0 and "
                "1, as NCCL takes no two workers on one GPU"
            )
        return self

    def divided(self, *left_out: str) -> tuple[dict[str, Any], dict[str, Any]]:
        config, execution = super().divided(*left_out)
        if "training" in left_out:
            # sampled in the memory layout that it is trained in
            execution["training"] = {"channels_last": self.training.channels_last}
        return config, execution

    def execution_fields(self, block: str) -> frozenset[str]:
        # a worker drops in its own share of a batch, torch in the order of values in memory
        if block != "training" or not self.network.drops:
            return super().execution_fields(block)
        return super().execution_fields(block) - {"workers", "channels_last", "compile"}

    @property
    def conditional(self) -> bool:
        return self.labels

    @property
    def needs(self) -> TrainingNeeds:
        settings = self.training
        previous = settings.init == "previous"
        return TrainingNeeds(settings.batch_size, settings.workers, settings.max_failures, previous)

    def rows_visited(self, rows: int) -> int:
        return self.training.steps_for(rows) * self.training.batch_size

    def check_images(self, image_shape: tuple[int, int, int], rows: int) -> None:
        self.network.check_size(*image_shape[:2])

    @property
    @abstractmethod
    def scheduler(self) -> Any:
        """A diffusers scheduler with the same noise levels, in its first state."""

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
        if self.labels:
            check_labels(data)
        shape, classes = data.image_shape, data.classes if self.labels else None
        settings, labels = self.training, self.labels
        with (
            in_one_line("training.batch_size", settings.batch_size),
            torch.random.fork_rng([conduct.device] if conduct.device.type == "cuda" else []),
        ):
            network = networks.initial(self.network, shape, classes, seed, conduct.initial)
            return train(network, self.loss, settings, data, seed, conduct, labels=labels)

    def save(self, model: Any, folder: Path) -> None:
        """Write the network, and the diffusers scheduler that samples it."""
        model.save_pretrained(folder / networks.FOLDER)
        self.scheduler.save_pretrained(folder / "scheduler")

    def load(self, folder: Path, device: torch.device) -> Any:
        network = networks.load(folder).to(device, memory_format=self.training.layout)
        return networks.Compiled(network) if self.sampling.compile else network

    def sample(self, model: Any, draw: Draw) -> tuple[torch.Tensor, torch.Tensor | None]:
        labels = draw.labels() if self.labels else None
        settings = self.sampling
        predict = guided(model, labels, settings.guidance_scale, settings.precision)

        def noise(number: int) -> torch.Tensor:
            return draw.noise(number).contiguous(memory_format=self.training.layout)

        # around all steps, so that the weights are brought into the number format once
        with autocast(draw.indices.device, settings.precision):
            return self.generate(predict, noise), labels
