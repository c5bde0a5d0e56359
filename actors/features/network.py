"""What the extractors that are networks have in common."""

import hashlib
import os
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.distances.space import NETWORK, Space
from actors.errors import UserError
from actors.features.extractor import Extractor

if TYPE_CHECKING:
    import torch


class Network(Extractor):
    """An extractor that computes in batches on a device."""

    EXECUTION: ClassVar[frozenset[str]] = frozenset({"batch_size", "device"})
    space: ClassVar[Space] = NETWORK

    batch_size: int = Field(64, ge=1, description="images computed together")
    device: Literal["cpu", "cuda"] | None = Field(
        None, description="null: the GPU that resources.features.gpus gives, else the CPU"
    )

    def where(self) -> "torch.device":
        """Return the device to compute on.

        Raises:
            UserError: it is not there.
        """
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise UserError("device: found 'cuda', but there is no GPU; allowed are 'cpu' and null")
        return torch.device(self.device or "cpu")

    def batched(
        self, network: Callable[["torch.Tensor"], "torch.Tensor"], images: np.ndarray
    ) -> np.ndarray:
        """Return (n, d) float32 features of (n, height, width, channels) uint8 images.

        Args:
            network: (b, channels, height, width) uint8 on the device to (b, d).
        """
        import torch

        device, features = self.where(), []
        with torch.inference_mode():
            for start in range(0, len(images), self.batch_size):
                # a copy: mapped files are read-only, which torch has no word for
                batch = torch.from_numpy(np.array(images[start : start + self.batch_size]))
                made = network(batch.to(device).permute(0, 3, 1, 2))
                features.append(made.float().numpy(force=True))
        return np.concatenate(features)


def check_package(module: str, package: str, kind: str) -> None:
    """Raise UserError when a package that comes with the extra `kind` is not installed."""
    if find_spec(module) is None:
        raise UserError(
            f"kind: {kind!r} needs the package {package}, which is not installed; install it with "
            f"pip install 'ouroboros-loop[{kind}]'"
        )


def hash_file(path: str) -> str:
    """Return the sha256 of a file, computed once until its size or time changes."""
    status = os.stat(path)
    return _sha256(os.path.realpath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _sha256(path: str, _size: int, _time: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
