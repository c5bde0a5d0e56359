import pytest
import torch
from torch._dynamo.utils import counters

from actors.generators.networks import UNet, compiled


def programs() -> int:
    """Return how many programs torch's compiler has made in this process."""
    return int(counters["stats"]["unique_graphs"])


def test_a_process_compiles_more_networks_than_torch_would_keep_by_itself() -> None:
    before = programs()
    for layers in range(1, 11):
        network = torch.nn.Sequential(*(torch.nn.Linear(3, 3) for _ in range(layers)))
        images = torch.ones(2, 3)
        torch.testing.assert_close(compiled(network)(images), network(images))
    assert programs() == before + 10


# compiles C++ for a minute
@pytest.mark.soak
def test_what_was_compiled_of_a_network_serves_those_of_equal_build() -> None:
    images, time = torch.randn(16, 1, 8, 8), torch.arange(16)
    made = []
    for seed in range(3):
        torch.manual_seed(seed)
        network = UNet().build((8, 8, 1)).train()
        found = compiled(network)(images, time, return_dict=False)[0]
        found.square().mean().backward()
        torch.testing.assert_close(found, network(images, time, return_dict=False)[0])
        made.append(programs())
    assert made[0] == made[1] == made[2] > 0
