"""Features: the space in which distances are measured.

To add an extractor: a file with an `Extractor`, or a `FittedExtractor` for one that is fitted, and
its line here.
"""

from actors.features.dinov2 import Dinov2
from actors.features.encoder import Encoder
from actors.features.extractor import Extractor, FittedExtractor
from actors.features.inception import Inception
from actors.features.pca import Pca
from actors.features.pixels import Pixels

EXTRACTORS: dict[str, type[Extractor]] = {
    "pixels": Pixels,
    "pca": Pca,
    "encoder": Encoder,
    "dinov2": Dinov2,
    "inception": Inception,
}

__all__ = ["EXTRACTORS", "Extractor", "FittedExtractor"]
