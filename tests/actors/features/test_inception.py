from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from actors.errors import UserError
from actors.features import inception, network
from actors.features.inception import NAME, Inception

theirs: Any = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")


def random_weights() -> dict[str, torch.Tensor]:
    """Return random weights of the architecture, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(theirs.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        torch.manual_seed(0)
        model = theirs.FeatureExtractorInceptionV3("x", ["2048"])
    return {key: value.contiguous() for key, value in model.state_dict().items()}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the architecture, as safetensors and as a pickle."""
    folder, state = tmp_path_factory.mktemp("inception"), random_weights()
    save_file(state, folder / "random.safetensors")
    torch.save(state, folder / "random.pth")
    return folder


def message(extractor: Inception) -> str:
    """Return the one line that says what the mistake is."""
    with pytest.raises(UserError) as error:
        extractor.digest()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_torch_fidelity(channels: int, weights: Path) -> None:
    shape = (3, 12, 16, channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    extractor = Inception(weights=str(weights / "random.safetensors"), batch_size=2)
    features = extractor.extract(images, extractor.load())
    model = theirs.FeatureExtractorInceptionV3("x", ["2048"], str(weights / "random.pth"))
    coloured = images.repeat(3, axis=3)[..., :3] if channels == 1 else images
    (expected,) = model(torch.from_numpy(coloured).permute(0, 3, 1, 2))
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    assert features.dtype == np.float32
    assert features.shape[1] == extractor.dimension((12, 16, channels)) == 2048


def test_a_pickle_other_than_the_published_one_is_refused_unopened(weights: Path) -> None:
    said = message(Inception(weights=str(weights / "random.pth")))
    assert f"allowed are {NAME}, which has 6726825d..., and .safetensors files" in said


def test_weights_that_cannot_be_had_are_one_line_that_names_their_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inception, "reachable", lambda address: False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    said = message(Inception())
    assert said.startswith(f"weights: {NAME} is not in '{tmp_path}/hub/checkpoints', and https://")
    assert said.endswith("is out of reach; put it there, or name it")
    gone = str(tmp_path / "gone.pth")
    assert message(Inception(weights=gone)).startswith(f"weights: {gone!r} is not there; allowed")


def test_weights_of_something_else_are_one_line(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"^weights: .*a.safetensors' cannot be opened: .*Missing"):
        Inception(weights=str(tmp_path / "a.safetensors")).load()


def test_a_missing_package_is_named_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    assert "install it with pip install 'ouroboros-loop[inception]'" in message(Inception())
