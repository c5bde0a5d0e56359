"""Inception v3 with the ported TensorFlow weights, the space of FID, through torch-fidelity."""

import io
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from actors.data.files import LocalPath
from actors.data.hub import reachable
from actors.errors import UserError
from actors.features.extractor import Fitted
from actors.features.network import Function, Network, check_package, hash_file

if TYPE_CHECKING:
    import torch

FEATURES = 2048
# the first digits of the sha256 of the published file
PUBLISHED = "6726825d"
NAME = f"weights-inception-2015-12-05-{PUBLISHED}.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{NAME}"


class Inception(Network):
    """The 2,048 features of the last pooling, as FID takes them (Heusel et al. 2017)."""

    downloads: ClassVar[bool] = True
    EXECUTION: ClassVar[frozenset[str]] = Network.EXECUTION | {"weights"}
    resize: ClassVar[str] = "299 bilinear as TensorFlow 1"

    kind: Literal["inception"] = "inception"
    weights: LocalPath | None = Field(
        None,
        description=f"{NAME}, or the same as .safetensors; null: from the cache of torch.hub",
    )

    def digest(self) -> str:
        return hash_file(self._file())

    def dimension(self, image_shape: tuple[int, int, int]) -> int:
        return FEATURES

    def network(self, device: "torch.device", fitted: Fitted | None) -> Function:
        model = open_model(self._file(), str(device))
        return lambda images: model(images.expand(-1, 3, -1, -1))[0]

    def _file(self) -> str:
        check_package("torch_fidelity", "torch-fidelity", self.kind)
        file = self.weights or from_cache()
        if not os.path.isfile(file):
            raise UserError(f"weights: {file!r} is not there; allowed is {NAME}")
        # a .pth is a pickle: none but the published one is opened
        if not file.endswith(".safetensors") and not hash_file(file).startswith(PUBLISHED):
            raise UserError(
                f"weights: {file!r} has the sha256 {hash_file(file)[:8]}...; allowed are {NAME}, "
                f"which has {PUBLISHED}..., and .safetensors files"
            )
        return file


def from_cache() -> str:
    """Return the published weights in the cache of torch.hub, downloaded if they are not there.

    Raises:
        UserError: they cannot be had; names the folder to put them in.
    """
    import torch.hub

    folder = os.path.join(torch.hub.get_dir(), "checkpoints")
    file = os.path.join(folder, NAME)
    if os.path.isfile(file):
        return file
    cause = f"{URL} is out of reach"
    if reachable(URL):
        try:
            os.makedirs(folder, exist_ok=True)
            torch.hub.download_url_to_file(URL, file, hash_prefix=PUBLISHED, progress=False)
        except (OSError, RuntimeError) as error:
            cause = " ".join(str(error).split())[:300]
        else:
            return file
    raise UserError(f"weights: {NAME} is not in {folder!r}, and {cause}; put it there, or name it")


@lru_cache(maxsize=1)
def open_model(file: str, device: str) -> Any:
    """Return torch-fidelity's network with the weights of a file on a device.

    Raises:
        UserError: they do not fit.
    """
    import torch
    from safetensors.torch import load_file
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    buffer = io.BytesIO()
    try:
        is_safe = file.endswith(".safetensors")
        state = load_file(file) if is_safe else torch.load(file, "cpu", weights_only=True)
        # it would unpickle a file with whatever code is in it; what it gets here is ours
        torch.save(state, buffer)
        buffer.seek(0)
        model = FeatureExtractorInceptionV3("inception", [str(FEATURES)], buffer)
    except Exception as error:  # safetensors' errors are plain ones
        cause = " ".join(str(error).split())[:300]
        raise UserError(f"weights: {file!r} cannot be opened: {cause}") from None
    return model.to(device)
