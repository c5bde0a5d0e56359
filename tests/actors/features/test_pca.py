import numpy as np
import pytest
from sklearn.decomposition import PCA

from actors.data.digits import load
from actors.features import pca
from actors.features.pca import Pca
from actors.features.pixels import Pixels

DIGITS = load()[0][..., None]


@pytest.mark.parametrize("rows", [400, 40])
@pytest.mark.parametrize("block", [1 << 24, 1000])
def test_features_are_the_coordinates_of_scikit_learns_pca_up_to_the_sign(
    rows: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pca, "BLOCK", block)
    extractor = Pca(components=12)
    fitted = extractor.fit(DIGITS[:rows], None, 0)
    features = extractor.extract(DIGITS[500:600], fitted)
    theirs = PCA(12, svd_solver="full").fit(Pixels().extract(DIGITS[:rows]).astype(np.float64))
    expected = theirs.transform(Pixels().extract(DIGITS[500:600]).astype(np.float64))
    signs = np.sign((features * expected).sum(axis=0))
    np.testing.assert_allclose(features, expected * signs, atol=1e-5)
    assert features.dtype == np.float32
    assert extractor.dimension((8, 8, 1)) == features.shape[1]


def test_components_of_constant_pixels_are_orthonormal_and_their_coordinates_zero() -> None:
    images = DIGITS[:30].copy()
    images[:, 1:] = 7
    extractor = Pca(components=20)
    fitted = extractor.fit(images, None, 0)
    np.testing.assert_allclose(
        fitted["components"] @ fitted["components"].T, np.eye(20), atol=1e-10
    )
    np.testing.assert_allclose(extractor.extract(images, fitted)[:, 8:], 0, atol=1e-6)


def test_more_components_than_rows_or_pixels_have_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^components: found 64; allowed are up to 63, which 64"):
        Pca().check_images((8, 8, 1), 64)
    with pytest.raises(ValueError, match=r"^components: found 65; allowed are up to 64, which"):
        Pca(components=65).check_images((8, 8, 1), 500)
    Pca().check_images((8, 8, 1), 65)
