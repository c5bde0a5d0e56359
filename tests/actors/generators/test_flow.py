import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UNet2DModel

from actors.generators import GENERATORS
from actors.generators.networks import Predict, predictor
from actors.seeds import sample_noise


def family(**fields: Any) -> Any:
    return GENERATORS["flow"].model_validate({"kind": "flow", **fields})


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_samples_are_those_of_the_loop_that_diffusers_pipelines_run(shift: float) -> None:
    model = family(sampling={"steps": 7, "shift": shift})
    torch.manual_seed(0)
    network = model.network.build((8, 8, 1)).eval()
    start = torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        ours = model.generate(predictor(network), lambda draw: start)
        scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / 7, 7))
        theirs = start
        for time in scheduler.timesteps:
            velocity = network(theirs, time.expand(3)).sample
            theirs = scheduler.step(velocity, time, theirs, return_dict=False)[0]
    torch.testing.assert_close(ours, theirs)


def test_loss_of_a_network_that_knows_the_velocity_is_zero_and_off_by_one_it_is_one() -> None:
    model = family()
    images, noise = torch.rand(2, 4, 1, 8, 8)
    level = torch.tensor([0.01, 0.3, 0.6, 0.999])

    def oracle(noisy: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        # x_t = x_0 + t v, whatever the noise was
        return (noisy - images) / (time / 1000).reshape(-1, 1, 1, 1)

    assert model.loss(oracle, images, noise, level).item() < 1e-6
    off = model.loss(lambda x, time: oracle(x, time) + 1, images, noise, level)
    assert off.item() == pytest.approx(1, rel=1e-3)


def gaussian(mean: float, std: float) -> Predict:
    """Return what a perfect network would predict for data that is N(mean, std^2)."""

    def velocity(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        # E[noise - x_0 | x_t], by regression on x_t
        t = time / 1000
        variance = (1 - t) ** 2 * std**2 + t**2
        return (t - (1 - t) * std**2) / variance * (x - (1 - t) * mean) - mean

    return velocity


@pytest.mark.parametrize("shift", [1.0, 2.0])
@pytest.mark.parametrize(("mean", "std"), [(0.3, 0.1), (-0.2, 0.5)])
def test_the_sampler_reproduces_the_moments_of_a_known_gaussian(
    mean: float, std: float, shift: float
) -> None:
    model = family(sampling={"steps": 200, "shift": shift})
    indices = torch.arange(4000)
    samples = model.generate(
        gaussian(mean, std), lambda draw: sample_noise(0, indices, (1, 2, 2), draw)
    )
    assert samples.mean().item() == pytest.approx(mean, abs=0.02)
    assert math.log(samples.std().item() / std) == pytest.approx(0, abs=0.05)


def spread_by_euler(steps: int, shift: float, std: float) -> float:
    """Return the deviation that Euler's method ends with: each step is linear in the image."""
    even = np.linspace(1, 0, steps + 1)
    times = shift * even / (1 + (shift - 1) * even)
    slopes = (times - (1 - times) * std**2) / ((1 - times) ** 2 * std**2 + times**2)
    return float(np.prod(1 + np.diff(times) * slopes[:-1]))


@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 33, 501])
def test_the_spread_is_that_of_euler_s_method_for_any_number_of_steps(
    steps: int, shift: float
) -> None:
    model = family(sampling={"steps": steps, "shift": shift})
    indices = torch.arange(1000)
    samples = model.generate(
        gaussian(0.1, 0.35), lambda draw: sample_noise(0, indices, (1, 2, 2), draw)
    )
    expected = abs(spread_by_euler(steps, shift, 0.35))
    assert samples.std().item() == pytest.approx(expected, rel=0.05, abs=1e-6)


def test_a_checkpoint_is_opened_by_diffusers(tmp_path: Path) -> None:
    model = family()
    network = model.network.build((8, 8, 1))
    model.save(network, tmp_path)
    opened = UNet2DModel.from_pretrained(tmp_path / "unet", use_safetensors=True)
    for ours, theirs in zip(network.parameters(), opened.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(tmp_path / "scheduler")
    assert scheduler.config.num_train_timesteps == 1000
    assert {f.suffix for f in tmp_path.rglob("*") if f.is_file()} == {".json", ".safetensors"}
