import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actors.metrics.shares import selected_shares
from actors.pool import schema, selections, shards
from actors.pool.storage import Storage
from actors.selection import Selection
from tests.actors.pool.inspect.stores import finish

ROWS, SELECTED = 45, 20


@pytest.fixture(name="stored")
def _stored(tmp_path: Path) -> tuple[Storage, Any]:
    """A store with a selection at `chosen`, and its candidates as a pandas frame."""
    storage, rng = Storage(str(tmp_path)), np.random.default_rng(0)
    tables = []
    for source, iteration, sizes in (
        ("real", 0, (8, 4)),
        ("fresh", 3, (5,)),
        ("ddpm", 2, (9, 9)),
        ("edm", 3, (10,)),
    ):
        name, first, records = f"steps/sample/{source}-{iteration}", 0, []
        for size in sizes:
            table = schema.rows(
                rng.integers(0, 256, (size, 2, 2, 1), np.uint8),
                step_key=source.ljust(32, "0"),
                first=first,
                source=source,
                iteration=iteration,
                seed=1,
                # a generator without labels
                labels=None if source == "edm" else rng.integers(0, 3, size),
            )
            records.append(shards.write_table(storage, shards.shard_path(name, first), table))
            tables.append(table.drop_columns(["image"]))
            first += size
        finish(storage, name, records)
    positions = rng.permutation(ROWS)[:SELECTED]
    selections.write(
        storage,
        "chosen",
        Selection(positions),
        samples=[f"steps/sample/{name}" for name in ("real-0", "fresh-3", "ddpm-2", "edm-3")],
        features=[],
    )
    frame = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    # pandas sorts categories in their order of appearance
    frame["source"] = frame["source"].astype(str)
    frame["selected"] = np.isin(np.arange(ROWS), positions)
    return storage, frame


@pytest.mark.parametrize("by", ["source", "iteration", "label"])
def test_counts_and_shares_are_those_that_pandas_groups(
    stored: tuple[Storage, Any], by: str
) -> None:
    storage, frame = stored
    grouped = frame.groupby(by, dropna=False, observed=True)["selected"].agg(["size", "sum"])
    expected = [
        {
            "by": by,
            "value": value,
            "candidates": size,
            "selected": chosen,
            "candidate_share": size / ROWS,
            "selected_share": chosen / SELECTED,
        }
        for value, size, chosen in json.loads(grouped.reset_index().to_json(orient="values"))
    ]
    found = [row for row in selected_shares(storage, "chosen") if row["by"] == by]
    assert found == expected


def test_contamination_is_counted_by_source_and_iteration_together(
    stored: tuple[Storage, Any],
) -> None:
    storage, frame = stored
    grouped = frame.groupby(["source", "iteration"])["selected"].agg(["size", "sum"])
    found = [row for row in selected_shares(storage, "chosen") if row["by"] == "origin"]
    assert [(*row["value"], row["candidates"], row["selected"]) for row in found] == [
        (source, iteration, size, chosen)
        for (source, iteration), (size, chosen) in zip(
            grouped.index, grouped.to_numpy().tolist(), strict=True
        )
    ]


def test_values_come_in_order_with_rows_without_a_label_last(stored: tuple[Storage, Any]) -> None:
    found = selected_shares(stored[0], "chosen")
    assert [row["value"] for row in found if row["by"] == "source"] == [
        "ddpm",
        "edm",
        "fresh",
        "real",
    ]
    assert [row["value"] for row in found if row["by"] == "label"] == [0, 1, 2, None]
    assert json.loads(json.dumps(found)) == found
