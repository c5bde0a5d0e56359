"""The settings of a training."""

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator

from actors.config import Config
from actors.generators.networks import Precision

# of a training that says nothing
STEPS = 500


class Training(Config):
    """Optimisation: AdamW, schedule with warm-up, gradient clipping, weight average."""

    # fields that change at most the rounding of the result
    EXECUTION: ClassVar[frozenset[str]] = frozenset(
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
    learning_rate: float = Field(1e-3, gt=0, description="of AdamW, after the warm-up")
    betas: tuple[float, float] = Field((0.95, 0.999), description="of AdamW")
    weight_decay: float = Field(1e-6, ge=0, description="of AdamW")
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="of the learning rate after the warm-up"
    )
    warmup_steps: int = Field(50, ge=0, description="steps in which the learning rate rises")
    gradient_clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema_decay: float = Field(0.995, ge=0, lt=1, description="decay of the weight average; 0: none")
    label_dropout: float = Field(
        0.1, ge=0, lt=1, description="share of rows trained without their label (conditional)"
    )
    init: Literal["scratch", "previous"] = Field(
        "scratch", description="fresh weights, or those of the iteration before"
    )
    precision: Precision = Field("float32", description="of the network's arithmetic")
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

    @property
    def layout(self) -> torch.memory_format:
        """Memory layout of the network and of its images, in training and in sampling."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def steps_for(self, rows: int) -> int:
        """Return the optimiser steps of a training on so many rows."""
        if self.epochs is None:
            return self.steps or STEPS
        return math.ceil(self.epochs * rows / self.batch_size)
