import io

import numpy as np
import pytest
from PIL import Image

from actors.plots.projection import density, draw_projection, limits


def test_the_picture_holds_all_rows_but_those_that_ran_away() -> None:
    real = np.array([[0.0, 0.0], [4.0, 2.0]])
    low, high = limits(real, np.array([[-3.0, 1.0]]))
    assert (low < [-3, 0]).all()
    assert (high > [4, 2]).all()
    assert np.isclose(*(high - low))
    low, high = limits(real, np.array([[1e6, 1.0]]))
    assert (high - low < 10).all()
    assert high[0] > 8


def test_a_density_counts_rows_per_cell() -> None:
    rows = np.array([[0.5, 0.5], [0.6, 0.4], [3.0, 0.5], [0.5, 1.5], [9.0, 9.0]])
    found = density(rows, np.zeros(2), np.array([4.0, 2.0]), 2)
    # a row of the grid is a second coordinate; (9, 9) lies in no cell
    assert np.array_equal(found, [[2 / 5, 1 / 5], [1 / 5, 0]])


def test_a_spike_of_generated_rows_is_the_darkest_place() -> None:
    real = np.random.default_rng(2).normal(size=(500, 2))
    spike = np.repeat(real[:1], 500, axis=0)
    assert all(panel.any() for panel in _darkest(real, real[::-1]))
    left, right = _darkest(real, spike)
    assert not left.any()
    assert right.any()


def test_the_first_component_rises_to_the_right_and_the_second_upwards() -> None:
    real = np.random.default_rng(3).uniform(-1, 1, (500, 2))
    _, right = _darkest(real, np.tile([[0.9, -0.9]], (500, 1)))
    row, column = np.argwhere(right).mean(axis=0) / right.shape
    assert row > 0.6
    assert column > 0.6


@pytest.mark.parametrize(
    "samples", [np.zeros((3, 2)), np.full((3, 2), 1e9)], ids=["one point", "all ran away"]
)
@pytest.mark.parametrize("real", [np.zeros((4, 2)), np.eye(2)], ids=["one point", "two points"])
def test_any_finite_rows_can_be_drawn(real: np.ndarray, samples: np.ndarray) -> None:
    assert _drawn(real, samples).size == _drawn(np.eye(2), np.eye(2)).size


def _darkest(real: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels of the left and of the right panel are of the highest density."""
    picture = np.asarray(_drawn(real, samples).convert("RGB"))
    # darker than axes and letters
    black = np.asarray(picture.max(axis=2) < 12)
    width = black.shape[1]
    return black[:, : round(0.45 * width)], black[:, round(0.47 * width) : round(0.87 * width)]


def _drawn(real: np.ndarray, samples: np.ndarray) -> Image.Image:
    file = io.BytesIO()
    draw_projection(real, samples, np.array([0.5, 0.25]), file, "ddpm, iteration 3")
    picture = Image.open(file)
    assert picture.format == "PNG"
    return picture
