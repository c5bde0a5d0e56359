import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.data.embeddings import TableFiles
from actors.errors import UserError
from actors.pool.shards import feature_table
from tests.actors.data.inputs import arrow, features, parquet

X = features()


def column(kind: str, values: np.ndarray = X) -> pa.Array | pa.ExtensionArray:
    """Return vectors as an Arrow column of a kind."""
    if kind == "tensor":
        return feature_table(values).column("features").combine_chunks()
    flat, size = pa.array(values.ravel()), values.shape[1]
    fixed = pa.FixedSizeListArray.from_arrays(flat, size)
    return fixed if kind == "fixed" else fixed.cast(getattr(pa, kind)(flat.type))


def written(file: Path, table: pa.Table) -> str:
    """Write a table in the format that the name says."""
    if file.suffix == ".parquet":
        pq.write_table(table, file, row_group_size=7)
        return str(file)
    if file.stem == "stream":
        with pa.ipc.new_stream(str(file), table.schema) as out:
            out.write_table(table, max_chunksize=9)
        return str(file)
    return arrow(file, table, "lz4" if file.suffix == ".feather" else None)


@pytest.mark.parametrize("kind", ["list_", "large_list", "fixed", "tensor"])
@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather", "stream.arrow"])
def test_any_range_of_rows_is_read_in_any_order_and_again_after_pickling(
    kind: str, name: str, tmp_path: Path
) -> None:
    table = pa.table({"n": np.arange(len(X)), "vector": column(kind)})
    source = TableFiles([written(tmp_path / name, table)])
    assert (source.rows, source.dimension) == X.shape
    for one in (source, pickle.loads(pickle.dumps(source))):
        for start, stop in ((0, 10), (10, 11), (11, 40), (5, 25), (33, 40), (0, 40)):
            block = one.read(start, stop)
            assert block.dtype == np.float32
            np.testing.assert_array_equal(block, X[start:stop])
    assert len(pickle.dumps(source)) < 1500


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_are_converted(dtype: type, tmp_path: Path) -> None:
    source = TableFiles([parquet(tmp_path / "a.parquet", X.astype(dtype))])
    np.testing.assert_array_equal(source.read(3, 9), X.astype(dtype)[3:9].astype(np.float32))


def test_files_of_a_folder_follow_each_other(tmp_path: Path) -> None:
    first = parquet(tmp_path / "1.parquet", X[:15], sample_id=[f"a{i}" for i in range(15)])
    second = arrow(
        tmp_path / "2.arrow",
        pa.table({"embedding": list(X[15:]), "sample_id": [f"b{i}" for i in range(25)]}),
    )
    source = TableFiles([first, second])
    np.testing.assert_array_equal(source.read(10, 30), X[10:30])
    assert source.ids().to_pylist()[14:16] == ["a14", "b0"]


def test_ids_and_sources_are_found_or_named(tmp_path: Path) -> None:
    words = pa.array(["real", "edm"] * 20).dictionary_encode()
    columns = {"id": np.arange(40), "other": [f"x{i}" for i in range(40)], "source": words}
    path = parquet(tmp_path / "a.parquet", X, **columns)
    origins = TableFiles([path]).origins()
    assert origins is not None
    assert origins.to_pylist()[:3] == ["real", "edm", "real"]
    assert TableFiles([path]).ids().to_pylist()[:2] == ["0", "1"]
    assert TableFiles([path], id_column="other").ids().to_pylist()[:2] == ["x0", "x1"]
    named = TableFiles([path], source_column="other").origins()
    assert named is not None
    assert named[0].as_py() == "x0"
    bare = TableFiles([parquet(tmp_path / "b.parquet", X)])
    assert bare.ids().to_pylist() == [str(i) for i in range(40)]
    assert bare.origins() is None


def test_a_numeric_column_is_read_as_float64(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", X, score=np.arange(40), word=["a"] * 40)
    source = TableFiles([path])
    np.testing.assert_array_equal(source.numbers("score"), np.arange(40.0))
    with pytest.raises(
        UserError, match=r"no column 'beauty' in .*; there are embedding, score, wo"
    ):
        source.numbers("beauty")
    with pytest.raises(UserError, match="column 'word' holds string; allowed are numbers"):
        source.numbers("word")
    gaps = [None, float("nan"), *map(float, range(38))]
    gappy = TableFiles([parquet(tmp_path / "b.parquet", X, score=gaps)])
    with pytest.raises(UserError, match=r"'score', rows 0, 1 \(2 in all\) hold null, NaN or inf"):
        gappy.numbers("score")


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {}, "no column of vectors in .*; name one of n"),
        ({"a": list(X), "b": list(X)}, {}, "columns a, b hold vectors in .*; name one of a, b"),
        ({"a": list(X)}, {"column": "c"}, "column: no column 'c' in .*; there are n, a"),
        ({"a": list(X)}, {"column": "n"}, "column: 'n' holds int64; allowed are lists and tensors"),
        ({"a": list(X)}, {"id_column": "c"}, "id_column: no column 'c'"),
        ({"a": list(X)}, {"source_column": "c"}, "source_column: no column 'c'"),
    ],
)
def test_a_column_that_is_not_there_is_an_error_that_names_those_that_are(
    columns: dict[str, Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": np.arange(40), **columns}), path)
    with pytest.raises(UserError, match=message):
        TableFiles([str(path)], **options)


def test_integers_are_vectors_where_they_are_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", np.arange(12).reshape(4, 3))
    with pytest.raises(UserError, match="no column of vectors"):
        TableFiles([path])
    assert TableFiles([path], "embedding").read(1, 2).tolist() == [[3, 4, 5]]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda rows: [*rows[:12], None, *rows[13:20], None, *rows[21:]],
            r"embedding: rows 12, 20 \(2 in all\) are null; allowed are vectors of numbers",
        ),
        (lambda rows: [None, *rows[1:]], r"embedding: row 0 \(1 in all\) is null"),
        (
            lambda rows: [*rows[:30], rows[30][:2], *rows[31:]],
            r"row 30 \(1 in all\) do not have 3 numbers as row 0 has; found 2 numbers",
        ),
        (
            lambda rows: [*rows[:9], [1.0, None, 2.0], *rows[10:]],
            r"row 9 \(1 in all\) hold null; allowed are numbers",
        ),
        (lambda rows: [[] for _ in rows], "found vectors of 0 numbers"),
    ],
)
def test_rows_that_are_no_vectors_are_named(
    spoil: Callable[[list], list], message: str, tmp_path: Path
) -> None:
    rows = pa.array(spoil(X.tolist()), pa.list_(pa.float32()))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"embedding": rows}), path, row_group_size=7)
    with pytest.raises(UserError, match=message):
        TableFiles([str(path)]).read(0, 40)


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", X)
    pq.write_table(pq.read_table(path)[:0], path)
    with pytest.raises(UserError, match=r"'.*a.parquet' has no rows; allowed is at least one"):
        TableFiles([path])


def test_files_of_a_folder_must_agree(tmp_path: Path) -> None:
    first = parquet(tmp_path / "1.parquet", X)
    second = parquet(tmp_path / "2.parquet", X.astype(np.float64))
    with pytest.raises(UserError, match=r"column 'embedding' is list<.*double> in .*2.parquet'"):
        TableFiles([first, second])


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"PAR1PAR1"])
def test_a_broken_file_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"input: '.*{name}' cannot be read"):
        TableFiles([str(tmp_path / name)])


def test_a_repeated_column_name_is_one_line(tmp_path: Path) -> None:
    table = pa.table([list(X), ["a"] * 40, ["b"] * 40], names=["e", "id", "id"])
    pq.write_table(table, tmp_path / "a.parquet")
    arrow(tmp_path / "a.arrow", table)
    for name in ("a.parquet", "a.arrow"):
        message = f"^input: '.*{name}' has 2 columns 'id'; allowed are names that differ"
        with pytest.raises(UserError, match=message):
            TableFiles([str(tmp_path / name)])


def test_a_table_of_images_is_told_from_one_without_vectors(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [b"x"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"no column of vectors \(images are read from folders\)"):
        TableFiles([str(tmp_path / "a.parquet")])
