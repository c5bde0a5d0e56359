"""Networks: which there are, how they are opened, and as functions of images and time.

To add one: a file with its configuration, whose `model` is a diffusers `ModelMixin` that is called
like `UNet2DModel`, and its line here.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
import torch._functorch.config
from pydantic import BeforeValidator

from actors.config import tagged_union
from actors.errors import UserError
from actors.generators.mlp import MLP
from actors.generators.unet import UNet
from actors.pool.notes import LOG
from actors.seeds import derive_seed

# which of torch's number formats a network computes in
Precision = Literal["float32", "bfloat16", "float16"]
# (noisy images, (n,) time as the family counts it) -> prediction of the same shape
Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

NETWORKS: dict[str, type[UNet] | type[MLP]] = {"unet": UNet, "mlp": MLP}
# where a checkpoint has its network, of whichever kind: diffusers' name in pipelines
FOLDER = "unet"
# programs that torch's compiler may keep in a process
MOST_COMPILED = 128


def with_kind(given: Any) -> Any:
    """Return a block as given, with the kind that a U-Net need not say, as it may be a preset."""
    if isinstance(given, str):
        given = {"preset": given}
    return {"kind": "unet", **given} if isinstance(given, dict) else given


if TYPE_CHECKING:
    Network = UNet | MLP
else:
    Network = Annotated[tagged_union(NETWORKS), BeforeValidator(with_kind)]


def load(folder: Path) -> Any:
    """Open the network of a saved checkpoint, in evaluation mode."""
    models = {model.__name__: model for model in (kind.model() for kind in NETWORKS.values())}
    config = json.loads((folder / FOLDER / "config.json").read_text(encoding="utf-8"))
    network = models[config["_class_name"]].from_pretrained(
        folder / FOLDER, use_safetensors=True, low_cpu_mem_usage=False
    )
    return network.eval()


def initial(
    settings: Network,
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
