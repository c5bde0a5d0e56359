"""Parquet files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from actors.data.columns import check_distinct, find_columns
from actors.data.dataset import RealData
from actors.data.files import LocalPath, files_at, hash_files
from actors.data.source import Source
from actors.data.table import open_table
from actors.errors import UserError

ALLOWED = "a Parquet file, a folder of them, or a pattern like data/train-*.parquet"


class Parquet(RealData):
    """A Parquet file, a folder of them or those of a pattern, with a column of images."""

    kind: Literal["parquet"] = "parquet"
    path: LocalPath = Field(description="Parquet file, folder of them, or pattern with *")
    image_column: str | None = Field(None, description="found by its type if not given")
    label_column: str | None = Field(None, description="a ClassLabel's column if not given")

    def open(self) -> Source:
        root, names = files_at(self.path, (".parquet",), ALLOWED)
        files = [os.path.join(root, name) for name in names]
        columns = None
        groups: list[tuple[str, int]] = []
        lengths: list[int] = []
        for file in files:
            with _opened(file) as opened:
                check_distinct(opened.schema_arrow, f"path {file!r}")
                found = find_columns(opened.schema_arrow, self.image_column, self.label_column)
                if found != (columns or found):
                    raise UserError(f"path {file!r} has other columns than {files[0]!r}")
                columns = found
                for group in range(opened.num_row_groups):
                    groups.append((file, group))
                    lengths.append(opened.metadata.row_group(group).num_rows)

        def read(group: int, columns: list[str]) -> pa.Table:
            file, number = groups[group]
            with _opened(file) as opened:
                return opened.read_row_group(number, columns=columns)

        assert columns is not None  # there is a file at least
        return open_table(read, lengths, columns, hash_files(root, names))


@contextmanager
def _opened(file: str) -> Iterator[Any]:
    try:
        with pq.ParquetFile(file) as opened:
            yield opened
    except (pa.ArrowException, OSError) as error:
        cause = " ".join(str(error).split())[:200]
        raise UserError(f"path {file!r} is no Parquet file that can be read: {cause}") from None
