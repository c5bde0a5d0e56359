"""Real data sets: where D_0, the reference and fresh rows come from.

A new one is a file with a `RealData` that opens a `Source`, and a line in `REAL_DATA`.
"""

from actors.pool.real.cifar10 import Cifar10
from actors.pool.real.dataset import Facts, RealData
from actors.pool.real.digits import Digits
from actors.pool.real.fashion_mnist import FashionMnist
from actors.pool.real.gaussian import Gaussian
from actors.pool.real.hub import Hub
from actors.pool.real.image_folder import ImageFolder
from actors.pool.real.parquet import Parquet
from actors.pool.real.splits import (
    fresh_available,
    fresh_range,
    range_positions,
    split,
    split_range,
)

REAL_DATA: dict[str, type[RealData]] = {
    "digits": Digits,
    "gaussian": Gaussian,
    "fashion_mnist": FashionMnist,
    "cifar10": Cifar10,
    "image_folder": ImageFolder,
    "parquet": Parquet,
    "hub": Hub,
}

__all__ = [
    "REAL_DATA",
    "Cifar10",
    "Digits",
    "Facts",
    "FashionMnist",
    "Gaussian",
    "Hub",
    "ImageFolder",
    "Parquet",
    "RealData",
    "fresh_available",
    "fresh_range",
    "range_positions",
    "split",
    "split_range",
]
