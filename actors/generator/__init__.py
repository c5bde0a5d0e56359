"""Generators: model families with their training and sampling.

To add one: a file with a `Family` that has `train`, `save`, `load` and `sample`, and its line here.
"""

from actors.generator.ddpm import DDPM
from actors.generator.edm import EDM
from actors.generator.family import Family

GENERATORS: dict[str, type[Family]] = {
    "ddpm": DDPM,
    "edm": EDM,
}

__all__ = ["GENERATORS", "Family"]
