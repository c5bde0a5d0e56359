import os
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from actors.data.feature_source import Candidates
from actors.data.files import files_below, tables_of_one_split, walk
from actors.data.image_folder import ImageFolder
from actors.data.images import suffixes
from actors.data.parquet import Parquet
from actors.errors import UserError
from actors.features.opening import open_input
from actors.features.pixels import Pixels
from tests.actors.data.image_files import encoded, noise, write


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder of classes of which one is a link, as is a file of another and a folder in it."""
    root = tmp_path / "root"
    for number, name in enumerate(["cat/0.png", "cat/deep/1.png", "owl/2.png"]):
        write(root / name, encoded(noise(number, 4, 4)))
    write(tmp_path / "elsewhere" / "3.png", encoded(noise(3, 4, 4)))
    write(tmp_path / "elsewhere" / "more" / "4.png", encoded(noise(4, 4, 4)))
    write(tmp_path / "single.png", encoded(noise(5, 4, 4)))
    (root / "dog").symlink_to("../elsewhere")
    (root / "owl" / "5.png").symlink_to(tmp_path / "single.png")
    write(tmp_path / "shared" / "6.png", encoded(noise(6, 4, 4)))
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
        write(tmp_path / name, encoded(noise(0, 4, 4)))
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


SIZES = {"train": 5, "test": 3}


def opened(path: Path | str) -> Candidates:
    return open_input(str(path), Pixels())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A DatasetDict as `datasets` saves it."""
    splits = {
        name: datasets.Dataset.from_dict({"e": [[float(i), rows] for i in range(rows)]})
        for name, rows in SIZES.items()
    }
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "saved"))
    return tmp_path / "saved"


def test_a_saved_dataset_dict_asks_for_one_of_its_splits(saved: Path) -> None:
    message = "input: '.*saved' holds the splits 'test', 'train'; allowed is one of them, like .*te"
    with pytest.raises(UserError, match=message):
        opened(saved)


@pytest.mark.parametrize("split", SIZES)
def test_a_saved_split_is_what_datasets_loads_without_the_caches_beside_it(
    split: str, saved: Path
) -> None:
    theirs = datasets.load_from_disk(str(saved / split))
    theirs.map(lambda row: row, cache_file_name=str(saved / split / "cache-1.arrow"))
    source = opened(saved / split)
    assert np.array_equal(source.read(0, source.rows), theirs["e"][:])
    (note,) = source.notes
    assert note.startswith("not read: 2 .json (dataset_info.json, ...), 1 .arrow (cache-1.arrow)")


def test_the_only_split_of_a_saved_dataset_dict_is_read(tmp_path: Path) -> None:
    one = datasets.Dataset.from_dict({"e": [[1.0, 2.0]] * 4})
    datasets.DatasetDict({"all": one}).save_to_disk(str(tmp_path))
    assert opened(tmp_path).rows == 4


def test_tables_named_as_on_the_hub_ask_for_a_split_and_a_pattern_gives_it(tmp_path: Path) -> None:
    for number, name in enumerate(["train-00000-of-00002", "train-00001-of-00002"]):
        pq.write_table(pa.table({"e": [[float(number)]] * 4}), tmp_path / f"{name}.parquet")
    assert opened(tmp_path).rows == 8
    pq.write_table(pa.table({"e": [[9.0]]}), tmp_path / "test-00000-of-00001.parquet")
    with pytest.raises(UserError, match=r"the splits 'test', 'train'; .*like .*/test-\*\.parquet"):
        opened(tmp_path)
    train = opened(f"{tmp_path}/train-*.parquet")
    assert train.read(0, train.rows).ravel().tolist() == [0.0] * 4 + [1.0] * 4


def test_the_loop_asks_for_a_split_too(tmp_path: Path) -> None:
    table = pa.table({"image": [encoded(noise(i, 4, 4)) for i in range(4)]})
    for name in ("train", "test"):
        pq.write_table(table, tmp_path / f"{name}-00000-of-00001.parquet")
    few = {"rows": 2, "reference_rows": 2}
    with pytest.raises(ValidationError, match="holds the splits 'test', 'train'; allowed is one"):
        Parquet.model_validate({"path": str(tmp_path), **few})
    train = Parquet.model_validate({"path": f"{tmp_path}/train-*.parquet", **few})
    assert train.info.rows == 4


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("no JSON", "is not what `datasets` writes"),
        ('{"_data_files": [{"filename": "../a.arrow"}]}', "names '../a.arrow', which is not there"),
    ],
)
def test_a_state_that_is_not_to_be_trusted_is_refused(
    state: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "state.json").write_text(state)
    names = ["a.arrow", "dataset_info.json", "state.json"]
    with pytest.raises(UserError, match=message):
        tables_of_one_split(str(tmp_path), names, (".arrow",))
