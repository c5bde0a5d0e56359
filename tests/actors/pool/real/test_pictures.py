from typing import Any

import numpy as np
import pytest
from PIL import Image

from actors.errors import UserError
from actors.pool.real.pictures import common_shape, decode, decode_all, read_header
from actors.pool.real.source import Header, Item
from tests.actors.pool.real.fixtures import noise, png


@pytest.mark.parametrize(("height", "width"), [(37, 64), (64, 37), (33, 33), (16, 16), (5, 9)])
@pytest.mark.parametrize("side", [16, 15])
def test_resizing_is_torchvisions_as_in_the_example_of_diffusers(
    height: int, width: int, side: int
) -> None:
    transforms: Any = pytest.importorskip("torchvision.transforms")
    pixels = noise(0, height, width)
    published = transforms.Compose(
        [
            transforms.Resize(side, interpolation=transforms.InterpolationMode.BILINEAR),
            transforms.CenterCrop(side),
        ]
    )
    expected = np.asarray(published(Image.fromarray(pixels).convert("RGB")))
    assert np.array_equal(decode(png(pixels), 3, side), expected)


def test_the_crop_is_the_centre() -> None:
    stripes = np.repeat(np.arange(8, dtype=np.uint8)[None], 4, axis=0)
    # shorter side 4 is 4 already: columns 2 to 5 of 0 to 7 remain
    assert decode(png(stripes), 1, 4)[0, :, 0].tolist() == [2, 3, 4, 5]


def test_grey_becomes_colour_and_colour_grey_by_the_weights_of_bt_601() -> None:
    grey = noise(1, 3, 5, 1)
    assert np.array_equal(decode(png(grey), 3, None), np.repeat(grey[..., None], 3, axis=2))
    colour = noise(2, 3, 5)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(png(colour), 1, None)[..., 0] - luma).max() <= 1


def test_sixteen_bits_are_cut_to_the_upper_eight_and_transparency_is_dropped() -> None:
    deep = np.random.default_rng(0).integers(0, 2**16, (4, 4), dtype=np.uint16)
    assert np.array_equal(decode(png(deep), 1, None)[..., 0], deep >> 8)
    clear = noise(0, 4, 4, 4)
    assert np.array_equal(decode(png(clear), 3, None), clear[..., :3])


def test_headers_tell_grey_from_colour() -> None:
    assert read_header("a", png(noise(0, 3, 5, 1))) == (5, 3, 1)
    assert read_header("a", png(noise(0, 3, 5))) == (5, 3, 3)
    assert read_header("a", noise(0, 3, 5, 1)[..., None]) == (5, 3, 1)
    with pytest.raises(UserError, match=r"^a: cannot be decoded: its content is no image"):
        read_header("a", b"no image")
    with pytest.raises(UserError, match="floats"):
        read_header("a", _tiff(np.zeros((2, 2), np.float32)))


def test_images_that_differ_are_named_with_what_to_set() -> None:
    wide, tall, grey = Header(5, 3, 3), Header(3, 5, 3), Header(5, 3, 1)
    sizes = [("a", wide), ("b", tall)]
    with pytest.raises(UserError, match=r"size: a is 5x3, b is 3x5; set dataset\.resize"):
        common_shape(sizes, None, None)
    assert common_shape(sizes, 4, None) == (4, 4, 3)
    kinds = [("a", wide), ("b", grey)]
    with pytest.raises(UserError, match=r"a is colour, b is grey; set dataset\.channels to 1 or 3"):
        common_shape(kinds, None, None)
    assert common_shape(kinds, None, 1) == (3, 5, 1)


def test_many_images_come_back_where_they_belong_whatever_the_order_they_are_read_in() -> None:
    images = [noise(i, 6, 6) for i in range(600)]
    order = np.random.default_rng(0).permutation(600).tolist()
    items = (Item(i, f"row {i}", png(images[i])) for i in order)
    assert np.array_equal(decode_all(items, (600, 6, 6, 3), None), images)


def test_an_image_that_is_broken_or_of_another_shape_is_named() -> None:
    whole = png(noise(0, 64, 64))
    with pytest.raises(UserError, match=r"^dataset: row 7: cannot be decoded: "):
        decode_all(iter([Item(0, "row 7", whole[:-2000])]), (1, 64, 64, 3), None)
    with pytest.raises(UserError, match=r"row 7 is \(64, 64, 3\) now, but was \(1, 1, 3\)"):
        decode_all(iter([Item(0, "row 7", whole)]), (1, 1, 1, 3), None)


def _tiff(pixels: np.ndarray) -> bytes:
    from io import BytesIO

    file = BytesIO()
    Image.fromarray(pixels).save(file, "tiff")
    return file.getvalue()
