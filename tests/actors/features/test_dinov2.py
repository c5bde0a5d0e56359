import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from actors.errors import UserError
from actors.features import dinov2, network
from actors.features.dinov2 import MEAN, STD, Dinov2, prepare, resize, resize_floats
from actors.features.weights import check

transformers: Any = pytest.importorskip("transformers")

# preprocessor_config.json of facebook/dinov2-small
PROCESSOR = {
    "size": {"shortest_edge": 256},
    "resample": 3,
    "crop_size": {"height": 224, "width": 224},
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "rescale_factor": 1 / 255,
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DINOv2 with random weights and its processor, saved as a real one is."""
    folder = tmp_path_factory.mktemp("dinov2") / "tiny"
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = transformers.Dinov2Model(transformers.Dinov2Config(**shape, image_size=70))
    for name, value in model.named_parameters():
        if name.startswith("layernorm"):
            torch.nn.init.normal_(value)
    model.save_pretrained(folder)
    transformers.BitImageProcessor(**PROCESSOR).save_pretrained(folder)
    return folder


def pictures(height: int, width: int, channels: int = 3, count: int = 5) -> np.ndarray:
    """Return smooth images with edges and some noise, (count, height, width, channels) uint8."""
    rng = np.random.default_rng(height)
    y, x = np.mgrid[:height, :width][..., None]
    waves = [np.sin(x / (3 + i)) + np.cos(y / 4) + (x > i + 5) for i in range(count)]
    levels = np.stack(waves) * 50 + 100 + rng.normal(0, 9, (count, height, width, channels))
    return levels.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "shape", [(32, 32), (8, 8), (300, 300), (256, 256), (61, 47), (47, 62), (333, 500)]
)
def test_images_are_prepared_as_by_the_published_processor(shape: tuple[int, int]) -> None:
    images = pictures(*shape)
    ours = prepare(torch.from_numpy(images).permute(0, 3, 1, 2))
    processor = transformers.BitImageProcessor(**PROCESSOR)
    theirs = processor([Image.fromarray(i) for i in images], return_tensors="pt")["pixel_values"]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    # the one of the time of the paper resizes with Pillow, and differs by a level of 255 at most
    if shape[0] == shape[1]:
        bicubic = Image.Resampling.BICUBIC
        resized = [np.asarray(Image.fromarray(i).resize((256, 256), bicubic)) for i in images]
        pillow = (np.stack(resized)[:, 16:240, 16:240] / 255 - MEAN) / STD
        assert np.abs(ours.permute(0, 2, 3, 1).numpy() - pillow).max() < 1.01 / 255 / min(STD)


@pytest.mark.parametrize("shape", [(32, 32), (61, 47), (333, 500)])
def test_images_are_resized_alike_where_bytes_cannot_be(shape: tuple[int, int]) -> None:
    images = torch.from_numpy(pictures(*shape)).permute(0, 3, 1, 2)
    bytes_, floats = resize(images, [256, 300]), resize_floats(images, [256, 300])
    difference = (bytes_.float() - floats).abs()
    assert difference.max() <= 2
    assert difference.mean() < 0.02


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_a_plain_transformers_pipeline(channels: int, saved: Path) -> None:
    images = pictures(32, 40, channels)
    extractor = Dinov2(weights=str(saved), batch_size=2)
    features = extractor.extract(images, extractor.load())
    processor = transformers.AutoImageProcessor.from_pretrained(saved)
    model = transformers.AutoModel.from_pretrained(saved).eval()
    opened = [Image.fromarray(i if channels == 3 else i[..., 0]).convert("RGB") for i in images]
    with torch.no_grad():
        out = model(**processor(opened, return_tensors="pt")).last_hidden_state
    np.testing.assert_allclose(features, out[:, 0], atol=1e-5)
    assert features.dtype == np.float32
    assert features.shape[1] == extractor.dimension((32, 40, channels)) == 32


def test_half_precision_is_a_space_of_its_own_near_the_whole_one(saved: Path) -> None:
    images = pictures(32, 40)
    whole, half = (
        Dinov2(weights=str(saved), precision=precision) for precision in ("float32", "bfloat16")
    )
    assert (whole.name, half.name) == ("dinov2_small", "dinov2_small_bfloat16")
    assert whole.identity != half.identity
    features, rounded = (each.extract(images, each.load()) for each in (whole, half))
    difference = np.abs(features - rounded).max()
    assert 0 < difference < 0.05 * np.abs(features).max()


def test_the_features_are_told_apart_by_the_weights_and_not_by_their_place(
    saved: Path, tmp_path: Path
) -> None:
    def digest(folder: Path) -> str:
        return Dinov2(weights=str(folder)).digest()

    for name, scale in (("same", 1), ("other", 2)):
        (tmp_path / name).mkdir()
        tensors = {k: v * scale for k, v in load_file(saved / "model.safetensors").items()}
        save_file(tensors, tmp_path / name / "model.safetensors", {"format": "pt"})
        (tmp_path / name / "config.json").write_text((saved / "config.json").read_text())
    assert digest(saved) == digest(tmp_path / "same") != digest(tmp_path / "other")
    assert Dinov2(weights=str(saved), batch_size=3).identity == Dinov2().identity
    assert Dinov2(size="base").identity != Dinov2().identity


def message(extractor: Dinov2) -> str:
    """Return the one line that says what the mistake is."""
    with pytest.raises(UserError) as error:
        extractor.digest()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_weights_that_cannot_be_had_are_one_line_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(dinov2, "reachable", lambda: False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    started = time.monotonic()
    said = message(Dinov2())
    assert time.monotonic() - started < 10
    assert said.startswith(
        f"weights: facebook/dinov2-small is not in the cache '{tmp_path}', and the hub is out of "
        "reach; put its folder models--facebook--dinov2-small there, or name a folder"
    )
    assert said.endswith("or name a folder with config.json and model.safetensors")
    with pytest.raises(UserError) as error:
        check(Dinov2())
    assert str(error.value) == f"{said}; without network work the kinds pixels, pca and encoder"


def test_a_model_in_the_hubs_cache_needs_no_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, saved: Path
) -> None:
    import huggingface_hub

    def cached(name: str, file: str, local_files_only: bool) -> str:
        assert (name, local_files_only) == ("facebook/dinov2-small", True)
        return str(saved / file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", cached)
    assert Dinov2().digest() == Dinov2(weights=str(saved)).digest()


def test_folders_without_a_dinov2_are_one_line(saved: Path, tmp_path: Path) -> None:
    assert "has no model.safetensors; allowed is a folder" in message(Dinov2(weights=str(tmp_path)))
    (tmp_path / "model.safetensors").write_bytes((saved / "model.safetensors").read_bytes())
    assert "has no config.json of a model" in message(Dinov2(weights=str(tmp_path)))
    config = json.loads((saved / "config.json").read_text())
    for change, said in (
        ({"model_type": "vit"}, "holds a vit; allowed is"),
        ({"hidden_size": 768}, "size: found 'small', but"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        assert said in message(Dinov2(weights=str(tmp_path)))


def test_weights_that_are_broken_or_not_all_there_are_one_line(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((saved / "config.json").read_text())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"^weights: .* cannot be opened"):
        Dinov2(weights=str(tmp_path)).load()
    tensors = load_file(saved / "model.safetensors")
    del tensors["layernorm.weight"]
    save_file(tensors, weights, {"format": "pt"})
    with pytest.raises(UserError, match=r"lacks 1 tensors, such as layernorm\.weight"):
        Dinov2(weights=str(tmp_path)).load()


def test_a_missing_package_is_named_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    assert message(Dinov2()).startswith(
        "kind: 'dinov2' needs the package transformers, which is not installed; install it with "
        "pip install 'ouroboros-loop[dinov2]'"
    )
