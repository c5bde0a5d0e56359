from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from actors.data import Parquet
from actors.data.inputs import Candidates
from actors.data.splits import tables_of_one_split
from actors.errors import UserError
from actors.features.opening import open_input
from actors.features.pixels import Pixels
from tests.actors.data.fixtures import noise, png

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
    table = pa.table({"image": [png(noise(i, 4, 4)) for i in range(4)]})
    for name in ("train", "test"):
        pq.write_table(table, tmp_path / f"{name}-00000-of-00001.parquet")
    few = {"rows": 2, "reference_rows": 2}
    with pytest.raises(ValidationError, match="holds the splits 'test', 'train'; allowed is one"):
        Parquet.model_validate({"path": str(tmp_path), **few})
    train = Parquet.model_validate({"path": f"{tmp_path}/train-*.parquet", **few})
    assert train.facts.rows == 4


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
