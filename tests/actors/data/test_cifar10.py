import pickle
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from actors.data.cifar10 import Cifar10
from tests.actors.data.image_files import noise, write

IMAGES = [noise(i, 32, 32) for i in range(10)]


def fill(path: Path) -> None:
    for batch in range(5):
        records = b""
        for i in (2 * batch, 2 * batch + 1):
            # a label, then all of red, all of green, all of blue, each row by row
            planes = [IMAGES[i][:, :, channel].tobytes() for channel in range(3)]
            records += bytes([i]) + b"".join(planes)
        write(path / f"data_batch_{batch + 1}.bin", records)


def open_cifar10(path: Path) -> Cifar10:
    return Cifar10(path=str(path), rows=2, reference_rows=2)


def test_binary_batches_are_read_in_order(tmp_path: Path) -> None:
    fill(tmp_path)
    dataset = open_cifar10(tmp_path)
    images, labels = dataset.read(np.array([9, 0, 5]))
    assert np.array_equal(images, [IMAGES[9], IMAGES[0], IMAGES[5]])
    assert labels is not None
    assert labels.tolist() == [9, 0, 5]
    assert (dataset.image_shape, dataset.classes) == ((32, 32, 3), 10)


def test_the_digest_follows_the_files(tmp_path: Path) -> None:
    fill(tmp_path)
    before = open_cifar10(tmp_path).open().digest
    (tmp_path / "data_batch_5.bin").write_bytes(bytes(3073))
    assert open_cifar10(tmp_path).open().digest != before


def test_the_pickled_version_is_refused_unread_with_what_works_instead(tmp_path: Path) -> None:
    write(tmp_path / "data_batch_1", pickle.dumps(_Trap()))
    with pytest.raises(
        ValidationError, match=r"a pickle of .* any code; .* data_batch_1\.bin"
    ) as e:
        Cifar10(path=str(tmp_path))
    assert "no path, which takes uoft-cs/cifar10 from the hub" in str(e.value)


def test_a_missing_or_broken_batch_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no' is not there; allowed is a folder with data_b"):
        Cifar10(path=str(tmp_path / "no"))
    write(tmp_path / "a.tar.gz", b"")
    with pytest.raises(ValidationError, match=r"a\.tar\.gz' is a file \(unpack an archive first\)"):
        Cifar10(path=str(tmp_path / "a.tar.gz"))
    fill(tmp_path)
    (tmp_path / "data_batch_4.bin").write_bytes(bytes(3072))
    with pytest.raises(ValidationError, match=r"data_batch_4\.bin' has 3072 bytes; .* of 3073"):
        Cifar10(path=str(tmp_path))
    (tmp_path / "data_batch_4.bin").unlink()
    with pytest.raises(ValidationError, match=r"lacks data_batch_4\.bin"):
        Cifar10(path=str(tmp_path))


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("the pickle was loaded",)
