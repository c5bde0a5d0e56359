"""DDPM: Ho, Jain, Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, model_validator

from actors.generators.denoiser import Denoiser, DenoiserSampling
from actors.generators.networks import Predict
from actors.generators.unet import UNet

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
    diffusion_steps: int = Field(1000, ge=2, description="noise levels trained on")
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

        # the published range is that of 1,000 steps; fewer steps add more noise each, so that all
        # end in noise (Nichol and Dhariwal, ICML 2021)
        scale = 1000 / self.diffusion_steps
        return DDPMScheduler(
            num_train_timesteps=self.diffusion_steps,
            beta_start=scale * 1e-4,
            beta_end=min(scale * 0.02, 0.999),
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

    def times(self) -> torch.Tensor:
        """Return the noise levels that the sampler visits, (steps,) int64, falling.

        They begin at the last level, which is noise, as Lin et al., WACV 2024, section 3.4 ask for.
        """
        steps = self.sampling.steps
        spaced = torch.arange(steps, 0, -1, dtype=torch.float64) * self.diffusion_steps / steps
        return spaced.round().long() - 1

    def generate(self, predict: Predict, noise: Callable[[int], torch.Tensor]) -> torch.Tensor:
        """Denoise from pure noise.

        `ddim`: Song, Meng, Ermon, ICLR 2021, equation 12; `ddpm` is the same with eta = 1, over all
        steps the sampler of Ho et al. 2020; `dpm_solver++`: Lu et al. 2022, algorithm 2.
        """
        images = noise(0)
        if self.sampling.sampler == "dpm_solver++":
            return self._dpm_solver(predict, images)
        # diffusers' DDIMScheduler goes back by T // steps, which is not where the next time is
        eta = float(self.sampling.sampler == "ddpm")
        times = self.times()
        kept = self.scheduler.alphas_cumprod.double()[times].tolist()
        for draw, (time, now, after) in enumerate(
            zip(times.to(images.device), kept, [*kept[1:], 1.0], strict=True), start=1
        ):
            clean = self._clean(predict(images, time), images, now)
            # the noise that belongs to the clipped image, as in the DDPM sampler
            estimated = (images - now**0.5 * clean) / (1 - now) ** 0.5
            # equation 16
            spread = eta * ((1 - after) / (1 - now) * (1 - now / after)) ** 0.5
            images = after**0.5 * clean + max(1 - after - spread**2, 0) ** 0.5 * estimated
            if spread:
                images = images + spread * noise(draw)
        return images

    def _clean(self, predicted: torch.Tensor, noisy: torch.Tensor, kept: float) -> torch.Tensor:
        """Return the image that a prediction stands for, clipped to [-1, 1]."""
        if self.target == "epsilon":
            clean = (noisy - (1 - kept) ** 0.5 * predicted) / kept**0.5
        elif self.target == "v":
            clean = kept**0.5 * noisy - (1 - kept) ** 0.5 * predicted
        else:
            clean = predicted
        return clean.clamp(-1, 1)

    def _dpm_solver(self, predict: Predict, images: torch.Tensor) -> torch.Tensor:
        from diffusers import DPMSolverMultistepScheduler

        scheduler = DPMSolverMultistepScheduler.from_config(
            self.scheduler.config, timestep_spacing="trailing", algorithm_type="dpmsolver++"
        )
        scheduler.set_timesteps(self.sampling.steps, device=images.device)
        # else it looks the first step up, for which a GPU has to be waited for
        scheduler.set_begin_index(0)
        for time in scheduler.timesteps:
            images = scheduler.step(predict(images, time), time, images).prev_sample
        return images

    def save(self, model: Any, folder: Path) -> None:
        """Write a checkpoint; that of a U-Net is opened by `DDPMPipeline.from_pretrained`."""
        if not isinstance(self.network, UNet):
            super().save(model, folder)
            return
        from diffusers import DDPMPipeline

        DDPMPipeline(unet=model, scheduler=self.scheduler).save_pretrained(folder)
