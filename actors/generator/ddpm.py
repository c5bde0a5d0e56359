"""DDPM: Ho, Jain, Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020."""

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, model_validator

from actors.generator.family import Family, Noise, Sampling


class DDPMSampling(Sampling):
    """DDIM steps; `eta: 1` with as many steps as were trained is the ancestral DDPM sampler."""

    eta: float = Field(0.0, ge=0, le=1, description="share of fresh noise in each step")


class DDPM(Family):
    """Noise prediction on a linear beta schedule."""

    kind: Literal["ddpm"]
    diffusion_steps: int = Field(1000, ge=1, description="noise levels trained on")
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

        return DDPMScheduler(num_train_timesteps=self.diffusion_steps)

    def loss(
        self, network: Any, images: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """Mean squared error of the predicted noise (Ho et al. 2020, equation 14)."""
        time = (level * self.diffusion_steps).long()
        noisy = self.scheduler.add_noise(images, noise, time)
        return (network(noisy, time).sample - noise).square().mean()

    def sample(self, network: Any, noise: Noise) -> torch.Tensor:
        """Denoise from pure noise (Song, Meng, Ermon, "DDIM", ICLR 2021, equation 12)."""
        from diffusers import DDIMScheduler

        scheduler = DDIMScheduler.from_config(self.scheduler.config, timestep_spacing="trailing")
        images = noise(0)
        scheduler.set_timesteps(self.sampling.steps, device=images.device)
        for draw, time in enumerate(scheduler.timesteps, start=1):
            predicted = network(images, time).sample
            fresh = noise(draw) if self.sampling.eta else None
            images = scheduler.step(
                predicted,
                time,
                images,
                eta=self.sampling.eta,
                variance_noise=fresh,
                # the noise that belongs to the clipped image, as in the DDPM sampler
                use_clipped_model_output=True,
            ).prev_sample
        return images

    def save(self, network: Any, folder: Path) -> None:
        """Write a checkpoint that `DDPMPipeline.from_pretrained` opens."""
        from diffusers import DDPMPipeline

        DDPMPipeline(unet=network, scheduler=self.scheduler).save_pretrained(folder)
