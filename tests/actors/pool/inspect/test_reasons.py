from pathlib import Path

import numpy as np
import pytest

from actors.errors import UserError
from actors.pool.inspect import reasons
from actors.pool.inspect.reasons import Reason, reason
from actors.pool.storage import Storage
from actors.selection import explain
from tests.actors.pool.inspect.stores import Written


def test_every_row_has_the_reason_that_explaining_all_rows_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # two rows in a block, so that the nearest one is found across blocks
    monkeypatch.setattr(reasons, "BLOCK_BYTES", 2 * 5 * 4)
    store = Written(Storage(str(tmp_path)))
    samples = [store.sample("real", 0, 30), store.sample("ddpm", 1, 25)]
    positions = np.array([7, 0, 33, 54, 12, 29, 30])
    picked = np.array([np.nan, 6.5, 5, 4, 3, 2, 1])
    select = store.finished(store.select(samples, positions, picked))
    every = np.concatenate([store.vectors[path] for path in samples])
    expected = explain(every, positions)
    ids = [one for path in samples for one in store.ids(path)]
    contents = store.contents()
    for position, sample_id in enumerate(ids):
        found = reason(store.storage, select, *contents.find_sample(sample_id))
        if position in positions:
            rank = positions.tolist().index(position)
            assert found == Reason(True, rank, None if rank == 0 else picked[rank])
        else:
            covering = ids[expected.covered_by[position]]
            assert (found.drawn, found.rank, found.covered_by) == (True, None, covering)
            assert found.distance == pytest.approx(expected.distances[position], rel=1e-14)


def test_of_equally_near_rows_the_first_picked_covers_and_a_copy_is_at_distance_0(
    tmp_path: Path,
) -> None:
    store = Written(Storage(str(tmp_path)))
    vectors = np.array([[0, 0], [2, 0], [1, 0], [2, 0], [1e8, 1]], np.float32)
    sample = store.sample("real", 0, 5, vectors=vectors)
    select = store.finished(store.select([sample], [1, 0]))
    found = store.contents().finished[sample]
    ids = store.ids(sample)
    assert reason(store.storage, select, found, 2) == Reason(True, None, 1.0, ids[1])
    assert reason(store.storage, select, found, 3) == Reason(True, None, 0.0, ids[1])


def test_a_row_that_was_not_drawn_and_limits_that_may_have_decided_are_told(
    tmp_path: Path,
) -> None:
    store = Written(Storage(str(tmp_path)))
    sample = store.sample("real", 0, 6)
    drawn = store.finished(store.select([sample], [5, 0], candidates=np.array([0, 2, 5])))
    limits = {"quota": {"real": 0.5}, "cap": {}}
    limited = store.finished(store.select([sample], [5, 0], limits=limits))
    step = store.contents().finished[sample]
    assert reason(store.storage, drawn, step, 1) == Reason(False)
    assert reason(store.storage, drawn, step, 2).drawn
    assert reason(store.storage, limited, step, 1).limits == {"quota": {"real": 0.5}}


def test_a_selection_among_other_rows_is_refused(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    sample, other = store.sample("real", 0, 6), store.sample("ddpm", 1, 4)
    select = store.finished(store.select([sample], [5, 0]))
    with pytest.raises(UserError, match=f"SAMPLE_ID: the rows of its step, {other}, were not"):
        reason(store.storage, select, store.contents().finished[other], 0)
