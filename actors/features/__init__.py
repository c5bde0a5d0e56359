"""Features: the space in which distances are measured.

To add an extractor: a file with a configuration that has `dimension` and `extract`, and its line
here.
"""

from actors.features.extractor import Extractor
from actors.features.pixels import Pixels

EXTRACTORS: dict[str, type[Extractor]] = {
    "pixels": Pixels,
}

__all__ = ["EXTRACTORS", "Extractor"]
