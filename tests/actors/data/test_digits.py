import subprocess
import sys

import numpy as np
from sklearn.datasets import load_digits

from actors.data.digits import Digits


def test_digits_are_scikit_learns_scaled_to_bytes() -> None:
    images, labels = Digits().read(np.arange(1797))
    data = load_digits()
    assert images.dtype == np.uint8
    assert images.shape == (1797, 8, 8, 1)
    assert np.abs(images[..., 0] / 255 * 16 - data.images).max() < 0.04
    assert labels is not None
    assert np.array_equal(labels, data.target)
    info = Digits().info
    assert (info.rows, info.shape, info.classes) == (1797, (8, 8, 1), 10)


def test_a_configuration_of_digits_imports_neither_the_data_nor_datasets() -> None:
    program = (
        "import sys; from actors.data.digits import Digits; Digits().info; "
        "print({'datasets', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
