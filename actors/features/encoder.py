"""A small network trained on the real data as an extractor: works offline, in seconds."""

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.features.extractor import Fitted, FittedExtractor
from actors.features.network import Function, Network

if TYPE_CHECKING:
    import torch

BODY, HEAD = "body.", "head."


class Encoder(Network, FittedExtractor):
    """The last layer but one of a classifier of the real labels, or an autoencoder's middle.

    Each feature is scaled to mean 0 and variance 1 over the real training set.
    """

    resize: ClassVar[str] = "averaged down to 32 a side where larger"

    kind: Literal["encoder"] = "encoder"
    features: int = Field(64, ge=1, description="how many features")
    steps: int = Field(300, ge=1, description="optimiser steps")
    batch_size: int = Field(1024, ge=1, description="images computed together when extracting")

    def dimension(self, image_shape: tuple[int, int, int]) -> int:
        return self.features

    def fit(self, images: np.ndarray, labels: np.ndarray | None, seed: int) -> Fitted:
        """Return the float32 weights, and `mean` and `scale`, (features,), of the features.

        Trained with labels where there are any of at least two classes, on the CPU.
        """
        from actors.features import convnet  # it imports torch

        if labels is not None and (labels.min() < 0 or len(np.unique(labels)) < 2):
            labels = None
        body, head = convnet.train(images, labels, self.features, self.steps, seed)
        fitted = {
            name + key: value.numpy(force=True)
            for name, network in ((BODY, body), (HEAD, head))
            for key, value in network.state_dict().items()
        }
        unit = {"mean": np.zeros(self.features), "scale": np.ones(self.features)}
        here = self.model_copy(update={"device": "cpu"})
        features = here.extract(images, here.load({**fitted, **unit})).astype(np.float64)
        fitted["mean"] = features.mean(axis=0)
        # a feature that never changes stays as it is
        spread = features.std(axis=0)
        fitted["scale"] = np.where(spread > 0, spread, 1)
        return fitted

    def network(self, device: "torch.device", fitted: Fitted | None) -> Function:
        assert fitted is not None
        import torch

        from actors.features import convnet

        tensors = {name: torch.from_numpy(value).to(device) for name, value in fitted.items()}
        weights = {k.removeprefix(BODY): v for k, v in tensors.items() if k.startswith(BODY)}
        # no random initial weights, which would disturb the random numbers of others
        with torch.device("meta"):
            body = convnet.build_body(weights["0.weight"].shape[1], self.features).eval()
        body.load_state_dict(weights, assign=True)
        return lambda images: (body(convnet.prepare(images)) - tensors["mean"]) / tensors["scale"]
