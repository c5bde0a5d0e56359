import numpy as np

from actors.features.pixels import Pixels


def test_pixels_are_flat_in_row_major_order_and_scaled_to_minus_one_to_one() -> None:
    images = np.array([[[[0], [255]], [[51], [204]]]], dtype=np.uint8)
    features = Pixels().extract(images)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, [[-1, 1, -0.6, 0.6]], rtol=1e-6)
    assert Pixels().dimension((2, 2, 1)) == 4
