"""What a selection takes of each source, iteration and label."""

from typing import Any

import numpy as np
import pyarrow as pa

from actors.pool import selections
from actors.pool.storage import Storage

# a training set's contamination is in its origins: source and iteration together
BY = {
    "source": ["source"],
    "iteration": ["iteration"],
    "label": ["label"],
    "origin": ["source", "iteration"],
}


def selected_shares(storage: Storage, select_step_path: str) -> list[dict[str, Any]]:
    """Count the candidates and the selected rows of a stored selection; no image is read.

    Returns:
        JSON rows, by source, by iteration, by label, and by origin, whose value is [source,
        iteration]; in the order of the values and null last: by, value, candidates, selected
        (counts), candidate_share, selected_share.
    """
    selection = selections.read(storage, select_step_path)
    columns = BY["source"] + BY["iteration"] + BY["label"]
    # shards have dictionaries of their own, which cannot be grouped together
    candidates = selections.rows_of(storage, selection.samples, columns).unify_dictionaries()
    times = np.bincount(selection.positions, minlength=len(candidates))
    candidates = candidates.append_column("selected", pa.array(times))
    if selection.candidates is not None:
        candidates = candidates.take(pa.array(selection.candidates))
    return [row for by in BY for row in _rows(candidates, by, len(selection))]


def _rows(candidates: pa.Table, by: str, selected: int) -> list[dict[str, Any]]:
    columns = BY[by]
    counted = candidates.group_by(columns).aggregate([([], "count_all"), ("selected", "sum")])
    groups = counted.to_pylist()
    groups.sort(key=lambda group: [(group[name] is None, group[name] or 0) for name in columns])
    return [
        {
            "by": by,
            "value": group[by] if by in group else [group[name] for name in columns],
            "candidates": group["count_all"],
            "selected": group["selected_sum"],
            "candidate_share": group["count_all"] / len(candidates),
            "selected_share": group["selected_sum"] / selected,
        }
        for group in groups
    ]
