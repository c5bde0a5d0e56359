import copy
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
import xxhash
from safetensors.torch import save_file

from actors.errors import StorageError, UserError
from actors.pool.storage import File, Storage
from tests.disks import mounted


def test_a_file_is_whole_or_absent_when_its_writer_fails(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))

    def fail(file: Path) -> None:
        file.write_bytes(b"half")
        raise RuntimeError("writer died")

    with pytest.raises(RuntimeError, match="writer died"):
        storage.write("a/b", fail)
    assert not storage.exists("a/b")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_record_has_the_bytes_and_checksum_of_what_was_written(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    record = storage.write("a/b.bin", lambda file: file.write_bytes(b"hello"))
    assert record == File("a/b.bin", 5, xxhash.xxh128_hexdigest(b"hello"))
    assert storage.record("a/b.bin") == record
    # of the empty input, as the specification of XXH3 has it
    empty = "99aa06d3014798d86001c324468d497f"  # pragma: allowlist secret
    assert storage.write("e", Path.touch).xxh128 == empty
    large = bytes(range(256)) * 5000
    record = storage.write("large.bin", lambda file: file.write_bytes(large))
    assert record.xxh128 == xxhash.xxh128_hexdigest(large)


def test_any_pyarrow_uri_can_be_a_store(tmp_path: Path) -> None:
    storage = Storage(tmp_path.as_uri())
    storage.write_json("x.json", {"a": 1})
    assert Storage(str(tmp_path)).read_json("x.json") == {"a": 1}


def test_a_store_that_cannot_be_written_is_named() -> None:
    with pytest.raises(UserError, match=r"store: '/proc/ouroboros' cannot be written"):
        Storage("/proc/ouroboros").check_writable()


def test_sweep_removes_stale_temporary_files_only(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    storage.write("kept", lambda file: file.write_bytes(b""))
    (tmp_path / "tmp" / "leftover").write_bytes(b"half")
    storage.sweep(60)
    assert (tmp_path / "tmp" / "leftover").exists()
    storage.sweep(-60)
    assert not (tmp_path / "tmp" / "leftover").exists()
    assert storage.exists("kept")


def test_what_is_stale_is_told_by_the_clock_of_the_store_and_not_by_that_of_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, true = Storage(str(tmp_path)), time.time
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "being written").write_bytes(b"half")
    monkeypatch.setattr(time, "time", lambda: true() + 3601)
    assert abs(storage.now() - true()) < 60
    storage.sweep(3600)
    assert (tmp_path / "tmp" / "being written").exists()


def test_a_sweep_and_a_writer_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    storage, failures = Storage(str(tmp_path)), []

    def write() -> None:
        try:
            for i in range(200):
                storage.write(f"{i}", lambda file: file.write_bytes(b"whole"))
        except Exception as error:  # an error in a thread is not seen otherwise
            failures.append(error)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        storage.sweep(60)
    assert not failures
    assert len(storage.files("")) == 200


WRITERS = {
    "bytes": lambda file: file.write_bytes(bytes(2 << 20)),
    "safetensors": lambda file: save_file({"a": torch.zeros(1 << 19)}, file),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_told_and_nothing_of_the_file_is_left(tmp_path: Path, writer: str) -> None:
    with mounted(tmp_path / "disk", 1 << 20) as disk:
        storage = Storage(str(disk.path / "store"))
        storage.write("before", lambda file: file.write_bytes(bytes(1000)))
        with pytest.raises(StorageError) as caught:
            storage.write("steps/large", WRITERS[writer])
        said = str(caught.value)
        assert said.startswith(f"steps/large: cannot be written in store '{storage.uri}' (")
        assert "No space left on device" in said
        assert said.endswith(" bytes are free there")
        assert "\n" not in said
        assert storage.files("") == ["before"]
        disk.resize(8 << 20)
        storage.write("steps/large", WRITERS[writer])
        assert storage.files("") == ["before", "steps/large"]


def test_a_file_that_is_too_large_for_its_writer_is_told_and_left_out(tmp_path: Path) -> None:
    program = """
import resource, sys
from actors.errors import StorageError
from actors.pool.storage import Storage
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    Storage(sys.argv[1]).write("steps/large", lambda file: file.write_bytes(bytes(2 << 20)))
except StorageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        f"steps/large: cannot be written in store '{tmp_path}' (File too large)\n"
    )
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_error_of_a_store_reads_the_same_in_another_process() -> None:
    error = StorageError("steps/large: cannot be written")
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is StorageError
        assert str(other) == str(error)


def test_a_uri_that_nothing_opens_is_named() -> None:
    with pytest.raises(UserError, match="store: found 'nowhere://a'"):
        Storage("nowhere://a").check_writable()
