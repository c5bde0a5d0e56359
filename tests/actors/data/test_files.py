import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.data import ImageFolder
from actors.data.files import files_below, walk
from actors.data.images import suffixes
from actors.errors import UserError
from tests.actors.data.fixtures import noise, png, write
from tests.actors.data.pictures import encoded


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder of classes of which one is a link, as is a file of another and a folder in it."""
    root = tmp_path / "root"
    for number, name in enumerate(["cat/0.png", "cat/deep/1.png", "owl/2.png"]):
        write(root / name, png(noise(number, 4, 4)))
    write(tmp_path / "elsewhere" / "3.png", png(noise(3, 4, 4)))
    write(tmp_path / "elsewhere" / "more" / "4.png", png(noise(4, 4, 4)))
    write(tmp_path / "single.png", png(noise(5, 4, 4)))
    (root / "dog").symlink_to("../elsewhere")
    (root / "owl" / "5.png").symlink_to(tmp_path / "single.png")
    write(tmp_path / "shared" / "6.png", png(noise(6, 4, 4)))
    (root / "owl" / "more").symlink_to(tmp_path / "shared")
    return root


def test_links_to_folders_and_files_are_followed_as_torchvision_follows_them(linked: Path) -> None:
    torchvision: Any = pytest.importorskip("torchvision.datasets")
    theirs = torchvision.ImageFolder(str(linked))
    expected = {os.path.relpath(path, linked): label for path, label in theirs.samples}
    assert len(expected) == 7
    names = files_below(str(linked), suffixes())
    assert names == sorted(expected)
    dataset = ImageFolder(path=str(linked), rows=2, reference_rows=2)
    images, labels = dataset.read(np.arange(7))
    assert labels is not None
    assert dict(zip(names, labels.tolist(), strict=True)) == expected
    by_number = [noise(int(Path(name).stem), 4, 4) for name in names]
    assert np.array_equal(images, by_number)


def test_loops_and_folders_that_two_links_lead_to_are_read_once_and_named(linked: Path) -> None:
    before = files_below(str(linked), (".png",))
    (linked / "cat" / "up").symlink_to("..")
    (linked / "cat" / "deep" / "self").symlink_to(".")
    (linked / "aaa").symlink_to("owl")
    (linked / "wolf").symlink_to("../elsewhere")
    (linked / "owl" / "round.png").symlink_to("round.png")
    found = walk(str(linked))
    assert [name for name in found.names if name != "owl/round.png"] == before
    assert sorted(found.repeated) == ["aaa", "cat/deep/self", "cat/up", "wolf"]
    (note,) = found.passed_over(found.names)
    assert note == "links to folders that are read under another name: 4 (aaa, ...)"


def test_what_is_not_read_is_counted_by_kind_and_named(tmp_path: Path) -> None:
    for name in ("a.png", "b.txt", "c/d.TXT", "c/metadata.csv", "README", ".DS_Store", ".git/x"):
        write(tmp_path / name, png(noise(0, 4, 4)))
    found = walk(str(tmp_path))
    assert found.passed_over([n for n in found.names if n.endswith(".png")]) == (
        "not read: 2 .txt (b.txt, ...), 2 hidden (.DS_Store, ...), 1 without suffix (README), "
        "1 .csv (c/metadata.csv)",
    )
    assert found.passed_over(found.names) == ("not read: 2 hidden (.DS_Store, ...)",)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"folder '.*gone/': No such file or directory"):
        walk(str(tmp_path / "gone"))


@pytest.mark.parametrize("suffix", ["ppm", "pgm", "jfif", "avif", "jp2", "tga", "JPE"])
def test_what_pillow_opens_is_read_whatever_its_suffix(suffix: str, tmp_path: Path) -> None:
    if f".{suffix}".lower() not in suffixes():
        pytest.skip("this Pillow is built without it")
    kind = {"pgm": "ppm", "jfif": "jpeg", "jp2": "jpeg2000", "JPE": "jpeg"}.get(suffix, suffix)
    for number in range(4):
        write(tmp_path / f"{number}.{suffix}", encoded(noise(number, 16, 16), kind))
    dataset = ImageFolder(path=str(tmp_path), rows=2, reference_rows=2)
    assert dataset.read(np.arange(4))[0].shape == (4, 16, 16, 3)
