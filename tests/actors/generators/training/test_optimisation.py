import math

import pytest
import torch
from diffusers.training_utils import EMAModel

from actors.generators.training.optimisation import Optimisation, WeightAverage
from actors.generators.training.settings import Training


def network(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Linear(7, 3)).double()


@pytest.mark.parametrize("decay", [0.3, 0.9, 0.9999])
def test_the_average_of_weights_is_that_of_diffusers(decay: float) -> None:
    moving = network()
    found = WeightAverage(moving, decay)
    expected = EMAModel(moving.parameters(), decay=decay, use_ema_warmup=True)
    for step in range(40):
        with torch.no_grad():
            for weight in moving.parameters():
                weight.add_(math.sin(step) * torch.randn_like(weight))
        found.update()
        expected.step(moving.parameters())
        for ours, theirs in zip(found.weights, expected.shadow_params, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_without_decay_no_average_is_kept() -> None:
    moving = network()
    optimisation = Optimisation(moving, Training(ema_decay=0), 4)
    optimisation.update(moving(torch.ones(2, 5, dtype=torch.float64)).square().mean())
    last = [weight.detach().clone() for weight in moving.parameters()]
    optimisation.take_average()
    assert all(torch.equal(a, b) for a, b in zip(moving.parameters(), last, strict=True))
    assert not [name for name in optimisation.state()[0] if name.startswith("average")]


def test_the_average_is_updated_without_waiting_for_the_device() -> None:
    # tensors of this device have no values that could be waited for
    found = WeightAverage(network().to("meta"), 0.9)
    for _ in range(3):
        found.update()
    assert found.updates == 3
