import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_digits

from actors.pool.real import Digits, split


def test_digits_are_scikit_learns_scaled_to_bytes() -> None:
    images, labels = Digits().load()
    data = load_digits()
    assert images.dtype == np.uint8
    assert np.abs(images[..., 0] / 255 * 16 - data.images).max() < 0.04
    assert np.array_equal(labels, data.target)


def test_splits_of_one_seed_are_disjoint_and_another_seed_gives_others() -> None:
    dataset = Digits(rows=600, reference_rows=1197)
    train, reference = (split(dataset, name, 1) for name in ("train", "reference"))
    everything = np.concatenate((train[0], reference[0]))
    # all 1,797 rows, each once: the sorted rows are those of the data set
    assert np.array_equal(_sorted(everything), _sorted(dataset.load()[0]))
    assert not np.array_equal(train[0], split(dataset, "train", 2)[0])


def test_more_rows_than_there_are_is_refused_with_the_numbers() -> None:
    with pytest.raises(ValidationError, match=r"rows 1000 \+ reference_rows 1000 .* 1797"):
        Digits(rows=1000, reference_rows=1000)


def _sorted(images: np.ndarray) -> np.ndarray:
    return np.sort(images.reshape(len(images), -1).view("V64").ravel())
