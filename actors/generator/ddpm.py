"""DDPM: Ho, Jain, Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, model_validator

from actors.generator.denoiser import Denoiser, DenoiserSampling, Predict

# what the network predicts, in diffusers' words
PREDICTION_TYPES = {"epsilon": "epsilon", "x0": "sample", "v": "v_prediction"}


class DDPMSampling(DenoiserSampling):
    """Steps of one of three samplers."""

    sampler: Literal["ddpm", "ddim", "dpm_solver++"] = Field(
        "ddim", description="ancestral; deterministic; deterministic of second order"
    )


class DDPM(Denoiser):
    """Prediction of the noise, the image or the velocity on a linear beta schedule."""

    kind: Literal["ddpm"]
    diffusion_steps: int = Field(1000, ge=1, description="noise levels trained on")
    target: Literal["epsilon", "x0", "v"] = Field("epsilon", description="what is predicted")
    sampling: DDPMSampling = DDPMSampling()

    @model_validator(mode="after")
    def _steps(self) -> "DDPM":
        given = "sampling" in self.model_fields_set  # a train step does not carry it
        if given and self.sampling.steps > self.diffusion_steps:
            raise ValueError(
                f"sampling.steps {self.sampling.steps} is more than "
                f"diffusion_steps {self.diffusion_steps}"
            )
        return self

    @cached_property
    def scheduler(self) -> Any:
        """The diffusers schedule that the network is trained on."""
        from diffusers import DDPMScheduler  # here and below: costs two seconds

        return DDPMScheduler(
            num_train_timesteps=self.diffusion_steps,
            prediction_type=PREDICTION_TYPES[self.target],
        )

    def loss(
        self, predict: Predict, images: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """Mean squared error of the prediction (Ho et al. 2020, equation 14).

        The velocity is that of Salimans and Ho, "Progressive distillation", ICLR 2022, section 4.
        """
        time = (level * self.diffusion_steps).long()
        noisy = self.scheduler.add_noise(images, noise, time)
        if self.target == "v":
            wanted = self.scheduler.get_velocity(images, noise, time)
        else:
            wanted = noise if self.target == "epsilon" else images
        return (predict(noisy, time) - wanted).square().mean()

    def generate(self, predict: Predict, noise: Callable[[int], torch.Tensor]) -> torch.Tensor:
        """Denoise from pure noise.

        `ddim`: Song, Meng, Ermon, ICLR 2021, equation 12; `ddpm` is the same with eta = 1, over all
        steps the sampler of Ho et al. 2020; `dpm_solver++`: Lu et al. 2022, algorithm 2.
        """
        images = noise(0)
        if self.sampling.sampler == "dpm_solver++":
            return self._dpm_solver(predict, images)
        from diffusers import DDIMScheduler

        scheduler = DDIMScheduler.from_config(self.scheduler.config, timestep_spacing="trailing")
        scheduler.set_timesteps(self.sampling.steps, device=images.device)
        ancestral = self.sampling.sampler == "ddpm"
        for draw, time in enumerate(scheduler.timesteps, start=1):
            images = scheduler.step(
                predict(images, time),
                time,
                images,
                eta=float(ancestral),
                variance_noise=noise(draw) if ancestral else None,
                # the noise that belongs to the clipped image, as in the DDPM sampler
                use_clipped_model_output=True,
            ).prev_sample
        return images

    def _dpm_solver(self, predict: Predict, images: torch.Tensor) -> torch.Tensor:
        from diffusers import DPMSolverMultistepScheduler

        scheduler = DPMSolverMultistepScheduler.from_config(
            self.scheduler.config, timestep_spacing="trailing", algorithm_type="dpmsolver++"
        )
        scheduler.set_timesteps(self.sampling.steps, device=images.device)
        for time in scheduler.timesteps:
            images = scheduler.step(predict(images, time), time, images).prev_sample
        return images

    def save(self, model: Any, folder: Path) -> None:
        """Write a checkpoint that `DDPMPipeline.from_pretrained` opens."""
        from diffusers import DDPMPipeline

        DDPMPipeline(unet=model, scheduler=self.scheduler).save_pretrained(folder)
