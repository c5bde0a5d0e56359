from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler

from actors.generator import GENERATORS
from actors.generator.denoiser import predictor
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
        scheduler = DDPMScheduler(num_train_timesteps=20)
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
    indices = torch.arange(4000)
    samples = model.generate(
        gaussian(model, 0.2, 0.3), lambda draw: sample_noise(0, indices, (1, 2, 2), draw)
    )
    assert samples.mean().item() == pytest.approx(0.2, abs=0.02)
    assert samples.std().item() == pytest.approx(0.3, rel=0.03)


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
