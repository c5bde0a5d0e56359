"""What the extractors that are networks have in common."""

import hashlib
import os
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.batches import BatchSize
from actors.distances.space import NETWORK, Space
from actors.errors import UserError
from actors.features.extractor import Extractor, Fitted

if TYPE_CHECKING:
    import torch

# (b, channels, height, width) uint8 on a device -> (b, d)
Function = Callable[["torch.Tensor"], "torch.Tensor"]
Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Loaded:
    """A network on a device, and how many images it was found to take at once."""

    function: Function
    device: "torch.device"
    precision: Precision
    fits: BatchSize

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return (n, d) float32 features of (n, height, width, channels) uint8 images."""
        import torch

        def batch(start: int, stop: int) -> torch.Tensor:
            # a copy: mapped files are read-only, which torch has no word for
            pinned = self.device.type == "cuda"
            here = torch.empty(
                (stop - start, *images.shape[1:]), dtype=torch.uint8, pin_memory=pinned
            )
            here.numpy()[...] = images[start:stop]
            there = here.to(self.device, non_blocking=True).permute(0, 3, 1, 2)
            return self.function(there).float()

        with torch.inference_mode(), arithmetic(self.device, self.precision):
            return torch.cat([*self.fits.batches(len(images), batch)]).numpy(force=True)


class Network(Extractor):
    """An extractor that computes in batches on a device."""

    EXECUTION: ClassVar[frozenset[str]] = frozenset({"batch_size", "device"})
    space: ClassVar[Space] = NETWORK
    can_use_gpu: ClassVar[bool] = True

    batch_size: int = Field(
        64, ge=1, description="images computed together; halved where a GPU has no room for them"
    )
    device: Literal["cpu", "cuda"] | None = Field(
        None, description="null: the GPU that resources.features.gpus gives, else the CPU"
    )

    @property
    def computes_in(self) -> Precision:
        """What the network computes in; what is not float32 makes other features."""
        return "float32"

    @abstractmethod
    def network(self, device: "torch.device", fitted: Fitted | None) -> Function:
        """Return the network on a device."""

    def load(self, fitted: Fitted | None = None) -> Loaded:
        device = self.where()
        fits = BatchSize(self.batch_size, device)
        return Loaded(self.network(device, fitted), device, self.computes_in, fits)

    def extract(self, images: np.ndarray, model: Any = None) -> np.ndarray:
        features: np.ndarray = model.extract(images)
        return features

    def where(self) -> "torch.device":
        """Return the device to compute on.

        Raises:
            UserError: it is not there.
        """
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise UserError("device: found 'cuda', but there is no GPU; allowed are 'cpu' and null")
        return torch.device(self.device or "cpu")


@contextmanager
def arithmetic(device: "torch.device", precision: Precision) -> Iterator[None]:
    """Compute in a precision; in float32 without TF32, whatever the process does elsewhere."""
    import torch

    from actors.distances.products import whole_precision

    half = torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32")
    with whole_precision(), half:
        yield


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
