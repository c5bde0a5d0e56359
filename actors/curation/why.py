"""Why one row is in a stored selection or not."""

import difflib
import os

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from actors.curation.sentences import sentences
from actors.errors import UserError

# a curation's folder, then a select step's
FILES = ("selection.parquet", "reasons.arrow")
ID_COLUMNS = ("id", "sample_id")
NEEDED = ("rank", "distance", "covered_by")
ALLOWED = "the output of `ouroboros curate`, or STORE/steps/select/KEY"
# ids that an unknown one is compared with, and near ones that are shown
COMPARED = 10_000
SHOWN = 3


def why(path: str, sample_id: str) -> str:
    """Return the sentence that says why a row is in a selection or not.

    Args:
        path: a curation's folder or .parquet, or a select step's folder.
        sample_id: id of one of the candidates.

    Raises:
        UserError: there is no such selection or row.
    """
    rows = open_table(path)
    column = next(name for name in ID_COLUMNS if name in rows.schema.names)
    found = rows.to_table(columns=list(NEEDED), filter=ds.field(column) == sample_id)
    if not len(found):
        near = close_ids(rows.to_table(columns=[column]).column(column), sample_id)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UserError(f"SAMPLE_ID: no candidate of {path!r} is named {sample_id!r}{hint}")
    rank, distance, covered_by = (
        found.column(name).combine_chunks().slice(0, 1) for name in NEEDED
    )
    return sentences(
        rank.cast(pa.int64()), distance.cast(pa.float64()), covered_by.cast(pa.string())
    )[0].as_py()


def open_table(path: str) -> ds.Dataset:
    """Return the table of all candidates of a stored selection.

    Raises:
        UserError: there is none.
    """
    if not os.path.exists(path):
        raise UserError(f"selection: {path!r} is not there; allowed is {ALLOWED}")
    file = path
    if os.path.isdir(path):
        inside = (os.path.join(path, name) for name in FILES)
        file = next((name for name in inside if os.path.exists(name)), "")
        if not file:
            raise UserError(
                f"selection: neither {' nor '.join(FILES)} in {path!r}; allowed is {ALLOWED}"
            )
    try:
        rows = ds.dataset(file, format="parquet" if file.endswith(".parquet") else "ipc")
    except (OSError, pa.ArrowException) as error:
        cause = " ".join(str(error).split())[:200]
        raise UserError(f"selection: {file!r} cannot be read: {cause}") from None
    names = rows.schema.names
    if not {*NEEDED} <= {*names} or not {*ID_COLUMNS} & {*names}:
        raise UserError(
            f"selection: {file!r} has columns {', '.join(names)}, so it is no table of all "
            f"candidates; allowed is {ALLOWED}"
        )
    return rows


def close_ids(ids: pa.ChunkedArray, sample_id: str) -> list[str]:
    """Return a few ids that hold this one, begin like it or are spelled much like it."""
    ids = ids.cast(pa.string())
    holding = ids.filter(pc.match_substring(ids, sample_id, ignore_case=True))[:SHOWN]
    if len(holding):
        return [repr(name) for name in holding.to_pylist()]
    alike = ids.filter(pc.starts_with(ids, sample_id[: max(1, len(sample_id) // 2)]))
    compared = [*alike[:COMPARED].to_pylist(), *ids[:COMPARED].to_pylist()]
    near = difflib.get_close_matches(sample_id, dict.fromkeys(compared), SHOWN)
    return [repr(name) for name in near]
