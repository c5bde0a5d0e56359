"""Parquet files."""

import os
from typing import ClassVar, Literal

from pydantic import Field

from actors.data.dataset import RealData, Source
from actors.data.files import Files, LocalPath, files_at
from actors.data.image_tables import open_image_table
from actors.data.tables import Table

ALLOWED = "a Parquet file, a folder of them, or a pattern like data/train-*.parquet"


class Parquet(RealData):
    """A Parquet file, a folder of them or those of a pattern, with a column of images."""

    EXECUTION: ClassVar[frozenset[str]] = frozenset({"path"})

    kind: Literal["parquet"] = "parquet"
    path: LocalPath = Field(description="Parquet file, folder of them, or pattern with *")
    image_column: str | None = Field(None, description="found by its type if not given")
    label_column: str | None = Field(None, description="a ClassLabel's column if not given")

    def open(self) -> Source:
        root, names = files_at(self.path, (".parquet",), ALLOWED)
        table = Table(tuple(os.path.join(root, name) for name in names), "path")
        files = Files(root, names)
        return open_image_table(table, self.image_column, self.label_column, files)
