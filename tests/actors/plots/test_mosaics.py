import numpy as np

from actors.plots.mosaics import evenly, thumbnails


def test_large_images_are_shown_small() -> None:
    assert thumbnails(np.zeros((2, 300, 150, 1), np.uint8)).shape == (2, 96, 48, 3)


def test_shown_rows_are_spread_evenly_with_both_ends() -> None:
    assert evenly(np.arange(100), 4).tolist() == [0, 33, 66, 99]
    assert evenly(np.arange(3), 4).tolist() == [0, 1, 2]
