import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.data.embeddings import TableFiles
from actors.data.feature_source import Rows, block_rows, blocks, check_ids, pick
from actors.errors import UserError
from actors.features import memory
from actors.features.memory import memory_left
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SHARE", 0)
    path = tmp_path / "features.parquet"
    pq.write_table(pa.table({"features": features().tolist()}), path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match=r"No space left on device\); name a folder .* in TMPDIR"):
        memory.load(TableFiles([str(path)]))


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
    check_ids(pa.array(["0", "1"]))
    with pytest.raises(UserError, match=r"the id 'b' names 2 rows \(1 ids are repeated\)"):
        check_ids(pa.array(["a", "b", "b"]))
    with pytest.raises(UserError, match=r"row 1 \(1 in all\) have no id"):
        check_ids(pa.array(["a", None]))


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


def v2(group: str, limit: str, used: int = 300, inactive: int = 50) -> dict[str, str]:
    return {
        f"sys/fs/cgroup/{group}memory.max": limit,
        f"sys/fs/cgroup/{group}memory.current": str(used),
        f"sys/fs/cgroup/{group}memory.stat": f"anon 200\ninactive_file {inactive}",
    }


def v1(group: str, limit: int) -> dict[str, str]:
    return {
        f"sys/fs/cgroup/memory/{group}memory.limit_in_bytes": str(limit),
        f"sys/fs/cgroup/memory/{group}memory.usage_in_bytes": "300",
        f"sys/fs/cgroup/memory/{group}memory.stat": "inactive_file 1\ntotal_inactive_file 50",
    }


def test_a_limit_leaves_what_is_not_used_or_can_be_given_back(tmp_path: Path) -> None:
    assert memory_left(tree(tmp_path / "two", v2("", "1000"))) == 750
    one = v1("", 1000) | {"proc/self/cgroup": "4:memory:/"}
    assert memory_left(tree(tmp_path / "one", one)) == 750


def test_nothing_is_left_past_a_limit(tmp_path: Path) -> None:
    assert memory_left(tree(tmp_path, v2("", "200"))) == 0


@pytest.mark.parametrize(
    "files",
    [
        {},
        v2("", "max"),
        {"sys/fs/cgroup/memory.max": "1000"},
        {"proc/self/cgroup": "0::/user.slice"},
        v1("", 10) | {"proc/self/cgroup": "1:cpu:/\n0::/"},
    ],
)
def test_max_and_absent_files_mean_no_limit(files: dict[str, str], tmp_path: Path) -> None:
    assert memory_left(tree(tmp_path, files)) == math.inf


def test_the_tightest_of_the_groups_around_a_process_counts(tmp_path: Path) -> None:
    job = {"proc/self/cgroup": "0::/slurm/job_7/step_0"}
    groups = v2("slurm/job_7/step_0/", "max") | v2("slurm/job_7/", "900") | v2("slurm/", "9000")
    assert memory_left(tree(tmp_path / "two", job | groups)) == 650
    job = {"proc/self/cgroup": "9:cpu:/a\n4:memory:/slurm/job_7\n0::/"}
    assert memory_left(tree(tmp_path / "one", job | v1("slurm/job_7/", 700) | v1("", 2**63))) == 450


def test_a_container_that_is_told_the_path_of_the_host_finds_its_limit(tmp_path: Path) -> None:
    group = {"proc/self/cgroup": "4:memory:/docker/3fa9"}
    assert memory_left(tree(tmp_path, group | v1("", 1000))) == 750


def test_available_memory_is_the_smaller_of_the_machine_s_and_the_limit_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "memory_left", lambda: 4096.0)
    assert memory.available_memory() == 4096
    monkeypatch.setattr(memory, "memory_left", lambda: math.inf)
    assert 4096 < memory.available_memory() < 2**63
