"""DINOv2 (Oquab et al. 2023) as an extractor, through transformers."""

import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from actors.data.files import LocalPath
from actors.data.hub import reachable
from actors.errors import UserError
from actors.features.extractor import Fitted
from actors.features.network import Function, Network, Precision, check_package, hash_file

if TYPE_CHECKING:
    import torch

CONFIG, WEIGHTS = "config.json", "model.safetensors"
SIZES = {"small": 384, "base": 768, "large": 1024}
# preprocessor_config.json of facebook/dinov2-small, -base and -large
SHORTEST_EDGE, CROP = 256, 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Dinov2(Network):
    """The CLS token after the final layer norm of a DINOv2 from the hub or a folder."""

    downloads: ClassVar[bool] = True
    EXECUTION: ClassVar[frozenset[str]] = Network.EXECUTION | {"weights"}
    resize: ClassVar[str] = "shortest edge 256 bicubic, centre 224"

    kind: Literal["dinov2"] = "dinov2"
    size: Literal["small", "base", "large"] = Field(
        "small", description="384, 768 or 1,024 features"
    )
    precision: Precision = Field(
        "float32", description="of the network's arithmetic; each makes a space of its own"
    )
    weights: LocalPath | None = Field(
        None, description="folder with config.json and model.safetensors; null: from the hub"
    )

    @property
    def name(self) -> str:
        return "_".join([self.kind, self.size, *([self.precision] * (self.precision != "float32"))])

    def digest(self) -> str:
        return hash_file(os.path.join(self._folder(), WEIGHTS))

    def dimension(self, image_shape: tuple[int, int, int]) -> int:
        return hidden_size(self._folder())

    @property
    def computes_in(self) -> Precision:
        return self.precision

    def network(self, device: "torch.device", fitted: Fitted | None) -> Function:
        model = open_model(self._folder(), str(device))
        return lambda images: model(pixel_values=prepare(images)).last_hidden_state[:, 0]

    def _folder(self) -> str:
        check_package("transformers", "transformers", self.kind)
        folder = self.weights or from_hub(f"facebook/dinov2-{self.size}")
        stored = hidden_size(folder)
        other = next((name for name, width in SIZES.items() if width == stored), self.size)
        if other != self.size:
            raise UserError(
                f"size: found {self.size!r}, but {folder!r} has {stored} features; "
                f"allowed is {other!r}"
            )
        return folder


def prepare(images: "torch.Tensor") -> "torch.Tensor":
    """Return (n, 3, 224, 224) float32 as published: resized, cropped, normalised.

    Args:
        images: (n, 1 or 3, height, width) uint8; grey is repeated.
    """
    import torch

    height, width = images.shape[2:]
    size = [int(SHORTEST_EDGE * side / min(height, width)) for side in (height, width)]
    resized = resize(images, size) if images.device.type == "cpu" else resize_floats(images, size)
    top, left = (round((side - CROP) / 2) for side in size)
    cropped = resized[:, :, top : top + CROP, left : left + CROP].float()
    mean, std = (torch.tensor(v, device=images.device)[:, None, None] for v in (MEAN, STD))
    return (cropped.expand(-1, 3, -1, -1) / 255 - mean) / std


def resize(images: "torch.Tensor", size: list[int]) -> "torch.Tensor":
    """Return (n, channels, height, width) of any type in another size, bicubic, antialiased."""
    from torch.nn.functional import interpolate

    return interpolate(images.contiguous(), size, mode="bicubic", antialias=True)


def resize_floats(images: "torch.Tensor", size: list[int]) -> "torch.Tensor":
    """Return what `resize` makes of uint8 images, two levels of 255 off at most.

    CUDA resizes no bytes. Columns first, then rows, with bytes between, as Pillow and torch do it.
    """
    made = images
    for target in ([images.shape[2], size[1]], size):
        made = resize(made.float(), target).round().clamp(0, 255)
    return made


def from_hub(name: str) -> str:
    """Return the folder of a model in the hub's cache, downloaded if it is not there.

    Raises:
        UserError: it cannot be had; names the folder to put it in.
    """
    from huggingface_hub import constants, hf_hub_download

    def fetch(offline: bool) -> str:
        folders = {
            os.path.dirname(hf_hub_download(name, file, local_files_only=offline))
            for file in (CONFIG, WEIGHTS)
        }
        return folders.pop()

    try:
        return fetch(offline=True)
    except Exception:  # the client's errors are another library's in each of its versions
        online = reachable()
    cause = "the hub is out of reach"
    if online:
        try:
            return fetch(offline=False)
        except Exception as error:
            cause = " ".join(str(error).split())[:300]
    raise UserError(
        f"weights: {name} is not in the cache {constants.HF_HUB_CACHE!r}, and {cause}; put its "
        f"folder models--{name.replace('/', '--')} there, or name a folder with {CONFIG} and "
        f"{WEIGHTS}"
    )


def hidden_size(folder: str) -> int:
    """Return the number of features of a DINOv2 in a folder that has its weights too.

    Raises:
        UserError: it is none.
    """
    allowed = f"a folder with {CONFIG} and {WEIGHTS} of a Dinov2Model"
    if not os.path.isfile(os.path.join(folder, WEIGHTS)):
        raise UserError(f"weights: {folder!r} has no {WEIGHTS}; allowed is {allowed}")
    try:
        with open(os.path.join(folder, CONFIG), encoding="utf-8") as file:
            stored = json.load(file)
        kind, size = stored["model_type"], int(stored["hidden_size"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"weights: {folder!r} has no {CONFIG} of a model; allowed is {allowed}"
        ) from None
    if kind != "dinov2":
        raise UserError(f"weights: {folder!r} holds a {kind}; allowed is {allowed}")
    return size


@lru_cache(maxsize=1)
def open_model(folder: str, device: str) -> Any:
    """Return the model of a folder on a device, from safetensors.

    Raises:
        UserError: it cannot be opened.
    """
    from transformers import Dinov2Model
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model, info = Dinov2Model.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # safetensors' errors are plain ones
        cause = " ".join(str(error).split())[:300]
        raise UserError(f"weights: {folder!r} cannot be opened: {cause}") from None
    if missing := sorted(info["missing_keys"]):
        raise UserError(f"weights: {folder!r} lacks {len(missing)} tensors, such as {missing[0]}")
    return model.eval().float().to(device)
