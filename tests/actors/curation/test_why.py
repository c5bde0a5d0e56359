from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.curation.why import why
from actors.errors import UserError
from tests.actors.curation.inputs import arrow

TABLE = {
    "rank": pa.array([0, 1, None], pa.int64()),
    "distance": pa.array([None, 2.5, 0.75], pa.float64()),
    "covered_by": pa.array([None, None, "cat-1"], pa.string()),
}
IDS = ["cat-0", "cat-1", "dog-2"]


@pytest.fixture
def stored(tmp_path: Path) -> dict[str, str]:
    """Return a curation's folder, its table, and a select step's folder."""
    (tmp_path / "curation").mkdir()
    (tmp_path / "step").mkdir()
    file = tmp_path / "curation" / "selection.parquet"
    pq.write_table(pa.table({"id": IDS, **TABLE}), file)
    arrow(tmp_path / "step" / "reasons.arrow", pa.table({"sample_id": IDS, **TABLE}))
    arrow(tmp_path / "step" / "selection.arrow", pa.table({"sample_id": IDS[:2]}))
    return {
        "folder": str(tmp_path / "curation"),
        "table": str(file),
        "step": str(tmp_path / "step"),
        "reasons": str(tmp_path / "step" / "reasons.arrow"),
    }


@pytest.mark.parametrize("kind", ["folder", "table", "step", "reasons"])
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
        ("empty", "selection: neither selection.parquet nor reasons.arrow in '.*empty'"),
        ("other.parquet", "has columns id, so it is no table of all candidates"),
        ("broken.parquet", "cannot be read"),
    ):
        with pytest.raises(UserError, match=message):
            why(str(tmp_path / name), "cat-0")
