import logging
from functools import partial
from typing import Any

import pytest
import torch
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.utils import counters
from torch._inductor import config as inductor

from actors.generators.networks import Compiled
from actors.generators.unet import UNet


def programs() -> int:
    """Return how many programs torch's compiler has made in this process."""
    return int(counters["stats"]["unique_graphs"])


def test_a_process_compiles_more_networks_than_torch_would_keep_by_itself() -> None:
    before = programs()
    for layers in range(1, 11):
        network = torch.nn.Sequential(*(torch.nn.Linear(3, 3) for _ in range(layers)))
        images = torch.ones(2, 3)
        torch.testing.assert_close(Compiled(network)(images), network(images))
    assert programs() == before + 10


def refuses(graph: Any, inputs: Any) -> Any:
    raise NotImplementedError("no such operator\nhere")


def passes(graph: Any, inputs: Any) -> Any:
    return graph


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (None, "no_such_compiler"),
        (aot_autograd(fw_compiler=refuses), "no such operator here"),
        (aot_autograd(fw_compiler=passes, bw_compiler=refuses), "no such operator here"),
    ],
    ids=["no C++ compiler", "forward", "backward"],
)
def test_a_network_that_torch_cannot_compile_learns_as_it_is_and_that_is_said_once(
    backend: Any, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if backend:
        monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    torch._dynamo.reset()
    layer = torch.nn.Linear(3, 5)
    plain = torch.nn.Sequential(layer, torch.nn.Tanh())
    network, images = Compiled(plain), torch.randn(2, 3)
    without = inductor.patch({"cpp.cxx": ("no_such_compiler",)})
    with without, caplog.at_level(logging.WARNING, "ouroboros"):
        for _ in range(2):
            plain.zero_grad()
            network(images).sum().backward()
            gradient = layer.weight.grad
            plain.zero_grad()
            plain(images).sum().backward()
            assert gradient is not None
            assert layer.weight.grad is not None
            assert torch.equal(gradient, layer.weight.grad)
    (line,) = [r.getMessage() for r in caplog.records if r.name == "ouroboros"]
    assert line.startswith("compile: torch cannot compile the network here, so it is not: ")
    assert said in line
    assert "\n" not in line


# compiles C++ for a minute
@pytest.mark.soak
def test_what_was_compiled_of_a_network_serves_those_of_equal_build() -> None:
    images, time = torch.randn(16, 1, 8, 8), torch.arange(16)
    made = []
    for seed in range(3):
        torch.manual_seed(seed)
        network = UNet().build((8, 8, 1)).train()
        found = Compiled(network)(images, time, return_dict=False)[0]
        found.square().mean().backward()
        torch.testing.assert_close(found, network(images, time, return_dict=False)[0])
        made.append(programs())
    assert made[0] == made[1] == made[2] > 0
