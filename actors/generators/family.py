"""What every generator family has: how it is fitted, saved, opened and sampled."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field, model_validator

from actors.config import Config, Resources
from actors.pool.step import Report
from actors.seeds import sample_noise

if TYPE_CHECKING:
    from actors.generators.training.checkpoints import Checkpoints

# what a train step stores
CHECKPOINT = "checkpoint"
LOSSES = "losses.json"


@dataclass(frozen=True)
class TrainingSet:
    """The rows a generator trains on, read as they are needed.

    Attributes:
        images: (n,) int64 positions in the training set to (n, height, width, channels) uint8.
        image_shape: height, width, channels.
        labels: (rows,) int64 class labels, or None.
        classes: number of classes the real data has, or None.
    """

    images: Callable[[np.ndarray], np.ndarray]
    rows: int
    image_shape: tuple[int, int, int]
    labels: np.ndarray | None = None
    classes: int | None = None


@dataclass(frozen=True)
class Conduct:
    """How a training is carried out, which changes rounding at most.

    Attributes:
        checkpoints: where it is saved on its way, or None.
        initial: folder of the checkpoint it starts from, or None to start from scratch.
        losses: filled on the way with pairs of step and mean loss since the pair before.
    """

    device: torch.device
    report: Report = lambda fraction, note: None
    checkpoints: "Checkpoints | None" = None
    initial: Path | None = None
    losses: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Draw:
    """The samples to compute together, and the random numbers that belong to each.

    Attributes:
        indices: (n,) int64 sample indices, on the device to compute on.
        image_shape: height, width, channels.
        before: samples that the generator gave in earlier iterations, where it gives each once.
        classes: number of classes, or None.
    """

    seed: int
    indices: torch.Tensor
    image_shape: tuple[int, int, int]
    before: int = 0
    classes: int | None = None

    def noise(self, number: int = 0) -> torch.Tensor:
        """Return standard normal (n, channels, height, width) noise, draw `number` of a sample."""
        height, width, channels = self.image_shape
        return sample_noise(self.seed, self.indices, (channels, height, width), number)

    def labels(self) -> torch.Tensor:
        """Return (n,) int64 class labels: every class in turn, so equally many of each."""
        assert self.classes is not None
        return self.indices % self.classes


class Sampling(Config):
    """What a generator adds to the pool each iteration."""

    # fields that change at most the rounding of the samples
    EXECUTION: ClassVar[frozenset[str]] = frozenset({"batch_size", "workers"})

    rows: int = Field(512, ge=2, description="samples per iteration")
    batch_size: int | None = Field(
        None, ge=1, description="samples computed together; null: as many as fit"
    )
    workers: int | None = Field(
        None, ge=1, description="most workers that share the sampling; null: all that are free"
    )


class Family(Config):
    """Configuration and mathematics of one generator family: how it is opened and sampled."""

    # whether its samples are a fixed sequence, which it goes on with at each iteration
    gives_each_once: ClassVar[bool] = False
    # whether the density of its samples is known
    has_density: ClassVar[bool] = False
    # fields that say where its files are; the digest identifies their content
    EXECUTION: ClassVar[frozenset[str]] = frozenset()
    # fields that say where the work is done, which is the same for all arms
    PLACEMENT: ClassVar[tuple[str, ...]] = ("resources",)

    kind: str
    sampling: Sampling = Sampling()
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _one_gpu(self) -> "Family":
        if self.resources.gpus > 1:
            raise ValueError(
                f"resources.gpus: found {self.resources.gpus:g}; allowed are up to 1, as a worker "
                "computes on one"
            )
        return self

    def execution_fields(self, block: str) -> frozenset[str]:
        """Return the fields of a block (training, sampling) that change at most its rounding."""
        return frozenset(getattr(getattr(self, block, None), "EXECUTION", ()))

    def divided(self, *left_out: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the fields that determine the output and the others, as JSON values.

        Args:
            left_out: blocks that are in neither; `resources` is in none.
        """
        config = self.model_dump(mode="json", exclude={*left_out, "resources"})
        execution = {name: config.pop(name) for name in sorted(self.EXECUTION)}
        for block, value in config.items():
            if fields := sorted(self.execution_fields(block)):
                execution[block] = {field: value.pop(field) for field in fields}
        return config, execution

    @property
    def conditional(self) -> bool:
        """Whether it learns and samples class labels."""
        return False

    @property
    def gaussian(self) -> Literal["full", "diag", "spherical"] | None:
        """Covariance of the one Gaussian that it fits by maximum likelihood, where it does so."""
        return None

    def check_images(self, image_shape: tuple[int, int, int], rows: int) -> None:
        """Raise ValueError, "field: what", when it cannot make so many images of this shape.

        Args:
            rows: samples of all iterations together.
        """

    def digest(self, image_shape: tuple[int, int, int]) -> str | None:
        """Return the hash of what it reads that no step made, None where it reads nothing."""
        return None

    @abstractmethod
    def load(self, folder: Path, device: torch.device) -> Any:
        """Open a model for sampling, that of the checkpoint in a folder where it is trained."""

    @abstractmethod
    def sample(self, model: Any, draw: Draw) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return (n, channels, height, width) samples, nominally in [-1, 1], and their labels.

        A sample depends on the seed and its index alone, whatever else is drawn with it.
        """


class TrainingNeeds(NamedTuple):
    """What a training needs.

    Attributes:
        rows: fewest that it can train on.
        workers: of Ray Train; 1 trains inside the worker that does the step.
        max_failures: how many lost ones of several workers are survived.
        previous: whether it goes on from the weights of the iteration before.
    """

    rows: int = 1
    workers: int = 1
    max_failures: int = 0
    previous: bool = False


class TrainedFamily(Family):
    """A family with a train step, which stores the checkpoint that is sampled."""

    @property
    def needs(self) -> TrainingNeeds:
        """What its trainings need."""
        return TrainingNeeds()

    def rows_visited(self, rows: int) -> int:
        """Return how many rows a training on so many goes through; 0 where that is not known."""
        return 0

    @abstractmethod
    def train(self, data: TrainingSet, seed: int, conduct: Conduct) -> Any:
        """Return the fitted model; None on all but the first of several workers."""

    @abstractmethod
    def save(self, model: Any, folder: Path) -> None:
        """Write the model as safetensors and JSON."""
