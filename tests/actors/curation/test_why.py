from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.curation.why import why
from actors.errors import UserError
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import Written

TABLE = {
    "rank": pa.array([0, 1, None], pa.int64()),
    "distance": pa.array([None, 2.5, 0.75], pa.float64()),
    "covered_by": pa.array([None, None, "cat-1"], pa.string()),
}
IDS = ["cat-0", "cat-1", "dog-2"]


@pytest.fixture
def stored(tmp_path: Path) -> dict[str, str]:
    """Return a curation's folder, and its table."""
    (tmp_path / "curation").mkdir()
    file = tmp_path / "curation" / "selection.parquet"
    pq.write_table(pa.table({"id": IDS, **TABLE}), file)
    return {"folder": str(tmp_path / "curation"), "table": str(file)}


@pytest.mark.parametrize("kind", ["folder", "table"])
def test_a_row_has_its_reason_in_every_stored_form(kind: str, stored: dict[str, str]) -> None:
    assert why(stored[kind], "cat-0") == "picked 1st"
    assert why(stored[kind], "cat-1") == "picked 2nd, 2.5 from the nearest row picked before"
    assert why(stored[kind], "dog-2") == "left out: row cat-1, picked, is 0.75 away"


@pytest.mark.parametrize(
    ("sample_id", "hint"),
    [
        ("cat", r"; did you mean 'cat-0' or 'cat-1'\?"),
        ("DOG-2", r"; did you mean 'dog-2'\?"),
        ("dog-3", r"; did you mean 'dog-2' or 'cat-1' or 'cat-0'\?|; did you mean 'dog-2'\?"),
        ("zebra", "named 'zebra'$"),
    ],
)
def test_an_unknown_id_is_an_error_with_the_nearest_ones(
    sample_id: str, hint: str, stored: dict[str, str]
) -> None:
    with pytest.raises(UserError, match=f"SAMPLE_ID: no candidate of .*{hint}"):
        why(stored["folder"], sample_id)


def test_what_is_no_selection_is_refused(tmp_path: Path, stored: dict[str, str]) -> None:
    pq.write_table(pa.table({"id": IDS}), tmp_path / "other.parquet")
    (tmp_path / "broken.parquet").write_text("no Parquet")
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("none", "selection: '.*none' is not there; allowed is"),
        ("empty", "selection: no selection.parquet in '.*empty'"),
        ("other.parquet", "has columns id, so it is no table of all candidates"),
        ("broken.parquet", "cannot be read"),
    ):
        with pytest.raises(UserError, match=message):
            why(str(tmp_path / name), "cat-0")


def test_a_row_of_the_pool_has_its_reason_in_a_select_steps_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Written(Storage(str(tmp_path)))
    vectors = np.array([[0, 0], [3, 4], [0, 1], [3, 4], [9, 9]], np.float32)
    sample = store.sample("real", 0, 5, vectors=vectors)
    ids = store.ids(sample)
    limits = {"quota": {"real": 0.3}, "cap": {}}
    candidates = np.array([0, 1, 2, 3])
    select = store.select([sample], [0, 1], np.array([np.nan, 5]), candidates, limits=limits)
    said = "; the limits quota real 0.3 may have decided"
    monkeypatch.chdir(tmp_path)
    for path in (str(tmp_path / select), f"{select}/", f"file://{tmp_path}/{select}"):
        for row, reason in (
            (0, f"picked 1st{said}"),
            (1, f"picked 2nd, 5 from the nearest row picked before{said}"),
            (2, f"left out: row {ids[0]}, picked, is 1 away{said}"),
            (3, f"left out: row {ids[1]}, picked, is an exact copy{said}"),
            (
                4,
                "left out before the selection: not drawn as a candidate, or trimmed as an outlier",
            ),
        ):
            assert why(path, ids[row]) == reason
    other = f"steps/select/{'0' * 32}"
    with pytest.raises(UserError, match=f"'.' has no finished step {other}"):
        why(other, ids[0])
    with pytest.raises(UserError, match="SAMPLE_ID: found 'cat'; allowed is the first 12"):
        why(select, "cat")
