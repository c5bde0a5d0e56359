"""Networks, built from diffusers."""

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from actors.config import Config


class UNet(Config):
    """A diffusers `UNet2DModel`: one resolution per width, halved from each to the next."""

    widths: tuple[int, ...] = Field((16, 32), min_length=1, description="channels per resolution")
    layers_per_block: int = Field(1, ge=1)
    attention: tuple[int, ...] = Field((), description="resolutions with attention, from 0")
    norm_groups: int = Field(8, ge=1, description="groups of the group norm")
    dropout: float = Field(0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _consistent(self) -> "UNet":
        for width in self.widths:
            if width < 1 or width % self.norm_groups:
                raise ValueError(
                    f"widths {self.widths}: each must be a multiple of "
                    f"norm_groups = {self.norm_groups}"
                )
        for level in self.attention:
            if not 0 <= level < len(self.widths):
                raise ValueError(f"attention {level}: allowed are 0 to {len(self.widths) - 1}")
        return self

    def check_size(self, height: int, width: int) -> None:
        """Raise ValueError when an image of this size cannot be halved often enough."""
        factor = 2 ** (len(self.widths) - 1)
        if height % factor or width % factor:
            raise ValueError(
                f"{len(self.widths)} widths halve the image {len(self.widths) - 1} times, "
                f"but {height}x{width} is not a multiple of {factor}"
            )

    def build(self, image_shape: tuple[int, int, int]) -> Any:
        """Return the network for (height, width, channels) images, initialised by torch's RNG."""
        from diffusers import UNet2DModel

        height, width, channels = image_shape
        kinds = ["Attn" if level in self.attention else "" for level in range(len(self.widths))]
        return UNet2DModel(
            sample_size=(height, width),
            in_channels=channels,
            out_channels=channels,
            layers_per_block=self.layers_per_block,
            block_out_channels=self.widths,
            down_block_types=tuple(f"{kind}DownBlock2D" for kind in kinds),
            up_block_types=tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
            norm_num_groups=self.norm_groups,
            attention_head_dim=8,
            dropout=self.dropout,
        )


def load(folder: Path) -> Any:
    """Open the network of a saved checkpoint, in evaluation mode."""
    from diffusers import UNet2DModel

    return UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True).eval()
