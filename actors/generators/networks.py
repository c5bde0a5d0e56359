"""Networks, built from diffusers, and as functions of images and time."""

import hashlib
import inspect
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import torch
import torch._functorch.config
from pydantic import Field, model_validator

from actors.config import Config
from actors.errors import UserError
from actors.pool.notes import LOG
from actors.seeds import derive_seed

# which of torch's number formats a network computes in
Precision = Literal["float32", "bfloat16", "float16"]
# (noisy images, (n,) time as the family counts it) -> prediction of the same shape
Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

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
# programs that torch's compiler may keep in a process
MOST_COMPILED = 128
# arguments of UNet2DModel that follow from the images and the labels
GIVEN = {"sample_size", "in_channels", "out_channels", "num_class_embeds", "class_embed_type"}


class UNet(Config):
    """A diffusers `UNet2DModel`: one resolution per width, halved from each to the next.

    In YAML also the name of a preset, or a preset and what differs from it.
    """

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
        if isinstance(given, str):
            given = {"preset": given}
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
            from diffusers import UNet2DModel

            allowed = set(inspect.signature(UNet2DModel.__init__).parameters) - GIVEN - {"self"}
            unknown = sorted(set(self.unet2d) - allowed)
            if unknown:
                raise ValueError(
                    f"unet2d.{unknown[0]}: no argument of UNet2DModel that can be set; "
                    f"allowed are {', '.join(sorted(allowed))}"
                )
        return self

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
        from diffusers import UNet2DModel

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
        return UNet2DModel(
            sample_size=(height, width),
            in_channels=channels,
            out_channels=channels,
            num_class_embeds=None if classes is None else classes + 1,
            **chosen,
        )


def load(folder: Path) -> Any:
    """Open the network of a saved checkpoint, in evaluation mode."""
    from diffusers import UNet2DModel

    network = UNet2DModel.from_pretrained(
        folder / "unet", use_safetensors=True, low_cpu_mem_usage=False
    )
    return network.eval()


def initial(
    settings: UNet,
    image_shape: tuple[int, int, int],
    classes: int | None,
    seed: int,
    folder: Path | None,
) -> Any:
    """Return a network to be trained: fresh weights, or those of the checkpoint in a folder.

    Torch's random state is another one afterwards.

    Raises:
        UserError: the checkpoint has another network.
    """
    torch.manual_seed(derive_seed(seed, "initial weights"))
    network = settings.build(image_shape, classes)
    if folder is not None:
        previous = load(folder)
        former, wanted = fingerprint(previous), fingerprint(network)
        if former != wanted:
            raise UserError(
                f"training.init: the checkpoint of the iteration before has the network {former}; "
                f"allowed is {wanted}, the one to be trained"
            )
        network.load_state_dict(previous.state_dict())
    return network


class Compiled:
    """A network that is compiled when it is called; as it is, where torch cannot compile it here.

    What was compiled of another network of the same build, in this process, serves it as well.
    """

    def __init__(self, network: Any) -> None:
        import torch._dynamo  # costs a second

        # all networks share one list, for training and for sampling, and past its end torch would
        # go on without compiling and say so in a log only
        torch._dynamo.config.recompile_limit = MOST_COMPILED
        # what cannot be compiled of the way back is refused on the way there, where it is caught
        torch._functorch.config.force_non_lazy_backward_lowering = True
        self.config = getattr(network, "config", None)
        self._network = network
        self._call: Any = torch.compile(network)
        self._refusal: type[Exception] = torch._dynamo.exc.TorchDynamoException

    def __call__(self, *images: Any, **given: Any) -> Any:
        try:
            return self._call(*images, **given)
        except self._refusal as error:
            said = " ".join(str(error).split())[:300]
            LOG.warning("compile: torch cannot compile the network here, so it is not: %s", said)
        self._call = self._network
        return self._network(*images, **given)


def fingerprint(network: Any) -> str:
    """Return a hash of what a network is built like, whatever its weights."""
    built = {k: v for k, v in dict(network.config).items() if not k.startswith("_")}
    return hashlib.sha256(json.dumps(built, sort_keys=True).encode()).hexdigest()[:12]


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """Return the context in which a network computes in that precision."""
    dtype = getattr(torch, precision)
    return torch.autocast(device.type, dtype, enabled=precision != "float32", cache_enabled=True)


def predictor(
    network: Any, labels: torch.Tensor | None = None, precision: Precision = "float32"
) -> Predict:
    """Return the network as a function of images and time alone; what it returns is float32."""

    def predict(images: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        given = {} if labels is None else {"class_labels": labels}
        with autocast(images.device, precision):
            return network(images, time, return_dict=False, **given)[0].float()

    return predict


def guided(
    network: Any, labels: torch.Tensor | None, scale: float, precision: Precision = "float32"
) -> Predict:
    """Return the network guided toward (n,) labels.

    Classifier-free guidance (Ho and Salimans 2022, equation 6, with scale = 1 + w): the prediction
    without a label plus `scale` times what the label adds to it.
    """
    if labels is None:
        return predictor(network, precision=precision)
    # the last of its labels stands for none
    nothing = torch.full_like(labels, network.config.num_class_embeds - 1)
    if scale in (0, 1):
        return predictor(network, labels if scale else nothing, precision)
    both = predictor(network, torch.cat((nothing, labels)), precision)

    def predict(images: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        times = torch.cat((time, time)) if time.ndim else time
        without, within = both(torch.cat((images, images)), times).chunk(2)
        return without + scale * (within - without)

    return predict
