import os
import zlib
from io import BytesIO
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from actors.data.images import decode, read_header, suffixes
from actors.errors import UserError
from tests.actors.data.image_files import encoded, noise, photo, turned


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
    assert np.array_equal(decode(encoded(pixels), 3, side), expected)


def test_the_crop_is_the_centre() -> None:
    stripes = np.repeat(np.arange(8, dtype=np.uint8)[None], 4, axis=0)
    # shorter side 4 is 4 already: columns 2 to 5 of 0 to 7 remain
    assert decode(encoded(stripes), 1, 4)[0, :, 0].tolist() == [2, 3, 4, 5]


def test_grey_becomes_colour_and_colour_grey_by_the_weights_of_bt_601() -> None:
    grey = noise(1, 3, 5, 1)
    assert np.array_equal(decode(encoded(grey), 3, None), np.repeat(grey[..., None], 3, axis=2))
    colour = noise(2, 3, 5)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(encoded(colour), 1, None)[..., 0] - luma).max() <= 1


@pytest.mark.parametrize("orientation", [*range(1, 9), 0, 77])
@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp", "mpo"])
def test_a_turned_picture_is_read_upright_as_pillow_turns_it(orientation: int, kind: str) -> None:
    options: dict[str, Any] = {"quality": 95} if kind in ("jpeg", "mpo") else {}
    file = encoded(photo(0, 20, 33), kind, exif=turned(orientation), **options)
    with Image.open(BytesIO(file)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    found = decode(file, 3, None)
    assert np.array_equal(found, expected)
    sideways = orientation in (5, 6, 7, 8)
    assert found.shape == ((33, 20, 3) if sideways else (20, 33, 3))
    assert read_header(file)[:2] == read_header(file, whole=True)[:2] == found.shape[1::-1]


def test_an_upright_png_and_its_turned_twin_are_equal_before_and_after_resizing() -> None:
    pixels = photo(3, 40, 60)
    upright = encoded(pixels)
    undo = (
        *(Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180),
        *(Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90),
        *(Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270),
    )
    for orientation, turn in enumerate(undo, 2):
        twin = encoded(Image.fromarray(pixels).transpose(turn), exif=turned(orientation))
        for side in (None, 32):
            assert np.array_equal(decode(twin, 3, side), decode(upright, 3, side))


def test_exif_after_the_pixels_counts_and_broken_exif_says_nothing() -> None:
    pixels = photo(4, 20, 33)
    early = encoded(pixels, exif=turned(6))
    start = early.index(b"eXIf") - 4
    chunk = early[start : start + 12 + int.from_bytes(early[start : start + 4], "big")]
    late = early.replace(chunk, b"")
    late = late[:-12] + chunk + late[-12:]
    assert np.array_equal(decode(late, 3, None), np.rot90(pixels, -1))
    broken = encoded(pixels, "jpeg", exif=b"Exif\0\0 no TIFF header")
    with Image.open(BytesIO(broken)) as image:
        assert np.array_equal(decode(broken, 3, None), np.asarray(image))
    assert read_header(broken)[:2] == (33, 20)


def test_transparent_pixels_are_composed_over_white_and_their_hidden_colour_is_not_seen() -> None:
    clear = noise(0, 9, 7, 4)
    clear[:3, :, 3], clear[3:6, :, 3] = 0, 255
    share = clear[..., 3:] / 255
    expected = share * clear[..., :3] + (1 - share) * 255
    found = decode(encoded(clear), 3, None)
    assert np.abs(found - expected).max() <= 1
    assert np.array_equal(found[:3], np.full((3, 7, 3), 255))
    assert np.array_equal(found[3:6], clear[3:6, :, :3])
    assert np.array_equal(decode(clear, 3, None), found)


def test_every_way_of_being_transparent_is_white() -> None:
    grey = np.array([[[10, 0], [200, 255]]], np.uint8)
    assert decode(encoded(Image.fromarray(grey)), 1, None).ravel().tolist() == [255, 200]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    for kind in ("gif", "png"):
        found = decode(encoded(palette, kind, transparency=0), 3, None)
        assert found.tolist() == [[[255, 255, 255], [0, 0, 255]]]
    keyed = _png(2, 8, b"\0" + bytes([10, 200]), pack(">H", 10))
    assert decode(keyed, 1, None).ravel().tolist() == [255, 200]
    deep = _png(2, 16, b"\0" + pack(">HH", 4000, 65535), pack(">H", 4000))
    assert decode(deep, 1, None).ravel().tolist() == [255, 255]


def test_of_sixteen_bits_the_upper_eight_are_read() -> None:
    deep = np.random.default_rng(0).integers(0, 2**16, (4, 4), dtype=np.uint16)
    for kind in ("png", "tiff", "ppm"):
        assert np.array_equal(decode(encoded(deep, kind), 1, None)[..., 0], deep >> 8)
        assert np.array_equal(decode(encoded(deep, kind), 3, None)[..., 2], deep >> 8)
    assert decode(encoded(np.zeros((2, 2), np.uint16)), 1, None).max() == 0
    # 10 bits in the file are 16 in Pillow
    graymap = b"P5 2 1 1023\n" + pack(">HH", 512, 1023)
    assert decode(graymap, 1, None).ravel().tolist() == [128, 255]


def test_twelve_bits_of_tiff_are_no_darker() -> None:
    # 100 and 4000 of 4095, packed as TIFF packs them: 0x064 and 0xFA0
    entries = [(256, 3, 2), (257, 3, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    entries += [(277, 3, 1), (278, 3, 1), (279, 4, 3)]
    directory = b"".join(pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    body = b"\x06\x4f\xa0".ljust(4, b"\0")
    tiff = b"II*\0" + pack("<I", 12) + body + pack("<H", len(entries)) + directory + bytes(4)
    assert decode(tiff, 1, None).ravel().tolist() == [100 >> 4, 4000 >> 4]


@pytest.mark.parametrize(
    ("pixels", "kind", "message"),
    [
        (np.arange(256, dtype=np.int32).reshape(16, 16), "tiff", "integers of 32 or signed ones"),
        (np.ones((2, 2), np.float32), "tiff", "its pixels are floats, which have no agreed range"),
        (np.arange(256, dtype=np.uint16).reshape(16, 16), "tiff", "16 bits and at most 255, which"),
        (np.arange(256, dtype=np.uint16).reshape(16, 16), "png", "16 bits and at most 255, which"),
    ],
)
def test_what_would_be_black_or_of_an_unknown_range_is_refused(
    pixels: np.ndarray, kind: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        decode(encoded(pixels, kind), 1, None)


def test_headers_tell_grey_from_colour_and_one_frame_from_several() -> None:
    assert read_header(encoded(noise(0, 3, 5, 1))) == (5, 3, 1, False)
    assert read_header(encoded(noise(0, 3, 5))) == (5, 3, 3, False)
    assert read_header(noise(0, 3, 5, 1)[..., None]) == (5, 3, 1, False)
    frames = [Image.fromarray(noise(i, 6, 4)) for i in range(3)]
    for kind in ("gif", "png", "webp", "tiff", "mpo"):
        for number in (1, 3):
            file = encoded(frames[0], kind, save_all=True, append_images=frames[1:number])
            assert read_header(file).several_frames == (number > 1), kind
    assert np.array_equal(
        decode(encoded(frames[0], "png", save_all=True, append_images=frames[1:]), 3, None),
        noise(0, 6, 4),
    )


def test_what_is_no_image_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it cannot be decoded: its content is no image that Pil"):
        read_header(b"no image")
    with pytest.raises(UserError, match="it cannot be decoded: "):
        decode(encoded(noise(0, 64, 64))[:-2000], 3, None)
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("pipe.png", "missing.png"):
        with pytest.raises(UserError, match="it is no regular file"):
            read_header(str(tmp_path / name))


def test_every_suffix_whose_pictures_pillow_can_write_and_read_here_is_known() -> None:
    image = Image.fromarray(noise(0, 16, 16))
    written = {}
    for suffix, kind in Image.registered_extensions().items():
        try:
            file = encoded(image, kind)
            with Image.open(BytesIO(file)) as opened:
                opened.load()
        except (OSError, KeyError, ValueError, SystemError):
            continue
        written[suffix] = file
    # PostScript is a program, which is not run
    assert {*written} - {".ps", ".eps"} <= {*suffixes()}
    assert {*suffixes()} >= {".jpg", ".jfif", ".ppm", ".pgm", ".tga", ".qoi", ".psd", ".ico"}
    for suffix, library in ((".avif", "avif"), (".webp", "webp"), (".jp2", "jpg_2000")):
        assert (suffix in suffixes()) == features.check(library)
    assert not {".h5", ".pdf", ".eps", ".mpg", ".npy", ".txt"} & {*suffixes()}
    for suffix in {*written} & {*suffixes()}:
        assert decode(written[suffix], 3, 8).shape == (8, 8, 3), suffix


def _png(width: int, bits: int, raw: bytes, key: bytes) -> bytes:
    """Return a grey PNG file of one row in which one level is transparent."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", pack(">IIBBBBB", width, 1, bits, 0, 0, 0, 0))
    body = chunk(b"tRNS", key) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body
