"""What every feature extractor has."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from actors.config import Config
from actors.distances.space import GIVEN, Space

# weights that were fitted on real rows, by name
Fitted = Mapping[str, np.ndarray]


def size_on_card(read: str, extracted: str) -> str:
    """Return what a card says of how images came to their size: when read, then when extracted."""
    return read if extracted == "none" else f"{read}; {extracted}"


class Extractor(Config):
    """Configuration and mathematics of one extractor."""

    # fields that say where files are and how to compute: they change rounding at most
    EXECUTION: ClassVar[frozenset[str]] = frozenset()
    # whether it needs weights from the network, or files of them
    downloads: ClassVar[bool] = False
    # whether its features are the pixels themselves, of which the pool needs no copy
    is_pixels: ClassVar[bool] = False
    # what it does to the size of images, for the card
    resize: ClassVar[str] = "none"
    # whether it can compute on a GPU
    can_use_gpu: ClassVar[bool] = False
    # how near two images may be in it and still be distinguished
    space: ClassVar[Space] = GIVEN

    kind: str

    @property
    def name(self) -> str:
        """What the feature space is called on cards and in tables."""
        return self.kind

    @property
    def identity(self) -> dict[str, Any]:
        """The fields that determine the features, as JSON values."""
        return self.model_dump(mode="json", exclude=set(self.EXECUTION))

    @property
    def execution(self) -> dict[str, Any]:
        """The fields that change at most the rounding of the features, as JSON values."""
        return self.model_dump(mode="json", include=set(self.EXECUTION))

    def digest(self) -> str | None:
        """Return the hash of the weights that it reads and no step made; None where there are none.

        Raises:
            UserError: "field: what"; weights or a package are not here and cannot be had.
        """
        return None

    def check_images(self, image_shape: tuple[int, int, int], rows: int) -> None:
        """Raise ValueError, "field: what", when so many images of this shape do not do to fit."""

    @abstractmethod
    def dimension(self, image_shape: tuple[int, int, int]) -> int:
        """Return the number of features of one (height, width, channels) image."""

    def load(self, fitted: Fitted | None = None) -> Any:
        """Return what `extract` needs, to be kept by who extracts often.

        Args:
            fitted: what `fit` returned, for extractors that are fitted.
        """
        return fitted

    @abstractmethod
    def extract(self, images: np.ndarray, model: Any = None) -> np.ndarray:
        """Return (n, d) float32 features of (n, height, width, channels) uint8 images.

        Args:
            model: what `load` returned.
        """


class FittedExtractor(Extractor):
    """An extractor that is fitted on the real training set before it can extract."""

    @abstractmethod
    def fit(self, images: np.ndarray, labels: np.ndarray | None, seed: int) -> Fitted:
        """Return weights fitted on (n, height, width, channels) uint8 images, (n,) int64 labels."""
