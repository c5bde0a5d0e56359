"""Why one row of the pool is in a stored selection or not, found when it is asked for."""

from dataclasses import dataclass, field

import numpy as np

from actors.distances.neighbours import nearest
from actors.errors import UserError
from actors.pool import selections
from actors.pool.manifest import StoredStep
from actors.pool.storage import Storage

# bytes of the chosen rows' features that are read together
BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class Reason:
    """What decided over one row.

    Attributes:
        drawn: whether it was a candidate at all.
        rank: from 0, of a picked row.
        distance: to the nearest row picked before, or to the covering row; None where unknown.
        covered_by: id of the picked row nearest to one that is not picked, the first picked of
            equally near ones.
        limits: `quota` and `cap` of the selection, shares by source, where it has them.
    """

    drawn: bool
    rank: int | None = None
    distance: float | None = None
    covered_by: str | None = None
    limits: dict[str, dict[str, float]] = field(default_factory=dict)


def reason(storage: Storage, select: StoredStep, sample: StoredStep, index: int) -> Reason:
    """Return why row `index` of a sample step is in a finished selection or not.

    Memory is what the selection's own table takes, and a block of features.

    Raises:
        UserError: the selection was not among the rows of that step.
    """
    samples = select.inputs.get("samples", ())
    if sample.path not in samples:
        raise UserError(
            f"SAMPLE_ID: the rows of its step, {sample.path}, were not among those that "
            f"{select.path} selected from"
        )
    stored = selections.read(storage, select.path)
    position = sum(selections.sizes(storage, samples[: samples.index(sample.path)])) + index
    limits = {name: shares for name, shares in select.config.get("limits", {}).items() if shares}
    ranks = np.flatnonzero(stored.positions == position)
    if len(ranks):
        row = stored.table.slice(int(ranks[0]), 1).to_pylist()[0]
        return Reason(True, row["rank"], row["distance"], limits=limits)
    if stored.candidates is not None and position not in stored.candidates:
        return Reason(False)
    features = selections.gather(storage, select.inputs["features"], "features")
    place, distance = covering(features, position, stored.positions)
    covered_by = stored.table["sample_id"][place].as_py()
    return Reason(True, None, distance, covered_by, limits)


def covering(features: selections.Rows, position: int, chosen: np.ndarray) -> tuple[int, float]:
    """Return which of (n,) chosen positions is nearest to a row, and its float64 distance.

    Of equally near ones it is the first.
    """
    row = features[np.array([position])]
    block = max(1, BLOCK_BYTES // row.nbytes)
    place, least = 0, np.inf
    for start in range(0, len(chosen), block):
        distances, positions = nearest(row, features[chosen[start : start + block]])
        if distances[0, 0] < least:
            place, least = start + int(positions[0, 0]), float(distances[0, 0])
    return place, least
