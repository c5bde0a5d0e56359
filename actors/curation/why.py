"""Why one row is in a stored selection or not."""

import difflib
import os
import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from actors.curation.sentences import sentences
from actors.errors import UserError
from actors.pool.inspect.contents import read_contents
from actors.pool.storage import Storage

if TYPE_CHECKING:
    from actors.pool.inspect.reasons import Reason

# in a curation's folder
FILE = "selection.parquet"
SELECT_STEP = re.compile(r"(?:(?P<store>.*)/)?steps/select/(?P<key>[0-9a-f]{32})/*")
ID_COLUMNS = ("id", "sample_id")
NEEDED = ("rank", "distance", "covered_by")
ALLOWED = "the output of `ouroboros curate`, or STORE/steps/select/KEY"
# ids that an unknown one is compared with, and near ones that are shown
COMPARED = 10_000
SHOWN = 3


def why(path: str, sample_id: str) -> str:
    """Return the sentence that says why a row is in a selection or not.

    Args:
        path: a curation's folder or .parquet, or a select step's folder in its store.
        sample_id: id of one of the candidates.

    Raises:
        UserError: there is no such selection or row.
    """
    if step := SELECT_STEP.fullmatch(path):
        return _why_in_store(step["store"] or ".", step["key"], sample_id)
    rows = open_table(path)
    column = next(name for name in ID_COLUMNS if name in rows.schema.names)
    matches = rows.to_table(columns=list(NEEDED), filter=ds.field(column) == sample_id)
    if not len(matches):
        near = close_ids(rows.to_table(columns=[column]).column(column), sample_id)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UserError(f"SAMPLE_ID: no candidate of {path!r} is named {sample_id!r}{hint}")
    rank, distance, covered_by = (
        matches.column(name).combine_chunks().slice(0, 1) for name in NEEDED
    )
    return sentences(
        rank.cast(pa.int64()), distance.cast(pa.float64()), covered_by.cast(pa.string())
    )[0].as_py()


def _why_in_store(store: str, key: str, sample_id: str) -> str:
    # it brings faiss, for which a curation's table need not wait
    from actors.pool.inspect.reasons import reason

    storage = Storage(store)
    contents = read_contents(storage)
    select = contents.finished.get(f"steps/select/{key}")
    if select is None:
        raise UserError(
            f"selection: {store!r} has no finished step steps/select/{key}; allowed is {ALLOWED}"
        )
    return sentence(reason(storage, select, *contents.find_sample(sample_id)))


def sentence(reason: "Reason") -> str:
    """Return why one row of the pool is in a selection or not, as one plain sentence."""
    if not reason.drawn:
        return "left out before the selection: not drawn as a candidate, or trimmed as an outlier"
    said = sentences(
        pa.array([reason.rank], pa.int64()),
        pa.array([reason.distance], pa.float64()),
        pa.array([reason.covered_by], pa.string()),
    )[0].as_py()
    limits = [
        f"{name} {source} {share:g}"
        for name, shares in reason.limits.items()
        for source, share in shares.items()
    ]
    return f"{said}; the limits {', '.join(limits)} may have decided" if limits else said


def open_table(path: str) -> ds.Dataset:
    """Return the table of all candidates of a curation.

    Raises:
        UserError: there is none.
    """
    if not os.path.exists(path):
        raise UserError(f"selection: {path!r} is not there; allowed is {ALLOWED}")
    file = os.path.join(path, FILE) if os.path.isdir(path) else path
    if not os.path.exists(file):
        raise UserError(f"selection: no {FILE} in {path!r}; allowed is {ALLOWED}")
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
