"""A run whose pool lies on S3: a real server, reached by a network that can be cut."""

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.pool.storage import Storage
from tests.orchestrator.conftest import FinishedRun
from tests.runs import TINY, Store, call
from tests.s3 import Bucket, mend_after, serve


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serve() as bucket:
        yield bucket


@pytest.mark.soak
def test_a_run_on_s3_stops_with_one_line_when_the_network_stays_away_and_then_gives_what_a_local_one_does(  # noqa: E501
    bucket: Bucket, finished: FinishedRun, tmp_path: Path
) -> None:
    arguments = ("run", str(TINY), "--iterations", "1", "--store", bucket.uri())
    tracking = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
    bucket.network.cut_after(250_000)
    stopped = call(*arguments, **tracking)
    assert bucket.network.is_cut
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert re.search(r"cannot be (read|written) in store 's3://bucket/folder\?", stopped.stderr)
    assert "NETWORK_CONNECTION" in stopped.stderr
    said = [line for line in stopped.stderr.splitlines() if line.strip()]
    assert [line.partition(" ")[0] for line in said] == ["error:", "what", ""], stopped.stderr
    assert is_whole_so_far(bucket, finished.store)
    bucket.network.mend()
    again = call(*arguments, **tracking)
    assert again.returncode == 0, again.stdout + again.stderr
    copy = Storage(bucket.uri()).local_folder("steps").parent
    try:
        store = Store(copy)
        chosen, expected = store.selected_ids(), finished.store.selected_ids()
        assert chosen
        assert chosen.items() <= expected.items()
        for kind in ("sample", "embed"):
            assert len(store.finished(kind)) >= 2
            for path, table in store.tables(kind).items():
                assert table.equals(finished.store.tables(kind)[path])
        assert is_whole_so_far(bucket, finished.store)
    finally:
        shutil.rmtree(copy)


@pytest.mark.soak
def test_a_run_outlives_a_network_that_fails_for_some_seconds(
    bucket: Bucket, finished: FinishedRun, tmp_path: Path
) -> None:
    bucket.network.cut_after(250_000)
    threading.Thread(target=mend_after, args=(bucket, 10)).start()
    done = call(
        *("run", str(TINY), "--iterations", "1", "--store", bucket.uri()),
        MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/mlflow.db",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    assert is_whole_so_far(bucket, finished.store)


def is_whole_so_far(bucket: Bucket, expected: Store) -> bool:
    """Whether every table on S3 is, byte for byte, one of the expected store."""
    keys = [key for key in bucket.objects() if key.endswith(".arrow") and "/steps/" in key]
    assert keys
    return all(
        bucket.content(key) == (expected.path / key.removeprefix("folder/")).read_bytes()
        for key in keys
    )
