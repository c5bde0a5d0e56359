"""The residual network of whole images: what it is called with, keeps and learns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from actors.generators import GENERATORS, networks
from actors.generators.family import Conduct, Draw, TrainingSet
from actors.generators.mlp import MLP

CPU = torch.device("cpu")


def family(kind: str, **fields: Any) -> Any:
    return GENERATORS[kind].model_validate({"kind": kind, "network": {"kind": "mlp"}, **fields})


def test_a_prediction_depends_on_its_image_time_and_label_alone() -> None:
    torch.manual_seed(0)
    network = MLP(kind="mlp", width=32).build((4, 6, 3), classes=2)
    for layer in network.layers:  # at first they add nothing
        torch.nn.init.normal_(layer.contract.weight)
    images, times, labels = torch.randn(3, 3, 4, 6), torch.arange(3.0), torch.tensor([0, 1, 2])
    with torch.no_grad():
        (together,) = network(images, times, labels)
        alone = [network(images[n : n + 1], times[n], labels[n : n + 1])[0] for n in range(3)]
        (later,) = network(images, times + 1, labels)
        (other,) = network(images, times, labels.flip(0))
    assert together.shape == images.shape
    torch.testing.assert_close(together, torch.cat(alone))
    assert not torch.allclose(together, later)
    assert not torch.allclose(together[0], other[0])


@pytest.mark.parametrize("kind", ["ddpm", "edm", "flow"])
def test_a_stored_network_is_the_one_that_was_trained(kind: str, tmp_path: Path) -> None:
    model = family(kind, labels=True, sampling={"steps": 4, "guidance_scale": 2})
    torch.manual_seed(1)
    network = model.network.build((8, 8, 1), classes=10).eval()
    model.save(network, tmp_path)
    draw = Draw(3, torch.arange(5), (8, 8, 1), classes=10)
    with torch.no_grad():
        expected, _ = model.sample(network, draw)
        found, labels = model.sample(model.load(tmp_path, CPU), draw)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert labels is not None
    assert labels.tolist() == [0, 1, 2, 3, 4]
    assert networks.fingerprint(networks.load(tmp_path)) == networks.fingerprint(network)


def test_it_learns_a_known_gaussian() -> None:
    rng = np.random.default_rng(0)
    mean, deviation = np.array([60.0, 180.0]), np.array([[30.0, 0.0], [20.0, 10.0]])
    pixels = (mean + rng.normal(size=(4000, 2)) @ deviation.T).round().clip(0, 255)
    images = pixels.astype(np.uint8).reshape(-1, 1, 2, 1)
    training = {"steps": 600, "batch_size": 256, "learning_rate": 3e-3, "warmup_steps": 20}
    model = family("edm", network={"kind": "mlp", "width": 64, "blocks": 2}, training=training)
    data = TrainingSet(lambda rows: images[rows], len(images), (1, 2, 1))
    network = model.train(data, 0, Conduct(CPU))
    with torch.no_grad():
        samples, _ = model.sample(network, Draw(0, torch.arange(4000), (1, 2, 1)))
    found = (samples.reshape(-1, 2).double().numpy() + 1) * 127.5
    np.testing.assert_allclose(found.mean(axis=0), mean, atol=3)
    np.testing.assert_allclose(np.cov(found.T), deviation @ deviation.T, rtol=0.1, atol=60)
