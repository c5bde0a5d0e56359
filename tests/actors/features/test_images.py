import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actors.errors import UserError
from tests.actors.data.inputs import folder, images


def test_features_are_those_of_the_pixels_and_ids_the_paths(tmp_path: Path) -> None:
    source = folder(images(tmp_path))
    assert source.ids().to_pylist() == [
        "a/0.png",
        "a/2.png",
        "a/4.png",
        *["b/1.png", "b/3.png", "b/5.png"],
    ]
    origins = source.origins()
    assert origins is not None
    assert origins.to_pylist() == list("aaabbb")
    assert (source.rows, source.dimension, source.reading.shape) == (6, 16, (4, 4, 1))
    pixels = np.asarray(Image.open(tmp_path / "a" / "2.png"))
    np.testing.assert_array_equal(source.images(np.array([1]))[0, :, :, 0], pixels)
    for one in (source, pickle.loads(pickle.dumps(source))):
        np.testing.assert_allclose(one.read(1, 2)[0], pixels.ravel() / 127.5 - 1, rtol=1e-6)


def test_images_without_subfolders_have_no_source(tmp_path: Path) -> None:
    for file in images(tmp_path / "x").rglob("*.png"):
        file.rename(tmp_path / file.name)
    assert folder(tmp_path).origins() is None


@pytest.mark.parametrize(
    ("modes", "channels"), [(("L", "1", "LA"), 1), (("L", "RGB"), 3), (("RGBA", "P"), 3)]
)
def test_modes_become_grey_where_all_are_grey_and_colour_otherwise(
    modes: tuple[str, ...], channels: int, tmp_path: Path
) -> None:
    for mode in modes:
        Image.new(mode, (4, 4)).save(tmp_path / f"{mode}.png")
    assert folder(tmp_path).read(0, len(modes)).shape == (len(modes), 16 * channels)


def test_images_of_two_sizes_are_an_error_that_names_two(tmp_path: Path) -> None:
    images(tmp_path)
    Image.new("L", (5, 4)).save(tmp_path / "b" / "z.png")
    message = r"a/0.png is 4x4, b/z.png is 5x4; set --image-size to resize"
    with pytest.raises(UserError, match=message):
        folder(tmp_path)


def truncated(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])


def test_a_broken_image_is_an_error_that_names_it(tmp_path: Path) -> None:
    images(tmp_path, side=32)
    truncated(tmp_path / "b" / "3.png")
    with pytest.raises(UserError, match=r"b/3.png: it cannot be decoded: .*; --skip-bad goes on"):
        folder(tmp_path).read(0, 6)
    (tmp_path / "a" / "2.png").write_text("no image")
    with pytest.raises(UserError, match=r"a/2.png: it cannot be decoded: its content is no image"):
        folder(tmp_path)


def test_broken_images_can_be_skipped_and_are_listed(tmp_path: Path) -> None:
    images(tmp_path, side=32)
    truncated(tmp_path / "b" / "3.png")
    (tmp_path / "a" / "2.png").write_text("no image")
    source = folder(tmp_path, skip_bad=True)
    assert source.names == ("a/0.png", "a/4.png", "b/1.png", "b/5.png")
    assert source.read(0, 4).shape == (4, 32 * 32)
    assert [line.split(":")[0] for line in source.skipped] == ["a/2.png", "b/3.png"]


def test_a_name_that_is_no_regular_file_is_a_broken_image(tmp_path: Path) -> None:
    images(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "dangling.png").symlink_to("nowhere")
    source = folder(tmp_path, skip_bad=True)
    assert source.rows == 6
    assert [line.split(":")[0] for line in source.skipped] == ["dangling.png", "pipe.png"]


def test_a_folder_of_broken_images_is_an_error_even_when_they_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(UserError, match=r"none of the 1 images in .* can be decoded"):
        folder(tmp_path, skip_bad=True)
