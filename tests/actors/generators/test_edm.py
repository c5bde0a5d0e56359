from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EDMEulerScheduler, UNet2DModel

from actors.generators import GENERATORS
from actors.generators.networks import predictor
from actors.seeds import sample_noise


def family(**fields: Any) -> Any:
    return GENERATORS["edm"].model_validate({"kind": "edm", **fields})


def test_preconditioning_and_noise_levels_are_those_of_diffusers() -> None:
    model = family(sigma_data=0.7, sampling={"steps": 12})
    scheduler = EDMEulerScheduler(sigma_data=0.7)
    torch.manual_seed(0)
    network = model.network.build((8, 8, 1)).eval()
    x = torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        for sigma in (0.002, 0.5, 80.0):
            ours = model.denoise(predictor(network), x, torch.full((3,), sigma))
            scaled = scheduler.precondition_inputs(x, sigma)
            output = network(scaled, scheduler.precondition_noise(sigma)).sample
            theirs = scheduler.precondition_outputs(x, output, sigma)
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    scheduler.set_timesteps(12)
    torch.testing.assert_close(model.sigmas().float(), scheduler.sigmas, rtol=1e-4, atol=1e-6)


class GaussianDenoiser:
    """What a perfect network would output for data that is N(mean, std^2), by equation 7."""

    def __init__(self, model: Any, mean: float, std: float) -> None:
        self.model, self.mean, self.std = model, mean, std

    def __call__(self, scaled: torch.Tensor, c_noise: torch.Tensor) -> torch.Tensor:
        sigma = (c_noise * 4).exp().reshape(-1, 1, 1, 1)
        data = self.model.sigma_data
        total = (sigma**2 + data**2).sqrt()
        x = scaled * total
        denoised = (x * self.std**2 + self.mean * sigma**2) / (self.std**2 + sigma**2)
        return (denoised - x * data**2 / total**2) / (sigma * data / total)


@pytest.mark.parametrize(("mean", "std"), [(0.3, 0.1), (-0.2, 0.5)])
def test_the_sampler_reproduces_the_moments_of_a_known_gaussian(mean: float, std: float) -> None:
    model = family(sampling={"steps": 100})
    indices = torch.arange(4000)
    samples = model.generate(
        GaussianDenoiser(model, mean, std), lambda draw: sample_noise(0, indices, (1, 2, 2), draw)
    )
    assert samples.mean().item() == pytest.approx(mean, abs=0.02)
    assert samples.std().item() == pytest.approx(std, rel=0.02)


def spread_by_algorithm_1(steps: int, std: float) -> float:
    """Return the deviation that Heun's method ends with: each step is linear in the image."""
    roots = np.linspace(80 ** (1 / 7), 0.002 ** (1 / 7), steps)
    sigmas = np.append(roots**7, 0)
    slopes = sigmas / (std**2 + sigmas**2)
    spread = sigmas[0]
    for i in range(steps):
        step = sigmas[i + 1] - sigmas[i]
        euler = 1 + step * slopes[i]
        heun = 1 + step * (slopes[i] + slopes[i + 1] * euler) / 2
        spread *= heun if i + 1 < steps else euler
    return float(spread)


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 17, 18, 64, 501])
def test_the_spread_is_that_of_algorithm_1_for_any_number_of_steps(steps: int) -> None:
    model = family(sampling={"steps": steps})
    indices = torch.arange(1000)
    samples = model.generate(
        GaussianDenoiser(model, 0.1, 0.35), lambda draw: sample_noise(0, indices, (1, 2, 2), draw)
    )
    assert samples.std().item() == pytest.approx(spread_by_algorithm_1(steps, 0.35), rel=0.05)


def test_loss_is_one_per_unit_of_network_error_at_every_noise_level() -> None:
    # lambda(sigma) c_out(sigma)^2 = 1: the effective training weight of table 1
    model = family()
    images, noise = torch.rand(2, 5, 1, 4, 4)

    def off(scaled: torch.Tensor, c_noise: torch.Tensor) -> torch.Tensor:
        sigma = (c_noise * 4).exp().reshape(-1, 1, 1, 1)
        data = model.sigma_data
        total = (sigma**2 + data**2).sqrt()
        x = scaled * total
        exact: torch.Tensor = (images - x * data**2 / total**2) / (sigma * data / total)
        return exact + 1

    level = torch.tensor([0.01, 0.3, 0.5, 0.7, 0.99])
    assert model.loss(off, images, noise, level).item() == pytest.approx(1, rel=1e-3)


def test_a_checkpoint_is_opened_by_diffusers(tmp_path: Path) -> None:
    model = family(sigma_data=0.7)
    network = model.network.build((8, 8, 1))
    model.save(network, tmp_path)
    opened = UNet2DModel.from_pretrained(tmp_path / "unet", use_safetensors=True)
    for ours, theirs in zip(network.parameters(), opened.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert EDMEulerScheduler.from_pretrained(tmp_path / "scheduler").config.sigma_data == 0.7
