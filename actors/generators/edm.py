"""EDM: Karras, Aittala, Aila, Laine, "Elucidating the design space of diffusion-based generative
models", NeurIPS 2022. Symbols and equation numbers are the paper's."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from pydantic import Field, model_validator

from actors.generators.denoiser import Denoiser
from actors.generators.networks import Predict


class EDM(Denoiser):
    """Preconditioned denoiser, log-normal training noise, deterministic Heun sampler."""

    kind: Literal["edm"]
    sigma_data: float = Field(
        0.5, gt=0, description="data's deviation that the preconditioning assumes; 0.5 as published"
    )
    sigma_min: float = Field(0.002, gt=0, description="smallest noise level that is sampled")
    sigma_max: float = Field(80.0, gt=0, description="noise level that sampling begins at")
    rho: float = Field(7.0, gt=0, description="how much denser the levels are near the end")
    p_mean: float = Field(-1.2, description="mean of ln sigma in training")
    p_std: float = Field(1.2, gt=0, description="standard deviation of ln sigma in training")

    @model_validator(mode="after")
    def _range(self) -> "EDM":
        if self.sigma_min >= self.sigma_max:
            raise ValueError(
                f"sigma_min {self.sigma_min} must be smaller than sigma_max {self.sigma_max}"
            )
        return self

    @property
    def scheduler(self) -> Any:
        from diffusers import EDMEulerScheduler  # costs two seconds

        fields = {"sigma_min", "sigma_max", "sigma_data", "rho"}
        return EDMEulerScheduler(**self.model_dump(include=fields))

    def denoise(self, predict: Predict, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """D(x; sigma), equation 7, with the coefficients of table 1; sigma is (n,)."""
        s = sigma.reshape(-1, 1, 1, 1)
        total = s**2 + self.sigma_data**2
        c_skip = self.sigma_data**2 / total
        c_out = s * self.sigma_data / total.sqrt()
        c_in = 1 / total.sqrt()
        c_noise = sigma.log() / 4
        return c_skip * x + c_out * predict(c_in * x, c_noise)

    def loss(
        self, predict: Predict, images: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """Equation 2 with the weight lambda(sigma) and the noise levels of table 1."""
        standard = torch.special.ndtri(level.clamp(1e-6, 1 - 1e-6))
        sigma = (self.p_mean + self.p_std * standard).exp()
        weight = (sigma**2 + self.sigma_data**2) / (sigma * self.sigma_data) ** 2
        noisy = images + noise * sigma.reshape(-1, 1, 1, 1)
        error = (self.denoise(predict, noisy, sigma) - images).square().mean(dim=(1, 2, 3))
        return (weight * error).mean()

    def sigmas(self) -> torch.Tensor:
        """Noise levels of the sampler, equation 5 and a final 0; (steps + 1,) float64."""
        ramp = torch.linspace(0, 1, self.sampling.steps, dtype=torch.float64)
        high, low = self.sigma_max ** (1 / self.rho), self.sigma_min ** (1 / self.rho)
        return torch.cat(((high + ramp * (low - high)) ** self.rho, torch.zeros(1).double()))

    def generate(self, predict: Predict, noise: Callable[[int], torch.Tensor]) -> torch.Tensor:
        """Algorithm 1: Heun's second-order method, in float64 as in the paper's code."""
        start = noise(0)
        sigmas = self.sigmas()

        def slope(x: torch.Tensor, sigma: float) -> torch.Tensor:
            levels = torch.full((len(x),), sigma, device=x.device)
            return (x - self.denoise(predict, x.float(), levels).double()) / sigma

        x = start.double() * sigmas[0]
        for now, after in zip(sigmas[:-1].tolist(), sigmas[1:].tolist(), strict=True):
            d = slope(x, now)
            euler = x + (after - now) * d
            x = euler if after == 0 else x + (after - now) * (d + slope(euler, after)) / 2
        return x.float()
