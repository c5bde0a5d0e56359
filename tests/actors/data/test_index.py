import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from actors.data import image_folder, index
from actors.data.dataset import DatasetInfo, _opened
from actors.data.files import OWN, Files, hash_files
from actors.data.image_folder import ImageFolder
from tests.actors.data.image_files import encoded, noise, write

FEW = {"rows": 2, "reference_rows": 2}
LONG_AGO = 1_600_000_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of images that were written long ago, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(12):
        put(tmp_path / "images" / f"{number:02}.png", number)
    return tmp_path / "images"


def put(path: Path, seed: int, time: int = LONG_AGO) -> None:
    write(path, encoded(noise(seed, 5, 4, 3)))
    os.utime(path, (time, time))


def info(folder: Path, **fields: Any) -> DatasetInfo:
    """Return what another process would know of a folder."""
    _opened.cache_clear()
    return ImageFolder.model_validate({"path": str(folder), **FEW, **fields}).info


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files were read, each time that any were."""
    read: list[int] = []
    look = image_folder.look_at

    def counting(files: Files) -> index.Index:
        read.append(len(files.names))
        return look(files)

    monkeypatch.setattr(image_folder, "look_at", counting)
    return read


def test_a_folder_is_read_once_however_often_it_is_asked_about(
    folder: Path, looks: list[int]
) -> None:
    first = info(folder)
    assert [info(folder) for _ in range(3)] == [first] * 3
    # another size or colour is another reading from the same index
    assert info(folder, resize=2, channels=1).shape == (2, 2, 1)
    assert looks == [12]
    assert [path.name.startswith(OWN) for path in folder.glob(".*")] == [True]
    # what is kept there is no file of the user's that is not read
    assert first.notes == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: put(folder / "03.png", 99, LONG_AGO + 1),
        lambda folder: put(folder / "12.png", 12),
        lambda folder: (folder / "05.png").unlink(),
        lambda folder: (folder / "05.png").rename(folder / "50.png"),
    ],
    ids=["content", "more", "fewer", "renamed"],
)
def test_a_changed_file_is_noticed(
    change: Callable[[Path], None], folder: Path, looks: list[int]
) -> None:
    before = info(folder)
    change(folder)
    after = info(folder)
    assert after.digest != before.digest
    assert len(looks) == 2
    for path in folder.glob(f"{OWN}*"):
        path.unlink()
    assert info(folder) == after


def test_a_link_to_nothing_is_one_line(folder: Path) -> None:
    (folder / "gone.png").symlink_to("nowhere")
    with pytest.raises(ValidationError, match=r"path '.*/gone\.png': No such file or directory"):
        info(folder)


def test_another_time_alone_is_read_once_more_to_the_same_end(
    folder: Path, looks: list[int]
) -> None:
    before = info(folder)
    os.utime(folder / "07.png", (LONG_AGO + 1, LONG_AGO + 1))
    assert info(folder) == before
    assert len(looks) == 2


def test_nothing_is_kept_of_files_that_were_written_a_moment_ago(
    folder: Path, looks: list[int]
) -> None:
    write(folder / "03.png", encoded(noise(99, 5, 4, 3)))
    assert info(folder) == info(folder)
    assert len(looks) == 2


def test_facts_of_a_folder_that_cannot_be_written_are_kept_in_the_cache(
    folder: Path, looks: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = index._write

    def refuse(place: Path, text: str) -> None:
        if folder in place.parents:
            raise PermissionError
        plain(place, text)

    monkeypatch.setattr(index, "_write", refuse)
    assert info(folder) == info(folder)
    assert looks == [12]
    assert not list(folder.glob(".*"))
    assert len(list((tmp_path / "cache" / "ouroboros").iterdir())) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"state": 1}'])
def test_facts_that_cannot_be_read_are_found_again(
    content: str, folder: Path, looks: list[int]
) -> None:
    first = info(folder)
    (kept,) = folder.glob(f"{OWN}*")
    kept.write_text(content)
    assert info(folder) == first
    assert looks == [12, 12]
    assert "digest" in json.loads(kept.read_text())


def test_several_processes_find_what_threads_find(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_threads = info(folder)
    (kept,) = folder.glob(f"{OWN}*")
    kept.unlink()
    monkeypatch.setattr(image_folder, "FOR_THREADS", 1)
    monkeypatch.setattr(image_folder, "TOGETHER", 5)
    shown: list[tuple[str, int, int]] = []
    with index.shown(lambda *said: shown.append(said)):
        assert info(folder) == by_threads
    assert shown == [("images", done, 12) for done in range(1, 13)]


def test_the_bytes_of_large_files_are_shown_as_they_are_read(folder: Path) -> None:
    names = [f"{number:02}.png" for number in range(12)]
    size = sum((folder / name).stat().st_size for name in names)
    shown: list[tuple[str, int, int]] = []
    with index.shown(lambda *said: shown.append(said)):
        source = ImageFolder.model_construct(path=str(folder)).open()
        assert source.digest == hash_files(str(folder), names)
    assert len(shown) == 12
    assert shown == sorted(shown)
    assert shown[-1] == ("bytes", size, size)
