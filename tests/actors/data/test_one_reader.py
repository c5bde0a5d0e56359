"""Loop, curation and evaluation see the same pixels, which are those that Pillow gives."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from actors.data.image_folder import ImageFolder
from actors.data.reading import Reading
from actors.features.opening import open_input
from actors.features.pixels import Pixels
from actors.pool.storage import Storage
from orchestrator import evaluate
from orchestrator.cli import main
from orchestrator.inputs import load
from tests.actors.data.image_files import encoded, photo, turned, write
from tests.actors.data.inputs import images as small_images
from tests.actors.pool.inspect.stores import Written

PHOTOS, SIDE = 200, 8


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of many sizes: most JPEG, some turned, some grey, some PNG with transparent pixels."""
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(PHOTOS):
        pixels = photo(number, *rng.integers(24, 90, 2).tolist())
        if number % 10 == 7:
            opaque = rng.integers(0, 256, pixels.shape[:2], np.uint8)
            file, suffix = encoded(np.dstack((pixels, opaque))), "png"
        else:
            shown = Image.fromarray(pixels).convert("L" if number % 10 == 3 else "RGB")
            orientation = int(rng.integers(1, 9)) if number % 2 else 1
            file, suffix = encoded(shown, "jpeg", quality=92, exif=turned(orientation)), "jpg"
        write(root / f"{number:03d}.{suffix}", file)
    return root


def loops(photos: Path) -> np.ndarray:
    """Return what the loop reads."""
    data = ImageFolder(path=str(photos), rows=2, reference_rows=2, resize=SIDE)
    return data.read(np.arange(data.info.rows))[0]


def test_every_reader_gives_the_bytes_that_pillow_and_torchvision_give(photos: Path) -> None:
    transforms: Any = pytest.importorskip("torchvision.transforms")
    published = transforms.Compose([transforms.Resize(SIDE), transforms.CenterCrop(SIDE)])
    expected = []
    for file in sorted(photos.iterdir()):
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened)
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        expected.append(np.asarray(published(image.convert("RGB"))))
    curates = open_input(str(photos), Pixels(), image_size=SIDE)
    assert np.array_equal(loops(photos), expected)
    assert np.array_equal(curates.images(np.arange(PHOTOS)), expected)  # type: ignore[attr-defined]


def measured(out: Path, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the measures that `evaluate` writes, by metric, and its notes."""
    request = load(evaluate.Request, {}, [*fields.items(), ("out", str(out))])
    assert evaluate.run_evaluate(request) == 0
    found: dict[str, Any] = json.loads(out.read_text())
    return {one["metric"]: one for one in found["measures"]}, found["notes"]


def test_an_export_of_the_pool_is_at_distance_zero_of_the_photos_it_came_from(
    photos: Path, tmp_path: Path
) -> None:
    store = Written(Storage(str(tmp_path / "store")))
    store.sample("real", 0, PHOTOS, images=loops(photos))
    export = ("pool", "export", "--store", str(tmp_path / "store"), "--source", "real", "--to")
    assert main([*export, str(tmp_path / "export")]) == 0
    found, notes = measured(
        tmp_path / "e.json",
        real=str(photos),
        samples=str(tmp_path / "export"),
        train=str(photos),
        image_size=SIDE,
        measures=["generalization", "frechet"],
    )
    assert found["frechet_distance"]["value"] == pytest.approx(0, abs=1e-6)
    for metric in ("generalization_score", "nearest_distance_q05", "nearest_distance_q95"):
        assert found[metric]["value"] == 0
    card = str(Reading((SIDE, SIDE, 3), SIDE))
    assert {one["resize"] for one in found.values()} == {card}
    assert "samples: not read: 1 .csv (metadata.csv)" in notes


def test_grey_is_measured_against_colour_as_rgb_and_that_is_said(tmp_path: Path) -> None:
    small_images(tmp_path / "grey", count=12)
    small_images(tmp_path / "colour", count=12, mode="RGB")
    for grey, colour in (("real", "samples"), ("samples", "real")):
        fields = {grey: str(tmp_path / "grey"), colour: str(tmp_path / "colour")}
        out = tmp_path / f"{grey}.json"
        found, notes = measured(out, **fields, measures=["frechet"])
        assert found["frechet_distance"]["resize"] == "4x4 RGB, not resized"
        assert notes == [f"{grey}: all 12 images are grey and read as RGB, as another set's are"]
    asked = {"real": str(tmp_path / "colour"), "samples": str(tmp_path / "grey"), "channels": 1}
    found, notes = measured(tmp_path / "asked.json", **asked, measures=["frechet"])
    assert found["frechet_distance"]["resize"] == "4x4 grey, not resized"
    assert notes == []
