from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMPipeline, DDPMScheduler

from actors.generator import GENERATORS
from actors.seeds import sample_noise


def family(**fields: Any) -> Any:
    return GENERATORS["ddpm"].model_validate({"kind": "ddpm", **fields})


def test_sampling_with_eta_one_over_all_steps_is_diffusers_ddpm_sampler() -> None:
    model = family(diffusion_steps=20, sampling={"steps": 20, "eta": 1})
    torch.manual_seed(0)
    network = model.network.build((8, 8, 1)).eval()
    indices = torch.arange(3)

    def noise(draw: int) -> torch.Tensor:
        return sample_noise(1, indices, (1, 8, 8), draw)

    with torch.no_grad():
        ours = model.sample(network, noise)
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


def test_loss_of_a_network_that_knows_the_noise_is_zero() -> None:
    model = family()
    images, noise = torch.rand(2, 4, 1, 8, 8)

    class Oracle:
        def __call__(self, noisy: torch.Tensor, time: torch.Tensor) -> Any:
            scale = model.scheduler.alphas_cumprod[time].reshape(-1, 1, 1, 1)
            found = (noisy - scale.sqrt() * images) / (1 - scale).sqrt()
            return type("Output", (), {"sample": found})

    loss = model.loss(Oracle(), images, noise, torch.tensor([0.0, 0.3, 0.6, 0.999]))
    assert loss.item() < 1e-6


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
