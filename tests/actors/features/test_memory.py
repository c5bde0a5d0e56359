import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.data.feature_source import Rows, block_rows, blocks, pick
from actors.data.inputs import check_ids, row_numbers
from actors.errors import UserError
from actors.features import memory
from tests.actors.data.inputs import features
from tests.runs import ROOT

LOAD = """
import sys
from actors.features import memory
from actors.data.embeddings import TableFiles

def anonymous():
    with open("/proc/self/status") as status:
        return sum(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

memory.SHARE = 0
source = TableFiles([sys.argv[1]])
before = anonymous()
features = memory.load(source)
print(anonymous() - before, features.nbytes // 1024, float(features[-1].sum()))
"""


@pytest.mark.parametrize("share", [0, 1])
def test_all_rows_are_loaded_in_memory_or_in_a_file_without_a_name(
    share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SHARE", share)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    done: list[int] = []
    x = features(20_000)
    loaded = memory.load(Rows(x), done.append)
    np.testing.assert_array_equal(loaded, x)
    assert done == [8192, 16384, 20_000]
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_table_larger_than_memory_is_loaded_with_a_bounded_part_of_it_in_memory(
    tmp_path: Path,
) -> None:
    flat = np.random.default_rng(0).random(500_000 * 128, dtype=np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(flat), 128)
    path = tmp_path / "a.parquet"
    # one row group: the worst case
    table = pa.table({"x": column})
    pq.write_table(table, path, row_group_size=500_000, use_dictionary=False, compression="none")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    grown, size, last = map(float, done.stdout.split())
    assert grown < 0.5 * size
    assert last == pytest.approx(flat[-128:].sum(), rel=1e-5)


def test_no_room_for_the_features_is_said_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "SHARE", 0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match=r"No space left on device\); name a folder .* in TMPDIR"):
        memory.load(Rows(features()))


def test_rows_with_nan_or_infinity_are_named() -> None:
    x = features(20_000)
    x[[3, 9, 12_000, 13_000, 14_000, 15_000], 1] = np.nan
    x[17_000, 0] = -np.inf
    message = r"input: rows 3, 9, 12000, 13000, 14000, ... \(7 in all\) hold NaN or infinity"
    with pytest.raises(UserError, match=message):
        memory.load(Rows(x))


def test_picked_rows_come_in_the_order_asked_for() -> None:
    x = features(20_000)
    positions = np.array([19_999, 0, 8192, 8191, 0])
    np.testing.assert_array_equal(pick(Rows(x), positions), x[positions])


def test_blocks_are_small_whatever_the_dimension() -> None:
    assert [start for start, _ in blocks(Rows(features(20_000)))] == [0, 8192, 16384]
    assert block_rows(10**9) == 1
    assert block_rows(1) == 8192


def test_ids_must_be_there_and_differ() -> None:
    check_ids(row_numbers(4))
    with pytest.raises(UserError, match=r"the id 'b' names 2 rows \(1 ids are repeated\)"):
        check_ids(pa.array(["a", "b", "b"]))
    with pytest.raises(UserError, match=r"row 1 \(1 in all\) have no id"):
        check_ids(pa.array(["a", None]))
