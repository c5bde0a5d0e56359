"""Asking a pool that lies on S3."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from actors.pool.inspect import export, garbage, query
from actors.pool.inspect.lineage import behind
from actors.pool.inspect.verify import problems_of
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import Written
from tests.s3 import BUCKET, Bucket, serve


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where copies of remote files lie
    with serve() as bucket:
        yield bucket


def test_a_pool_on_s3_is_asked_exported_checked_and_cleared(bucket: Bucket, tmp_path: Path) -> None:
    store = Written(Storage(bucket.uri()))
    storage = store.storage
    sample = store.sample("real", 0, 10)
    select = store.select([sample], [7, 2])
    made = store.sample("ddpm", 1, 3, store.train("ddpm", 1, select))
    contents = store.contents()
    assert query.execute(contents, "select count(*) from pool").fetchall() == [(13,)]
    assert [*behind(contents, contents.finished[made])] == [select]
    target = tmp_path / "out.parquet"
    export.write_parquet(storage, export.of_selection(storage, contents.finished[select]), target)
    assert pq.read_table(target)["sample_id"].to_pylist() == list(
        np.array(store.ids(sample))[[7, 2]]
    )
    # this machine's copies are whole; what is stored is not
    file = contents.finished[sample].files[0].path
    content = bytearray(bucket.content(f"folder/{file}"))
    content[400] ^= 1
    bucket.client.put_object(Bucket=BUCKET, Key=f"folder/{file}", Body=bytes(content))
    assert [problem.file for problem in problems_of(contents, lambda size: None)] == [file]
    garbage.remove_steps(storage, [sample])
    left = store.contents()
    assert sample not in left.finished
    lost = {problem.step_path for problem in problems_of(left, lambda size: None)}
    assert lost == {select, store.embedded[sample]}
    removed = garbage.unneeded(left, [select], now=0)
    assert {*removed} == {*left.finished} - {select, store.embedded[sample]}
    assert storage.files("tmp") == []
