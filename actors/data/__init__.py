"""Data from outside: every image, file and table that is not the pool's own is read here.

Real data sets are where D_0, the reference and fresh rows come from: a new one is a file with a
`RealData` that opens a `Source`, and a line in `REAL_DATA`.
"""

from actors.data.cifar10 import Cifar10
from actors.data.dataset import RealData
from actors.data.digits import Digits
from actors.data.fashion_mnist import FashionMnist
from actors.data.gaussian import Gaussian
from actors.data.hub import Hub
from actors.data.image_folder import ImageFolder
from actors.data.parquet import Parquet

REAL_DATA: dict[str, type[RealData]] = {
    "digits": Digits,
    "gaussian": Gaussian,
    "fashion_mnist": FashionMnist,
    "cifar10": Cifar10,
    "image_folder": ImageFolder,
    "parquet": Parquet,
    "hub": Hub,
}

__all__ = ["REAL_DATA", "RealData"]
