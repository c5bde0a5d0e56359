"""A store on S3: a real server, reached by a network that can be cut."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from actors.errors import DamagedError, StorageError, UserError
from actors.pool import cache, schema, shards
from actors.pool.manifest import check, finished, is_done, manifest_path
from actors.pool.storage import File, Storage
from tests.actors.pool.inspect.stores import finish
from tests.s3 import BUCKET, Bucket, mend_after, serve

LARGE = np.random.default_rng(0).bytes(24 << 20)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where copies of remote files lie
    with serve() as bucket:
        yield bucket


def put(storage: Storage, path: str, content: bytes) -> File:
    return storage.write(path, lambda file: file.write_bytes(content))


def test_a_file_comes_back_as_it_was_written(bucket: Bucket) -> None:
    storage = Storage(bucket.uri())
    record = put(storage, "a/b.bin", LARGE)
    assert record.xxh128 == xxhash.xxh128_hexdigest(LARGE)
    assert bucket.content("folder/a/b.bin") == LARGE
    assert storage.local("a/b.bin").read_bytes() == LARGE
    assert storage.files("a") == ["a/b.bin"]
    storage.write_json("a/c.json", {"a": 1})
    assert storage.read_json("a/c.json") == {"a": 1}
    put(storage, "a/b.bin", b"another")
    assert storage.local("a/b.bin").read_bytes() == b"another"
    storage.remove("a/b.bin")
    assert not storage.exists("a/b.bin")
    assert storage.files("") == ["a/c.json"]


def test_a_shard_is_mapped_from_this_machines_copy(bucket: Bucket) -> None:
    storage = Storage(bucket.uri())
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 1), np.uint8)
    shards.write_table(storage, "s.arrow", pa.table({"image": schema.tensor_array(images)}))
    assert np.array_equal(shards.Gather(storage, ["s.arrow"], "image").all(), images)


def test_the_endpoint_may_come_from_the_environment(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.endpoint)
    put(Storage(f"s3://{BUCKET}/folder?region=us-east-1"), "a", b"a")
    assert bucket.content("folder/a") == b"a"


def test_a_bucket_that_is_not_there_is_named(bucket: Bucket) -> None:
    uri = bucket.uri().replace(f"//{BUCKET}/", "//key:secret@another/")
    with pytest.raises(UserError, match=r"'s3://another/.*NO_SUCH_BUCKET") as caught:
        Storage(uri).check_writable()
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_of_a_write_that_is_broken_off_nothing_is_visible(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(bucket.uri())

    def interrupted(source: object, sink: object, length: int) -> None:
        sink.write(LARGE[: 12 << 20])  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfileobj", interrupted)
        with pytest.raises(KeyboardInterrupt):
            put(storage, "steps/large.bin", LARGE)
    assert not [key for key in bucket.objects() if key.startswith("folder/steps")]
    (leftover,) = (key for key in bucket.objects() if key.startswith("folder/tmp/"))
    assert bucket.objects()[leftover] == 12 << 20
    storage.sweep(60)
    assert leftover in bucket.objects()
    storage.sweep(-60)
    assert leftover not in bucket.objects()


def test_a_network_that_stays_away_in_mid_write_is_told_and_writing_goes_on_when_it_is_back(
    bucket: Bucket, tmp_path: Path
) -> None:
    storage = Storage(bucket.uri(), patience=2)
    put(storage, "steps/before.bin", b"before")
    bucket.network.cut_after(13 << 20)
    with pytest.raises(StorageError) as caught:
        put(storage, "steps/large.bin", LARGE)
    assert bucket.network.is_cut
    said = str(caught.value)
    assert said.startswith("steps/large.bin: cannot be written in store 's3://bucket/folder?")
    assert "NETWORK_CONNECTION" in said
    assert re.search(r"; tried for \d+ s$", said)
    assert "\n" not in said
    with pytest.raises(StorageError, match=r"^steps/before.bin: cannot be read in store"):
        storage.local("steps/before.bin")
    assert set(bucket.objects()) == {"folder/steps/before.bin", "folder/tmp/"}
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [cache.INDEX]
    bucket.network.mend()
    put(storage, "steps/large.bin", LARGE)
    assert bucket.content("folder/steps/large.bin") == LARGE


def test_finished_steps_are_found_by_one_listing_of_each_kind(bucket: Bucket) -> None:
    storage = Storage(bucket.uri())
    steps = [f"steps/{kind}/{n:032x}" for kind in ("train", "sample", "fit") for n in range(5)]
    stored = {path for path in steps if not path.startswith("steps/fit/") and int(path[-1], 16) % 2}
    for path in steps[:10]:
        put(storage, f"{path}/rows.arrow", b"rows")
        if path in stored:
            storage.write_json(manifest_path(path), {})
    before = bucket.network.requests
    assert {path for path in steps if is_done(storage, path)} == stored
    assert bucket.network.requests - before >= len(steps)
    before = bucket.network.requests
    assert finished(storage, steps) == stored
    assert bucket.network.requests - before == 3
    assert finished(storage, []) == set()


def test_a_network_that_fails_for_some_seconds_is_waited_for(bucket: Bucket) -> None:
    storage = Storage(bucket.uri())
    bucket.network.cut_after(13 << 20)
    threading.Thread(target=mend_after, args=(bucket, 5)).start()
    put(storage, "steps/large.bin", LARGE)
    assert bucket.content("folder/steps/large.bin") == LARGE
    bucket.network.cut_after(0)
    threading.Thread(target=mend_after, args=(bucket, 5)).start()
    assert storage.files("steps") == ["steps/large.bin"]
    assert storage.local("steps/large.bin").read_bytes() == LARGE


def test_what_waiting_does_not_mend_is_told_at_once(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError):
        Storage(bucket.uri()).read_json("nothing")
    another = Storage(bucket.uri().replace(f"//{BUCKET}/", "//another/"))
    with pytest.raises(StorageError, match="NO_SUCH_BUCKET") as caught:
        put(another, "a", b"a")
    assert "tried for" not in str(caught.value)


def test_a_damaged_copy_is_fetched_again_and_a_damaged_object_is_an_error(bucket: Bucket) -> None:
    storage = Storage(bucket.uri())
    step = "steps/train/x"
    finish(storage, step, [put(storage, f"{step}/a", b"whole")])
    copy = storage.local(f"{step}/a")
    for damaged in (b"whale", b"who"):
        copy.write_bytes(damaged)
        check(storage, step)
        assert copy.read_bytes() == b"whole"
    bucket.client.put_object(Bucket=BUCKET, Key=f"folder/{step}/a", Body=b"whale")
    storage.forget(f"{step}/a")
    with pytest.raises(DamagedError, match=f"{step}/a: its checksum is not that"):
        check(storage, step)
    bucket.client.delete_object(Bucket=BUCKET, Key=f"folder/{step}/a")
    with pytest.raises(DamagedError, match=f"{step}/a: it is not there"):
        check(storage, step)
