from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest

from actors.curation import table
from actors.curation.curation import Curated, curate
from actors.data.arrays import ArrayFile
from actors.data.embeddings import TableFiles
from actors.data.feature_source import Progress
from actors.errors import UserError
from actors.metrics.entropy import entropy
from actors.selection import METHODS, Method, Selection, greedy
from tests.actors.data.inputs import features, parquet

X = features(60)


class ByQuality(Method):
    """Keeps the rows of highest quality."""

    kind: Literal["by_quality"] = "by_quality"

    @property
    def needed_column(self) -> str:
        return "score"

    def select(
        self,
        features: np.ndarray,
        n: int,
        seed: int,
        quality: np.ndarray | None = None,
        progress: Progress | None = None,
        device: str = "cpu",
        reasons: bool = False,
    ) -> Selection:
        assert quality is not None
        return Selection(np.argsort(-quality)[:n], notes={"lowest": float("nan")})


def curated(tmp_path: Path, values: np.ndarray = X, n: int = 20, kind: str = "greedy") -> Curated:
    np.save(tmp_path / "x.npy", values)
    return curate(ArrayFile(str(tmp_path / "x.npy")), METHODS[kind](kind=kind), n, seed=3)


def whole(result: Curated) -> pa.Table:
    parts = table.candidate_table(result.ids, result.origins, result.selection, result.reasons)
    return pa.concat_tables(parts)


def test_the_selection_is_that_of_the_method_with_a_reason_for_every_row(tmp_path: Path) -> None:
    result = curated(tmp_path)
    np.testing.assert_array_equal(result.selection.positions, greedy(X, 20, seed=3).positions)
    distances = np.linalg.norm(X[:, None] - X[result.selection.positions], axis=2)
    assert result.reasons is not None
    np.testing.assert_allclose(result.reasons.distances, distances.min(axis=1), atol=1e-6)
    assert result.figures.covering == pytest.approx(distances.min(axis=1).max())
    assert result.figures.last_pick == greedy(X, 20, seed=3).distances[-1]  # type: ignore[index]


@pytest.mark.parametrize("group_rows", [7, 1000])
def test_the_table_has_kept_rows_by_rank_then_the_others_in_input_order(
    group_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "GROUP_ROWS", group_rows)
    result = curated(tmp_path)
    rows = whole(result).to_pylist()
    positions = result.selection.positions.tolist()
    others = [i for i in range(60) if i not in positions]
    assert [row["id"] for row in rows] == [str(i) for i in [*positions, *others]]
    assert [row["rank"] for row in rows] == [*range(20), *[None] * 40]
    assert [row["kept"] for row in rows] == [True] * 20 + [False] * 40
    assert rows[0]["distance"] is None
    assert rows[0]["reason"] == "picked 1st"
    for row in rows[20:]:
        nearest = np.linalg.norm(X[positions] - X[int(row["id"])], axis=1)
        assert row["covered_by"] == str(positions[int(nearest.argmin())])
        assert row["distance"] == pytest.approx(nearest.min(), abs=1e-6)
        assert row["covered_by"] in row["reason"]


def test_a_method_without_distances_leaves_them_null_for_kept_rows(tmp_path: Path) -> None:
    result = curated(tmp_path, kind="random")
    assert result.figures.last_pick is None
    rows = whole(result).to_pylist()
    assert {row["distance"] for row in rows[:20]} == {None}
    assert rows[1]["reason"] == "picked 2nd"
    assert all(row["distance"] > 0 for row in rows[20:])


def test_identical_rows_are_each_kept_once(tmp_path: Path) -> None:
    result = curated(tmp_path, np.ones((30, 2), np.float32), n=30)
    assert sorted(result.selection.positions.tolist()) == list(range(30))
    assert (result.figures.repeats, result.figures.kept_repeats) == (29, 29)
    assert result.figures.after is not None
    assert result.figures.after.at_floor == 30
    assert result.figures.after == entropy(np.ones((30, 2)), floor=2.0**-24)
    half = curated(tmp_path, np.ones((30, 2), np.float32), n=15)
    assert whole(half)["reason"].to_pylist()[-1].endswith("is an exact copy")


def test_quality_comes_from_the_column_that_the_method_names(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", X, score=np.arange(60) % 7)
    result = curate(TableFiles([path]), ByQuality(), 8, seed=0)
    assert (result.selection.positions % 7 == 6).all()
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(UserError, match="needs the column 'score'"):
        curate(ArrayFile(str(tmp_path / "x.npy")), ByQuality(), 8, seed=0)


def test_repeated_ids_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", X, id=[min(i, 50) for i in range(60)])
    with pytest.raises(UserError, match=r"the id '50' names 10 rows \(9 ids are repeated\)"):
        curate(TableFiles([path]), METHODS["greedy"](kind="greedy"), 8, seed=0)


def test_shards_read_their_own_rows_and_select_the_same(tmp_path: Path, local_ray: None) -> None:
    source = TableFiles([parquet(tmp_path / "a.parquet", X)])
    method = METHODS["greedy"](kind="greedy")
    alone, sharded = (curate(source, method, 20, seed=3, shards=shards) for shards in (1, 2))
    assert whole(sharded).equals(whole(alone))
    assert sharded.figures == alone.figures
    with pytest.raises(UserError, match=r"shards: found 2, but selection.kind is random"):
        curate(source, METHODS["random"](kind="random"), 20, seed=3, shards=2)
