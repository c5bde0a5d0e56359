"""Generators: model families with their training and sampling.

To add one: a file with a `Family` that has `train`, `save`, `load` and `sample`, and its line here.
"""

from actors.generator.ddpm import DDPM
from actors.generator.edm import EDM
from actors.generator.external import External
from actors.generator.family import Family
from actors.generator.flow import Flow
from actors.generator.gaussian_mixture import GaussianMixture

GENERATORS: dict[str, type[Family]] = {
    "ddpm": DDPM,
    "edm": EDM,
    "flow": Flow,
    "gaussian_mixture": GaussianMixture,
    "external": External,
}

__all__ = ["GENERATORS", "Family"]
