"""Extractors on a GPU: the features of the CPU, whatever the batch and however little the room."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    pytest.skip("torch finds no GPU", allow_module_level=True)
for package in ("pydantic", "PIL", "joblib"):
    pytest.importorskip(package)

from actors.batches import BatchSize
from actors.features.dinov2 import Dinov2
from actors.features.encoder import Encoder
from actors.features.inception import Inception
from actors.features.network import Loaded

CUDA = torch.device("cuda")
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), np.uint8)


def on_both(extractor: Any, *fitted: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of an extractor on the CPU and on the GPU."""
    one, other = (extractor.model_copy(update={"device": device}) for device in ("cpu", "cuda"))
    return one.extract(IMAGES, one.load(*fitted)), other.extract(IMAGES, other.load(*fitted))


def off(features: np.ndarray, others: np.ndarray) -> float:
    """Return the largest difference between features, by how far they are spread."""
    return float(np.abs(features - others).max() / features.std())


def test_the_encoder_has_the_features_of_the_cpu() -> None:
    extractor = Encoder(steps=20, batch_size=16)
    fitted = extractor.fit(IMAGES, np.arange(64) % 3, 0)
    assert off(*on_both(extractor, fitted)) < 1e-3


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small DINOv2 with random weights."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("dinov2")
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
    model = transformers.Dinov2Model(transformers.Dinov2Config(image_size=224, **sizes))
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def test_dinov2_has_the_features_of_the_cpu_but_for_its_resize(dinov2: Path) -> None:
    # a GPU resizes no bytes: two levels of 255 at most
    assert off(*on_both(Dinov2(weights=str(dinov2)))) < 0.05


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_is_near_the_whole_one(precision: Any, dinov2: Path) -> None:
    whole, half = (
        Dinov2(weights=str(dinov2), device="cuda", precision=one) for one in ("float32", precision)
    )
    features, rounded = (each.extract(IMAGES, each.load()) for each in (whole, half))
    assert 0 < off(features, rounded) < 0.1


def test_inception_has_the_features_of_the_cpu(tmp_path: Path) -> None:
    pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    from safetensors.torch import save_file

    from tests.actors.features.test_inception import random_weights

    save_file(random_weights(), tmp_path / "random.safetensors")
    extractor = Inception(weights=str(tmp_path / "random.safetensors"), batch_size=32)
    assert off(*on_both(extractor)) < 1e-2


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_images_arrive_whole_and_in_order_from_pinned_memory(batch_size: int) -> None:
    model = Loaded(lambda x: x.flatten(1), CUDA, "float32", BatchSize(batch_size, CUDA))
    expected = IMAGES.transpose(0, 3, 1, 2).reshape(64, -1)
    for _ in range(3):
        assert np.array_equal(model.extract(IMAGES), expected)


def test_a_batch_that_the_gpu_has_no_room_for_is_halved() -> None:
    torch.cuda.empty_cache()
    free = torch.cuda.mem_get_info()[0]

    def greedy(images: torch.Tensor) -> torch.Tensor:
        taken = torch.empty(len(images) * (free // 20), dtype=torch.uint8, device=CUDA)
        return images.flatten(1) + taken[:1] * 0

    fits = BatchSize(64, CUDA)
    features = Loaded(greedy, CUDA, "float32", fits).extract(IMAGES)
    assert np.array_equal(features, IMAGES.transpose(0, 3, 1, 2).reshape(64, -1))
    assert fits.value in (16, 8)
