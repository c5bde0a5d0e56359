"""Generators: model families with their training and sampling.

To add one: a file with a `Family`, or a `TrainedFamily` for one that is trained, and its line here.
"""

from actors.generators.ddpm import DDPM
from actors.generators.edm import EDM
from actors.generators.external import External
from actors.generators.family import Family, TrainedFamily
from actors.generators.flow import Flow
from actors.generators.gaussian_mixture import GaussianMixture

GENERATORS: dict[str, type[Family]] = {
    "ddpm": DDPM,
    "edm": EDM,
    "flow": Flow,
    "gaussian_mixture": GaussianMixture,
    "external": External,
}

__all__ = ["GENERATORS", "Family", "TrainedFamily"]
