import numpy as np
import pytest

from actors.plots.images import CAPTION, beside_nearest, evenly, grid, thumbnails


def test_a_grid_shows_every_image_in_reading_order_enlarged_with_gaps() -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    picture = grid(images, columns=3, scale=2, gap=1)
    assert picture.shape == (9, 14, 3)
    assert [picture[0, x, 0] for x in (0, 5, 10)] == [0, 1, 2]
    assert [picture[5, x, 0] for x in (0, 5, 10)] == [3, 4, 255]
    assert (picture[4] == 255).all()
    assert (picture[:, 4] == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_has_its_nearest_image_at_its_right_and_other_pairs_further_off(
    channels: int,
) -> None:
    samples = np.random.default_rng(0).integers(0, 200, (3, 2, 2, channels), np.uint8)
    nearest = samples + np.uint8(50)
    picture = beside_nearest(samples, nearest, columns=2, scale=3, gap=1)
    # an image is 6 wide, a pair 6 + 1 + 6, the gap between pairs 6
    assert picture.shape == (6 + 6 + 6, 13 + 6 + 13, 3)
    for number, (top, left) in enumerate(((0, 0), (0, 19), (12, 0))):
        for images, start in ((samples, left), (nearest, left + 7)):
            pixels = picture[top : top + 6 : 3, start : start + 6 : 3]
            assert np.array_equal(pixels, np.broadcast_to(images[number], (2, 2, 3)))
    assert (picture[:, 6] == 255).all()
    assert (picture[:, 13:19] == 255).all()
    assert (picture[6:12] == 255).all()
    assert (picture[12:, 19:] == 255).all()


def test_distances_are_written_below_their_pairs_and_change_nothing_else() -> None:
    images = np.zeros((4, 16, 16, 1), np.uint8)
    distances = np.array([0.5, 0.0, 0.5, 12.25])
    picture = beside_nearest(images, images, distances, columns=4)
    without = beside_nearest(images, images, columns=4)
    assert np.array_equal(picture[:16], without)
    strips = [picture[16:, left : left + 34] for left in (0, 46, 92, 138)]
    assert all(strip.shape[0] == CAPTION and (strip < 128).any() for strip in strips)
    assert np.array_equal(strips[0], strips[2])
    assert not np.array_equal(strips[0], strips[1])
    assert (strips[3] < 128).sum() > (strips[1] < 128).sum()


def test_images_or_distances_that_do_not_pair_up_are_refused() -> None:
    images = np.zeros((4, 2, 2, 1), np.uint8)
    with pytest.raises(ValueError, match="nearest: found"):
        beside_nearest(images, images[:3])
    with pytest.raises(ValueError, match="3 distances"):
        beside_nearest(images, images, np.zeros(3))


def test_gaps_between_images_with_an_alpha_channel_are_transparent() -> None:
    picture = grid(np.full((3, 2, 2, 4), 255, np.uint8), columns=2)
    assert picture.shape == (5, 5, 4)
    alpha = np.full((5, 5), 255)
    alpha[2] = alpha[:, 2] = alpha[3:, 3:] = 0
    assert np.array_equal(picture[..., 3], alpha)


def test_large_images_are_shown_small() -> None:
    assert thumbnails(np.zeros((2, 300, 150, 1), np.uint8)).shape == (2, 96, 48, 4)


def test_shown_rows_are_spread_evenly_with_both_ends() -> None:
    assert evenly(np.arange(100), 4).tolist() == [0, 33, 66, 99]
    assert evenly(np.arange(3), 4).tolist() == [0, 1, 2]
