import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from actors.data.digits import load
from actors.features import convnet
from actors.features.encoder import HEAD, Encoder
from actors.features.extractor import Fitted
from actors.features.pixels import Pixels

IMAGES, LABELS = load()
IMAGES = IMAGES[..., None]
TRAIN, TEST = slice(0, 600), slice(600, 1600)
QUICK = Encoder(features=16, steps=150)


@pytest.fixture(scope="module")
def classifier() -> Fitted:
    return QUICK.fit(IMAGES[TRAIN], LABELS[TRAIN], 3)


@pytest.fixture(scope="module")
def autoencoder() -> Fitted:
    return QUICK.fit(IMAGES[TRAIN], None, 3)


def closeness(features: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean squared distance within classes over the one between them."""
    squared = ((features[:, None] - features[None]) ** 2).sum(axis=2)
    same = labels[:, None] == labels[None]
    return float(squared[same].mean() / squared[~same].mean())


def test_held_out_digits_lie_nearer_to_their_own_class_than_in_pixels(classifier: Fitted) -> None:
    train, held_out = (
        QUICK.extract(IMAGES[part], QUICK.load(classifier)) for part in (TRAIN, TEST)
    )
    neighbours = KNeighborsClassifier(5).fit(train, LABELS[TRAIN])
    # chance is 0.1, pixels reach 0.95
    assert neighbours.score(held_out, LABELS[TEST]) > 0.93
    some = slice(600, 900)
    pixels = closeness(Pixels().extract(IMAGES[some]), LABELS[some])
    assert (
        closeness(QUICK.extract(IMAGES[some], QUICK.load(classifier)), LABELS[some]) < 0.7 * pixels
    )


def test_features_have_mean_0_and_variance_1_over_the_real_training_set(
    classifier: Fitted,
) -> None:
    features = QUICK.extract(IMAGES[TRAIN], QUICK.load(classifier))
    assert features.shape == (600, QUICK.dimension((8, 8, 1)))
    assert features.dtype == np.float32
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=1e-5)


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not() -> None:
    short = Encoder(features=16, steps=5)
    one, two = (short.fit(IMAGES[TRAIN], LABELS[TRAIN], 3) for _ in range(2))
    other = short.fit(IMAGES[TRAIN], LABELS[TRAIN], 4)
    assert {k: v.tobytes() for k, v in one.items()} == {k: v.tobytes() for k, v in two.items()}
    assert one["body.0.weight"].tobytes() != other["body.0.weight"].tobytes()


def test_fitting_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    Encoder(steps=1).fit(IMAGES[TRAIN], LABELS[TRAIN], 3)
    assert torch.equal(torch.rand(3), expected)


def test_the_batch_size_changes_rounding_only(classifier: Fitted) -> None:
    few = QUICK.model_copy(update={"batch_size": 7})
    np.testing.assert_allclose(
        few.extract(IMAGES[:50], few.load(classifier)),
        QUICK.extract(IMAGES[:50], QUICK.load(classifier)),
        atol=1e-4,
    )
    assert few.identity == QUICK.identity


def test_without_labels_held_out_images_are_rebuilt_better_than_by_the_mean(
    autoencoder: Fitted,
) -> None:
    decoder = convnet.build_decoder(16, 64)
    state = {k.removeprefix(HEAD): v for k, v in autoencoder.items() if k.startswith(HEAD)}
    decoder.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    scaled = QUICK.extract(IMAGES[TEST], QUICK.load(autoencoder))
    features = scaled * autoencoder["scale"] + autoencoder["mean"]
    rebuilt = decoder(torch.from_numpy(features).float()).numpy(force=True)
    pixels = Pixels().extract(IMAGES[TEST])
    mean = Pixels().extract(IMAGES[TRAIN]).mean(axis=0)
    assert ((rebuilt - pixels) ** 2).mean() < 0.5 * ((mean - pixels) ** 2).mean()


@pytest.mark.parametrize("labels", [np.zeros(600, np.int64), np.arange(600) - 1])
def test_labels_of_one_class_or_missing_ones_are_not_learnt(labels: np.ndarray) -> None:
    fitted = Encoder(features=16, steps=1).fit(IMAGES[TRAIN], labels, 3)
    assert fitted["head.2.bias"].shape == (64,)


def test_larger_images_and_colours_are_taken_too() -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 45, 33, 3), dtype=np.uint8)
    short = Encoder(features=16, steps=2)
    assert short.extract(images, short.load(short.fit(images, None, 0))).shape == (9, 16)
