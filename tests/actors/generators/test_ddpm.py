from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler

from actors.generators import GENERATORS
from actors.generators.networks import predictor
from actors.seeds import sample_noise


def family(**fields: Any) -> Any:
    return GENERATORS["ddpm"].model_validate({"kind": "ddpm", **fields})


def test_ancestral_sampling_over_all_steps_is_diffusers_ddpm_sampler() -> None:
    model = family(diffusion_steps=20, sampling={"steps": 20, "sampler": "ddpm"})
    torch.manual_seed(0)
    network = model.network.build((8, 8, 1)).eval()
    indices = torch.arange(3)

    def noise(draw: int) -> torch.Tensor:
        return sample_noise(1, indices, (1, 8, 8), draw)

    with torch.no_grad():
        ours = model.generate(predictor(network), noise)
        scheduler = DDPMScheduler.from_config(model.scheduler.config)
        scheduler.set_timesteps(20)
        theirs = noise(0)
        for draw, time in enumerate(scheduler.timesteps, start=1):
            output = scheduler.step(network(theirs, time).sample, time, theirs)
            # the scheduler draws its own noise: keep its mean, add ours
            clean = output.pred_original_sample
            previous = scheduler.alphas_cumprod[time - 1] if time > 0 else torch.tensor(1.0)
            now = scheduler.alphas_cumprod[time]
            current = now / previous
            mean = (previous.sqrt() * (1 - current) * clean) / (1 - now) + (
                current.sqrt() * (1 - previous) * theirs
            ) / (1 - now)
            spread = ((1 - previous) / (1 - now) * (1 - current)).sqrt()
            theirs = mean + spread * noise(draw) if time > 0 else mean
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("target", ["epsilon", "x0", "v"])
def test_loss_of_a_network_that_knows_the_target_is_zero(target: str) -> None:
    model = family(target=target)
    images, noise = torch.rand(2, 4, 1, 8, 8)

    def oracle(noisy: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        kept = model.scheduler.alphas_cumprod[time].reshape(-1, 1, 1, 1)
        found = (noisy - kept.sqrt() * images) / (1 - kept).sqrt()
        velocity = kept.sqrt() * found - (1 - kept).sqrt() * images
        return {"epsilon": found, "x0": images, "v": velocity}[target]

    loss = model.loss(oracle, images, noise, torch.tensor([0.0, 0.3, 0.6, 0.999]))
    assert loss.item() < 1e-6


def gaussian(model: Any, mean: float, std: float) -> Any:
    """Return what a perfect network would predict for data that is N(mean, std^2)."""

    def predict(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        kept = model.scheduler.alphas_cumprod[time]
        total = kept * std**2 + 1 - kept
        found = (1 - kept).sqrt() * (x - kept.sqrt() * mean) / total
        clean = (x - (1 - kept).sqrt() * found) / kept.sqrt()
        velocity = kept.sqrt() * found - (1 - kept).sqrt() * clean
        return {"epsilon": found, "x0": clean, "v": velocity}[model.target]

    return predict


SAMPLERS = [("ddim", 250), ("ddpm", 1000), ("dpm_solver++", 40)]


@pytest.mark.parametrize("target", ["epsilon", "x0", "v"])
@pytest.mark.parametrize(("sampler", "steps"), SAMPLERS)
def test_every_sampler_reproduces_the_moments_of_a_known_gaussian(
    sampler: str, steps: int, target: str
) -> None:
    model = family(target=target, sampling={"steps": steps, "sampler": sampler})
    indices = torch.arange(2000)
    samples = model.generate(
        gaussian(model, 0.2, 0.3), lambda draw: sample_noise(0, indices, (1, 2, 2), draw)
    )
    assert samples.mean().item() == pytest.approx(0.2, abs=0.02)
    assert samples.std().item() == pytest.approx(0.3, rel=0.03)


def betas(levels: int) -> np.ndarray:
    """Return the linear schedule of Ho et al. with the range that so many levels need."""
    return np.linspace(0.1 / levels, min(20 / levels, 0.999), levels)


def spread_by_equation_12(levels: int, steps: int, std: float, eta: float) -> float:
    """Return the deviation that samples of N(mean, std^2) end with, by the update's variance.

    With a perfect network each step is linear in the image: variances follow in closed form.
    """
    kept = np.cumprod(1 - betas(levels))
    times = np.round(levels * np.arange(steps, 0, -1) / steps).astype(int) - 1
    now = kept[times]
    variance = 1.0
    for a, b in zip(now, [*now[1:], 1.0], strict=True):
        sigma2 = eta**2 * (1 - b) / (1 - a) * (1 - a / b)
        # of the predicted image and the predicted noise per unit of the noisy image
        clean = np.sqrt(a) * std**2 / (a * std**2 + 1 - a)
        noise = (1 - np.sqrt(a) * clean) / np.sqrt(1 - a)
        variance *= (np.sqrt(b) * clean + np.sqrt(max(1 - b - sigma2, 0)) * noise) ** 2
        variance += sigma2
    return float(np.sqrt(variance))


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
@pytest.mark.parametrize(
    ("levels", "steps"),
    [
        *((1000, n) for n in (3, 50, 400, 501, 999)),
        *((levels, n) for levels in (20, 100, 4000) for n in (13, 20)),
    ],
)
def test_the_spread_is_that_of_equation_12_for_any_number_of_steps(
    levels: int, steps: int, sampler: str
) -> None:
    model = family(diffusion_steps=levels, sampling={"steps": steps, "sampler": sampler})
    indices = torch.arange(1000)
    samples = model.generate(
        gaussian(model, 0.1, 0.35), lambda draw: sample_noise(0, indices, (1, 2, 2), draw)
    )
    expected = spread_by_equation_12(levels, steps, 0.35, float(sampler == "ddpm"))
    assert samples.std().item() == pytest.approx(expected, rel=0.05)


def spread_by_dpm_solver(steps: int, std: float) -> float:
    """Return the deviation that algorithm 2 of Lu et al. 2022 ends with, 1,000 levels."""
    kept = np.cumprod(1 - betas(1000))
    a = kept[np.round(1000 * np.arange(steps, 0, -1) / steps).astype(int) - 1]
    alpha, sigma = np.sqrt(a), np.sqrt(1 - a)
    # deviation of the predicted image per unit of deviation of the noisy one
    clean = alpha * std**2 / (a * std**2 + 1 - a)
    log_snr = np.log(alpha / sigma)
    spread = np.ones(steps)
    for i in range(1, steps):
        h = log_snr[i] - log_snr[i - 1]
        predicted = clean[i - 1] * spread[i - 1]
        if i > 1:
            r = (log_snr[i - 1] - log_snr[i - 2]) / h
            predicted += (predicted - clean[i - 2] * spread[i - 2]) / (2 * r)
        kept_noise = sigma[i] / sigma[i - 1] * spread[i - 1]
        spread[i] = kept_noise - alpha[i] * np.expm1(-h) * predicted
    return float(clean[-1] * spread[-1])  # the last step goes to the predicted image


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 14, 15, 33, 501, 1000])
def test_the_spread_of_dpm_solver_is_that_of_its_algorithm_for_any_number_of_steps(
    steps: int,
) -> None:
    model = family(sampling={"steps": steps, "sampler": "dpm_solver++"})
    indices = torch.arange(1000)
    samples = model.generate(
        gaussian(model, 0.1, 0.35), lambda draw: sample_noise(0, indices, (1, 2, 2), draw)
    )
    assert samples.std().item() == pytest.approx(spread_by_dpm_solver(steps, 0.35), rel=0.05)


@pytest.mark.parametrize("levels", [2, 10, 100, 350, 1000, 4000])
def test_every_number_of_levels_ends_in_noise(levels: int) -> None:
    scheduler = family(diffusion_steps=levels, sampling={"steps": 2}).scheduler
    np.testing.assert_allclose(scheduler.betas.numpy(), betas(levels), rtol=1e-5)
    # 0.0064 of the signal is left after the published 1,000
    assert scheduler.alphas_cumprod[-1].sqrt() < 0.05


def test_a_checkpoint_is_safetensors_that_the_stock_pipeline_opens(tmp_path: Path) -> None:
    model = family()
    network = model.network.build((8, 8, 1)).eval()
    model.save(network, tmp_path)
    pipeline = DDPMPipeline.from_pretrained(tmp_path)
    x, time = torch.randn(2, 1, 8, 8), torch.tensor([3, 500])
    with torch.no_grad():
        assert torch.equal(pipeline.unet(x, time).sample, network(x, time).sample)
    names = {file.suffix for file in tmp_path.rglob("*") if file.is_file()}
    assert names == {".json", ".safetensors"}
    images = pipeline(batch_size=1, num_inference_steps=2, output_type="np").images
    assert images.shape == (1, 8, 8, 1)
