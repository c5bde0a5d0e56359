"""Rectified flow: Liu, Gong, Liu, "Flow straight and fast", ICLR 2023; the same as conditional flow
matching on straight paths: Lipman et al., "Flow matching for generative modeling", ICLR 2023."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field

from actors.generators.denoiser import Denoiser, DenoiserSampling
from actors.generators.networks import Predict

# the network's time is that of diffusers' flow pipelines: 0 for images to 1000 for noise
TIMES = 1000


class FlowSampling(DenoiserSampling):
    """Euler steps, spread evenly or shifted toward the noise."""

    shift: float = Field(
        1.0, gt=0, description="more than 1 takes smaller steps near the noise, less near the image"
    )


class Flow(Denoiser):
    """Prediction of the velocity from image to noise along straight lines."""

    kind: Literal["flow"]
    sampling: FlowSampling = FlowSampling()

    def loss(
        self, predict: Predict, images: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """Mean squared error of the velocity (Liu et al. 2023, equation 1; t = 1 is noise here)."""
        t = level.reshape(-1, 1, 1, 1)
        noisy = (1 - t) * images + t * noise
        return (predict(noisy, level * TIMES) - (noise - images)).square().mean()

    @property
    def scheduler(self) -> Any:
        from diffusers import FlowMatchEulerDiscreteScheduler  # costs two seconds

        return FlowMatchEulerDiscreteScheduler(num_train_timesteps=TIMES, shift=self.sampling.shift)

    def generate(self, predict: Predict, noise: Callable[[int], torch.Tensor]) -> torch.Tensor:
        """Follow the velocity from noise to image by Euler's method.

        The shifted times are those of Esser et al., "Scaling rectified flow transformers", ICML
        2024, equation 23.
        """
        images = noise(0)
        steps = self.sampling.steps
        scheduler = self.scheduler  # it keeps state from step to step
        scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps), device=images.device)
        # else it looks the first step up, for which a GPU has to be waited for
        scheduler.set_begin_index(0)
        for time in scheduler.timesteps:
            images = scheduler.step(predict(images, time), time, images).prev_sample
        return images
