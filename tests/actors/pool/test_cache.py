"""Copies of the files of a store on S3: how many bytes they may have, and who makes them."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pytest

from actors.errors import UserError
from actors.pool import cache, schema, shards
from actors.pool.storage import REQUESTS, Storage
from tests.runs import ROOT
from tests.s3 import Bucket, serve

SIZE = 100_000
FILES = [f"steps/train/x/{number}" for number in range(8)]


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where copies of remote files lie
    with serve() as bucket:
        for number, file in enumerate(FILES):
            content = bytes([number]) * SIZE
            bucket.client.put_object(Bucket="bucket", Key=f"folder/{file}", Body=content)
        yield bucket


def copies() -> dict[str, int]:
    """Return the size of every copy by its name."""
    files = [path for path in cache.folder().glob("*/steps/train/x/*") if path.is_file()]
    return {path.name: path.stat().st_size for path in files}


def test_past_the_limit_the_copies_unused_for_longest_go(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.LIMIT_VARIABLE, str(3 * SIZE))
    monkeypatch.setattr(cache, "OPENING_SECONDS", 0)
    storage = Storage(bucket.uri())
    for file in FILES[:3]:
        storage.local(file)
    assert set(copies()) == {"0", "1", "2"}
    storage.local(FILES[0])
    storage.local(FILES[3])
    assert set(copies()) == {"0", "2", "3"}
    # of another store of the same user
    Storage(bucket.uri() + "&allow_bucket_creation=false").local(FILES[4])
    assert set(copies()) == {"0", "3", "4"}
    assert storage.local(FILES[1]).read_bytes() == b"\1" * SIZE


def test_a_copy_that_is_mapped_is_read_on_and_one_about_to_be_opened_stays(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "1")
    storage = Storage(bucket.uri())
    for file in FILES[:4]:
        assert storage.local(file).stat().st_size == SIZE
    assert len(copies()) == 4
    images = np.random.default_rng(0).integers(0, 256, (90, 8, 8, 1), np.uint8)
    paths = [shards.shard_path("steps/sample/s", first) for first in (0, 30, 60)]
    for number, path in enumerate(paths):
        rows = images[30 * number : 30 * number + 30]
        shards.write_table(storage, path, pa.table({"image": schema.tensor_array(rows)}))
    gather = shards.Gather(storage, paths, "image")
    # not before all three are mapped: they are fetched side by side
    monkeypatch.setattr(cache, "OPENING_SECONDS", 0)
    storage.local(FILES[5])
    assert set(copies()) == {"5"}
    assert not list(cache.folder().rglob("*.arrow"))
    assert np.array_equal(gather[np.arange(90)], images)


READER = """
import random, sys
from actors.pool import cache
from actors.pool.storage import Storage

storage, files = Storage(sys.argv[1]), sys.argv[2:]
cache.OPENING_SECONDS = 0.5
random.seed()
for file in random.choices(files, k=60):
    assert storage.local(file).read_bytes() == bytes([int(file[-1])]) * 100_000
"""


def test_several_processes_share_copies_below_one_limit(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.LIMIT_VARIABLE, str(3 * SIZE))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [sys.executable, "-c", READER, bucket.uri(), *FILES]
    readers = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [reader.communicate(timeout=120)[1] for reader in readers]
    assert not any(reader.returncode for reader in readers), said
    monkeypatch.setattr(cache, "OPENING_SECONDS", 0)
    Storage(bucket.uri()).forget(FILES[0])
    Storage(bucket.uri()).local(FILES[0])
    assert sum(copies().values()) <= 3 * SIZE


def test_a_file_that_several_want_is_fetched_once(bucket: Bucket) -> None:
    storage = Storage(bucket.uri())
    before = bucket.network.requests
    storage.local(FILES[0])
    one = bucket.network.requests - before
    before = bucket.network.requests
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(storage.local, [FILES[1]] * 8))) == 1
    assert bucket.network.requests - before == one


def test_a_copy_made_since_one_looked_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    copy, partial = cache.folder() / "store" / "copy", tmp_path / "partial"
    fetched = []

    def fill(sink: BinaryIO) -> None:
        fetched.append(sink.write(b"content"))

    # two who both saw no copy, the second held up until the first is done
    for _ in range(2):
        cache.make(copy, partial, fill)
    assert (copy.read_bytes(), fetched) == (b"content", [7])
    assert not partial.exists()


def test_a_fetch_that_fails_leaves_the_file_to_who_waits_for_it(tmp_path: Path) -> None:
    copy, partial = tmp_path / "copy", tmp_path / "partial"

    def fail(sink: object) -> None:
        raise OSError("network")

    for _ in range(2):
        with pytest.raises(OSError, match="network"):
            cache.make(copy, partial, fail)
    assert not list(tmp_path.iterdir())


def test_shards_of_a_remote_store_are_fetched_several_at_once(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(bucket.uri())
    rows = np.arange(2 * REQUESTS, dtype=np.uint8).reshape(-1, 1, 1, 1)
    paths = [shards.shard_path("steps/sample/s", first) for first in range(len(rows))]
    for path, row in zip(paths, rows, strict=True):
        shards.write_table(storage, path, pa.table({"image": schema.tensor_array(row[None])}))
    make, together, under_way, most = cache.make, threading.Barrier(REQUESTS), [0], [0]

    def counted(*arguments: object) -> None:
        under_way[0] += 1
        together.wait(30)  # passes when so many are at it, and else is an error
        most[0] = max(most[0], under_way[0])
        together.wait(30)
        under_way[0] -= 1
        make(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "make", counted)
    assert np.array_equal(shards.Gather(storage, paths, "image").all(), rows)
    assert most[0] <= REQUESTS


@pytest.mark.parametrize("given", ["", "10G", "-1"])
def test_a_limit_that_is_no_number_of_bytes_is_refused(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv(cache.LIMIT_VARIABLE, given)
    with pytest.raises(UserError, match=f"^OUROBOROS_CACHE_BYTES: found '{given}'; allowed is a"):
        Storage(bucket.uri()).check_writable()
