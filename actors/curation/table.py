"""The table of all candidates: the kept ones by rank, then the others in input order."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from actors.curation.sentences import sentences
from actors.selection.selection import Reasons, Selection

# rows per row group; bounds the sentences held at once
GROUP_ROWS = 1 << 18


def candidate_table(
    ids: pa.Array, origins: pa.Array | None, selection: Selection, reasons: Reasons | None
) -> Iterator[pa.Table]:
    """Yield the table in parts.

    Columns: id, kept, rank (from 0; null where not kept), distance (kept: to the nearest row picked
    before, null where there is none; else: to the covering row; in feature units), covered_by (id
    of the nearest kept row; null for kept), source (where known), reason (a sentence). Without
    reasons the distance and covered_by of rows left out are null.
    """
    positions = selection.positions
    left_out = np.ones(len(ids), bool)
    left_out[positions] = False
    order = np.concatenate((positions, np.flatnonzero(left_out)))
    for start in range(0, len(order), GROUP_ROWS):
        rows = order[start : start + GROUP_ROWS]
        place = np.arange(start, start + len(rows))
        is_kept = place < len(positions)
        distances = np.full(len(rows), np.nan)
        if selection.distances is not None:
            distances[is_kept] = selection.distances[place[is_kept]]
        covered_by: pa.Array = pa.nulls(len(rows), pa.string())
        if reasons:
            distances[~is_kept] = reasons.distances[rows[~is_kept]]
            covered_by = ids.take(pa.array(reasons.covered_by[rows], pa.int64(), mask=is_kept))
        rank = pa.array(place, pa.int64(), mask=~is_kept)
        distance = pa.array(distances, pa.float64(), from_pandas=True)
        columns = {
            "id": ids.take(pa.array(rows)),
            "kept": pa.array(is_kept),
            "rank": rank,
            "distance": distance,
            "covered_by": covered_by,
        }
        if origins is not None:
            columns["source"] = origins.take(pa.array(rows))
        yield pa.table({**columns, "reason": sentences(rank, distance, covered_by)})


def write_parquet(file: Path, tables: Iterator[pa.Table], metadata: dict[str, str]) -> None:
    """Write a table that comes in parts, at least one, with text in its schema's metadata."""
    first = next(tables)
    schema = first.schema.with_metadata(metadata)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        writer.write_table(first.replace_schema_metadata(metadata))
        for more in tables:
            writer.write_table(more.replace_schema_metadata(metadata))
