import numpy as np
import pytest
from sklearn.decomposition import PCA

from actors.data.digits import load
from actors.features import pca
from actors.features.pca import Pca, project
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


@pytest.mark.parametrize(("rows", "dimension"), [(200, 12), (20, 50)])
def test_coordinates_and_shares_are_those_of_pca_up_to_sign(rows: int, dimension: int) -> None:
    rng = np.random.default_rng(0)
    scale = np.linspace(3, 1, dimension)
    reference = (rng.normal(size=(rows, dimension)) * scale + 5).astype(np.float32)
    other = rng.normal(size=(7, dimension)).astype(np.float32)
    whole = PCA(2, svd_solver="full").fit(reference.astype(np.float64))
    shares, (real, projected) = project(reference, other)
    assert np.allclose(shares, whole.explained_variance_ratio_, rtol=1e-9)
    for ours, theirs in ((real, whole.transform(reference)), (projected, whole.transform(other))):
        assert ours.dtype == np.float64
        assert np.allclose(np.abs(ours), np.abs(theirs), rtol=1e-6, atol=1e-6)


def test_signs_do_not_depend_on_the_order_of_the_real_rows() -> None:
    rng = np.random.default_rng(1)
    reference = rng.normal(size=(50, 6)) * np.arange(1, 7)
    other = rng.normal(size=(9, 6))
    _, (_, one) = project(reference, other)
    _, (_, two) = project(reference[::-1], other)
    assert np.allclose(one, two)


def test_features_of_one_dimension_lie_on_the_first_axis() -> None:
    reference, other = np.array([[0.0], [2.0], [4.0]]), np.array([[5.0]])
    shares, (real, projected) = project(reference, other)
    assert np.allclose(shares, [1, 0])
    assert np.allclose(real, [[-2, 0], [0, 0], [2, 0]])
    assert np.allclose(projected, [[3, 0]])


def test_real_rows_that_are_all_the_same_have_no_variance_to_share() -> None:
    shares, (real, _) = project(np.ones((5, 3)), np.zeros((2, 3)))
    assert np.array_equal(shares, [0, 0])
    assert np.array_equal(real, np.zeros((5, 2)))
