import numpy as np

from actors.evaluation.pictures import grid


def test_a_grid_shows_every_image_in_reading_order_enlarged_with_gaps() -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    picture = grid(images, columns=3, scale=2, gap=1)
    assert picture.shape == (9, 14, 3)
    assert [picture[0, x, 0] for x in (0, 5, 10)] == [0, 1, 2]
    assert [picture[5, x, 0] for x in (0, 5, 10)] == [3, 4, 255]
    assert (picture[4] == 255).all()
    assert (picture[:, 4] == 255).all()
