"""A residual network of whole images, for tiny ones: it trains in seconds on a CPU."""

from typing import Literal

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from torch import nn
from torch.nn.functional import silu


class Block(nn.Module):
    """A residual layer that takes the time into account; at first it changes nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, width)
        self.contract = nn.Linear(width, width)
        nn.init.zeros_(self.contract.weight)
        nn.init.zeros_(self.contract.bias)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Return (n, width) activations, given the (n, width) embedding of the time."""
        return x + self.contract(silu(self.expand(self.norm(x + time))))


class ResidualMLP(ModelMixin, ConfigMixin):  # type: ignore[misc]  # diffusers has no types
    """Residual layers over all values of an image at once, called like diffusers' `UNet2DModel`."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        image_shape: tuple[int, int, int],
        width: int,
        blocks: int,
        num_class_embeds: int | None = None,
    ) -> None:
        """Initialise for (channels, height, width) images by torch's random numbers."""
        super().__init__()
        values = torch.Size(image_shape).numel()
        self.time_proj = Timesteps(width, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(width, width)
        self.class_embedding = nn.Embedding(num_class_embeds, width) if num_class_embeds else None
        self.read = nn.Linear(values, width)
        self.layers = nn.ModuleList(Block(width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.write = nn.Linear(width, values)

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        class_labels: torch.Tensor | None = None,
        return_dict: Literal[False] = False,
    ) -> tuple[torch.Tensor]:
        """Return the prediction for (n, channels, height, width) images at (n,) times or one."""
        times = timestep.expand(len(sample))
        time = self.time_embedding(self.time_proj(times).to(sample.dtype))
        if self.class_embedding is not None:
            time = time + self.class_embedding(class_labels)
        time = silu(time)
        x = self.read(sample.flatten(1))
        for layer in self.layers:
            x = layer(x, time)
        return (self.write(silu(self.norm(x))).reshape(sample.shape),)
