from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from actors.data import RealData
from actors.data.image_folder import ImageFolder, classes_of
from actors.errors import UserError
from tests.actors.data.image_files import encoded, noise, write


def fill(path: Path) -> None:
    for i in range(6):
        write(path / ("cat" if i < 2 else "dog") / f"{i}.png", encoded(noise(i, 4, 4)))


def open_folder(path: Path) -> RealData:
    return ImageFolder(path=str(path), rows=2, reference_rows=2)


def test_images_and_labels_are_the_files_and_their_folders(tmp_path: Path) -> None:
    fill(tmp_path)
    dataset = open_folder(tmp_path)
    images, labels = dataset.read(np.array([5, 0, 3]))
    assert np.array_equal(images, [noise(i, 4, 4) for i in (5, 0, 3)])
    assert labels is not None
    assert labels.tolist() == [1, 0, 1]
    assert (dataset.image_shape, dataset.classes) == ((4, 4, 3), 2)


def test_labels_are_the_first_folder_or_none_where_a_file_lies_in_none() -> None:
    count, labels = classes_of(["b/x/1.png", "a/2.png", "b/3.png"])
    assert count == 2
    assert labels is not None
    assert labels.tolist() == [1, 0, 1]
    assert classes_of(["a/1.png", "2.png"]) == (None, None)


def test_the_digest_follows_content_and_names_and_not_the_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        fill(tmp_path / name)
    digests = [open_folder(tmp_path / name).open().digest for name in ("one", "two")]
    assert digests[0] == digests[1]
    (tmp_path / "two" / "dog" / "5.png").write_bytes(encoded(noise(9, 4, 4)))
    (tmp_path / "one" / "dog" / "5.png").rename(tmp_path / "one" / "cat" / "5.png")
    digests += [open_folder(tmp_path / name).open().digest for name in ("one", "two")]
    assert len(set(digests)) == 3


def test_images_that_differ_are_refused_until_a_resize_is_given(tmp_path: Path) -> None:
    fill(tmp_path)
    write(tmp_path / "cat" / "odd.png", encoded(noise(0, 4, 7, 1)))
    fields = {"path": str(tmp_path), "rows": 2, "reference_rows": 2}
    with pytest.raises(ValidationError, match=r"cat/0\.png is 4x4, cat/odd\.png is 7x4; set datas"):
        ImageFolder.model_validate(fields)
    dataset = ImageFolder.model_validate({**fields, "resize": 4})
    assert dataset.read(np.arange(7))[0].shape == (7, 4, 4, 3)
    assert dataset.info.notes == ("1 of 7 images are grey and read as RGB, as the others are",)


def test_a_file_that_is_no_image_is_named_before_anything_runs(tmp_path: Path) -> None:
    fill(tmp_path)
    write(tmp_path / "cat" / "bad.png", b"no image")
    with pytest.raises(ValidationError, match=r"cat/bad\.png: it cannot be decoded"):
        open_folder(tmp_path)


def test_a_file_that_is_cut_short_is_named_when_it_is_read(tmp_path: Path) -> None:
    write(tmp_path / "bad.png", encoded(noise(0, 64, 64))[:-3000])
    for i in range(4):
        write(tmp_path / f"{i}.png", encoded(noise(i, 64, 64)))
    dataset = ImageFolder(path=str(tmp_path), rows=2, reference_rows=2)
    with pytest.raises(UserError, match=r"dataset: bad\.png: it cannot be decoded"):
        dataset.read(np.arange(5))


def test_a_path_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="nowhere' is not there; allowed is a folder"):
        ImageFolder(path=str(tmp_path / "nowhere"))
    with pytest.raises(ValidationError, match=r"has no images; allowed are \.apng"):
        ImageFolder(path=str(tmp_path))
    write(tmp_path / "file", b"")
    with pytest.raises(ValidationError, match="is no folder; allowed is a folder of images"):
        ImageFolder(path=str(tmp_path / "file"))
