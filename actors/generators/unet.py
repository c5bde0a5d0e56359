"""U-Nets, built from diffusers."""

import inspect
from typing import Any, Literal

from pydantic import Field, model_validator

from actors.config import Config

# the published networks: six resolutions of widths w, w, 2w, 2w, 4w, 4w, attention on the fifth
PUBLISHED = {
    f"unet{w}": {
        "widths": [w, w, 2 * w, 2 * w, 4 * w, 4 * w],
        "layers_per_block": 2,
        "attention": [4],
        "norm_groups": 16,
    }
    for w in (32, 48, 64, 128)
}
PRESETS: dict[str, dict[str, Any]] = {
    **PUBLISHED,
    "small8": {"widths": [16, 32], "layers_per_block": 1, "norm_groups": 8},
    "small16": {"widths": [16, 32, 32], "layers_per_block": 1, "norm_groups": 8},
}
# arguments of UNet2DModel that follow from the images and the labels
GIVEN = {"sample_size", "in_channels", "out_channels", "num_class_embeds", "class_embed_type"}


class UNet(Config):
    """A diffusers `UNet2DModel`: one resolution per width, halved from each to the next.

    In YAML also the name of a preset, or a preset and what differs from it.
    """

    kind: Literal["unet"] = "unet"
    widths: tuple[int, ...] = Field((16, 32), min_length=1, description="channels per resolution")
    layers_per_block: int = Field(1, ge=1, description="residual layers per resolution")
    attention: tuple[int, ...] = Field((), description="resolutions with attention, from 0")
    norm_groups: int = Field(8, ge=1, description="groups of the group norm")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of activations dropped")
    unet2d: dict[str, Any] = Field(
        default_factory=dict, description="any other arguments of diffusers' UNet2DModel"
    )

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "preset" not in given:
            return given
        name = given["preset"]
        if name not in PRESETS:
            raise ValueError(f"no preset {name!r}; allowed are {', '.join(PRESETS)}")
        return {**PRESETS[name], **{k: v for k, v in given.items() if k != "preset"}}

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
        if self.unet2d:
            arguments = inspect.signature(self.model().__init__).parameters
            allowed = set(arguments) - GIVEN - {"self"}
            unknown = sorted(set(self.unet2d) - allowed)
            if unknown:
                raise ValueError(
                    f"unet2d.{unknown[0]}: no argument of UNet2DModel that can be set; "
                    f"allowed are {', '.join(sorted(allowed))}"
                )
        return self

    @property
    def drops(self) -> bool:
        """Whether it drops activations while it is trained."""
        return self.dropout > 0 or "dropout" in self.unet2d

    @staticmethod
    def model() -> Any:
        """Return the class of the network."""
        from diffusers import UNet2DModel

        return UNet2DModel

    def check_size(self, height: int, width: int) -> None:
        """Raise ValueError when an image of this size cannot be halved often enough."""
        factor = 2 ** (len(self.widths) - 1)
        if height % factor or width % factor:
            raise ValueError(
                f"network.widths: {len(self.widths)} widths halve the image "
                f"{len(self.widths) - 1} times, but {height}x{width} is not a multiple of {factor}"
            )

    def build(self, image_shape: tuple[int, int, int], classes: int | None = None) -> Any:
        """Return the network for (height, width, channels) images, initialised by torch's RNG.

        Args:
            classes: number of class labels it takes; one more stands for no label.
        """
        height, width, channels = image_shape
        kinds = ["Attn" if level in self.attention else "" for level in range(len(self.widths))]
        chosen = {
            "layers_per_block": self.layers_per_block,
            "block_out_channels": self.widths,
            "down_block_types": tuple(f"{kind}DownBlock2D" for kind in kinds),
            "up_block_types": tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
            "norm_num_groups": self.norm_groups,
            "attention_head_dim": 8,
            "dropout": self.dropout,
            **self.unet2d,
        }
        return self.model()(
            sample_size=(height, width),
            in_channels=channels,
            out_channels=channels,
            num_class_embeds=None if classes is None else classes + 1,
            **chosen,
        )
