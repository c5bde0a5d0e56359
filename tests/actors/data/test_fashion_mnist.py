import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from actors.data.fashion_mnist import DEBIAN, FashionMnist
from actors.errors import UserError
from tests.actors.data.image_files import write

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 2), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5], np.uint8)


def small(path: Path, images: bytes = b"", labels: bytes = b"") -> FashionMnist:
    head = struct.pack(">4I", 0x803, 5, 3, 2)
    content = images or head + IMAGES.tobytes()
    write(path / "train-images-idx3-ubyte.gz", gzip.compress(content, mtime=0))
    content = labels or struct.pack(">2I", 0x801, 5) + LABELS.tobytes()
    write(path / "train-labels-idx1-ubyte.gz", gzip.compress(content, mtime=0))
    return FashionMnist(path=str(path), rows=2, reference_rows=2)


def test_idx_files_are_read(tmp_path: Path) -> None:
    dataset = small(tmp_path)
    images, labels = dataset.read(np.array([4, 2]))
    assert np.array_equal(images[..., 0], IMAGES[[4, 2]])
    assert labels is not None
    assert labels.tolist() == [5, 4]
    assert labels.dtype == np.int64
    assert dataset.info.rows == 5


def test_the_published_set_has_6000_of_each_class() -> None:
    if not Path(DEBIAN).is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    dataset = FashionMnist()
    images, labels = dataset.read(np.arange(60_000))
    assert labels is not None
    assert np.bincount(labels).tolist() == [6000] * 10
    # the first training image is an ankle boot; mean pixel as published for normalising, 0.2860
    assert labels[0] == 9
    assert abs(images.mean() / 255 - 0.2860) < 5e-5
    assert dataset.info.rows == 60_000
    assert FashionMnist(split="test").info.rows == 10_000


def test_the_digest_follows_the_files(tmp_path: Path) -> None:
    before = small(tmp_path).open().digest
    assert small(tmp_path / "copy").open().digest == before
    other = struct.pack(">2I", 0x801, 5) + LABELS[::-1].tobytes()
    assert small(tmp_path, labels=other).open().digest != before


def test_missing_files_are_refused_with_the_package_that_has_them(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="apt install dataset-fashion-mnist"):
        FashionMnist(path=str(tmp_path))


def test_files_of_another_format_are_refused(tmp_path: Path) -> None:
    labels_as_images = struct.pack(">2I", 0x801, 5) + bytes(5)
    with pytest.raises(ValidationError, match=r"magic number is 0x0801; allowed is 0x0803"):
        small(tmp_path, images=labels_as_images)
    with pytest.raises(ValidationError, match=r"5 images, but 4 labels"):
        small(tmp_path / "b", labels=struct.pack(">2I", 0x801, 4) + bytes(4))
    short = small(tmp_path / "c", images=struct.pack(">4I", 0x803, 5, 3, 2) + bytes(29))
    with pytest.raises(UserError, match=r"29 values, but \(5, 3, 2\) in its head"):
        short.read(np.arange(2))
    wrong = small(tmp_path / "d", labels=struct.pack(">2I", 0x801, 5) + bytes([0, 1, 10, 0, 0]))
    with pytest.raises(UserError, match="found label 10"):
        wrong.read(np.arange(2))
    for name in ("images-idx3", "labels-idx1"):
        write(tmp_path / "e" / f"train-{name}-ubyte.gz", b"not gzip")
    with pytest.raises(ValidationError, match=r"cannot be read: Not a gzipped file"):
        FashionMnist(path=str(tmp_path / "e"))
