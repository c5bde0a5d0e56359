import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import kstest

from actors.data.dataset import split
from actors.data.gaussian import Gaussian, centres

ROWS = 20_000


def everything(dataset: Gaussian) -> tuple[np.ndarray, np.ndarray | None]:
    return dataset.read(np.arange(dataset.info.rows))


def test_one_component_is_a_gaussian_around_mid_grey_without_labels() -> None:
    dataset = Gaussian(size=4, deviation=0.2, available=ROWS)
    images, labels = everything(dataset)
    assert labels is None
    assert dataset.classes is None
    assert images.shape == (ROWS, 4, 4, 1)
    assert images.dtype == np.uint8
    pixels = images.reshape(ROWS, 16).astype(float)
    deviation = 0.2 * 127.5
    # 5 sigma of the mean, of the variance with its 1/12 for rounding, and of a correlation
    assert np.abs(pixels.mean(0) - 127.5).max() < 5 * deviation / np.sqrt(ROWS)
    variance = deviation**2 + 1 / 12
    assert np.abs(pixels.var(0) / variance - 1).max() < 5 * np.sqrt(2 / ROWS)
    correlations = np.corrcoef(pixels.T)[np.triu_indices(16, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(ROWS)


def test_the_pixels_are_normal_where_rounding_is_undone() -> None:
    images, _ = everything(Gaussian(size=4, available=ROWS))
    rounding = np.random.default_rng(0).uniform(-0.5, 0.5, images.shape)
    standard = ((images + rounding - 127.5) / (0.2 * 127.5)).ravel()
    assert kstest(standard, "norm").pvalue > 0.01


def test_the_labels_of_several_components_say_whose_centre_a_row_lies_around() -> None:
    dataset = Gaussian(size=3, deviation=0.05, components=3, available=ROWS, data_seed=2)
    images, labels = everything(dataset)
    assert labels is not None
    assert dataset.classes == 3
    expected = centres(dataset).clip(-1, 1)
    for component in range(3):
        here = images[labels == component].reshape(-1, 9) / 127.5 - 1
        assert abs(len(here) / ROWS - 1 / 3) < 5 * np.sqrt(2 / 9 / ROWS)
        inside = np.abs(expected[component]) < 0.75
        found = here.mean(0)[inside]
        error = 5 * 0.05 / np.sqrt(len(here)) + 1e-3
        assert np.abs(found - expected[component][inside]).max() < error


def test_rows_depend_on_the_data_seed_alone_and_the_split_on_the_seed_of_the_experiment() -> None:
    one, again, other = (everything(Gaussian(data_seed=s, available=2000))[0] for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    dataset = Gaussian(available=2000, rows=16)
    first, second = (split(dataset, "train", seed)[0] for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert Gaussian(data_seed=1).info.digest != Gaussian(data_seed=2).info.digest


def test_more_rows_than_there_are_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValidationError, match=r"rows 30 .* more than the 40 rows"):
        Gaussian(available=40, rows=30, reference_rows=11)
