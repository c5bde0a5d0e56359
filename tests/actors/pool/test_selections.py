from dataclasses import replace
from pathlib import Path

import numpy as np

from actors.pool import schema, selections, shards
from actors.pool.step import manifest_path
from actors.pool.storage import Storage
from actors.selection import Selection, explain, greedy


def test_a_stored_selection_leads_to_ids_images_and_features_of_its_rows(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    images = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2, 1)
    features = images.reshape(10, 4).astype(np.float32)
    for name, column in (("samples", "image"), ("features", "features")):
        records = []
        for start, stop in ((0, 6), (6, 10)):
            table = (
                schema.rows(
                    images[start:stop],
                    step_key="s" * 32,
                    first=start,
                    source="real",
                    iteration=0,
                    seed=1,
                )
                if column == "image"
                else shards.feature_table(features[start:stop])
            )
            records.append(shards.write_table(storage, shards.shard_path(name, start), table))
        storage.write_json(manifest_path(name), {"files": records})
    positions = np.array([7, 0, 5])
    chosen = Selection(positions, np.array([np.nan, 2.0, 1.0]))
    selections.write(
        storage,
        "chosen",
        replace(chosen, reasons=explain(features, positions)),
        samples=["samples"],
        features=["features"],
    )
    selection = selections.read(storage, "chosen")
    assert np.array_equal(selection.images()[selection.positions], images[positions])
    assert np.array_equal(selection.selected_features(), features[positions])
    table = shards.read_table(storage, "chosen/selection.arrow")
    assert table["sample_id"].to_pylist() == [f"{'s' * 12}-{i:08d}" for i in positions]
    assert table["rank"].to_pylist() == [0, 1, 2]
    assert table["distance"].to_pylist() == [None, 2.0, 1.0]
    reasons = shards.read_table(storage, "chosen/reasons.arrow").to_pylist()
    assert [row["sample_id"] for row in reasons] == [f"{'s' * 12}-{i:08d}" for i in range(10)]
    assert reasons[0] | {"sample_id": ""} == {
        "sample_id": "",
        "rank": 1,
        "distance": 2.0,
        "covered_by": None,
    }
    assert reasons[7]["distance"] is None
    # row 9 is (36, ..., 39), row 7 is (28, ..., 31): 8 apart in four dimensions
    assert (reasons[9]["rank"], reasons[9]["distance"]) == (None, 16.0)
    assert reasons[9]["covered_by"] == reasons[7]["sample_id"]


def test_a_stored_order_serves_every_smaller_selection(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    features = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    selections.write_order(storage, "ranked", greedy(features, 30, seed=4))
    for rows in (1, 12, 30):
        read, direct = (
            selections.read_order(storage, "ranked", rows),
            greedy(features, rows, seed=4),
        )
        assert np.array_equal(read.positions, direct.positions)
        assert read.distances is not None
        assert direct.distances is not None
        assert np.array_equal(read.distances, direct.distances, equal_nan=True)
