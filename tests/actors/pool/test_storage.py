import hashlib
import time
from pathlib import Path

import pytest

from actors.errors import UserError
from actors.pool.storage import Storage


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
    assert record == {
        "path": "a/b.bin",
        "bytes": 5,
        "sha256": hashlib.sha256(b"hello").hexdigest(),
    }
    assert storage.record("a/b.bin") == record


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
    storage.sweep(time.time() - 60)
    assert (tmp_path / "tmp" / "leftover").exists()
    storage.sweep(time.time() + 60)
    assert not (tmp_path / "tmp" / "leftover").exists()
    assert storage.exists("kept")
