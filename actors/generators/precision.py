"""Mixed precision: which of torch's number formats a network computes in."""

from contextlib import AbstractContextManager
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16", "float16"]


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """Return the context in which a network computes in that precision."""
    dtype = getattr(torch, precision)
    return torch.autocast(device.type, dtype, enabled=precision != "float32", cache_enabled=True)
