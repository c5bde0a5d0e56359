from pathlib import Path

import numpy as np
import pyarrow as pa

from actors.pool import schema, selections, shards
from actors.pool.storage import Storage
from actors.selection import Selection, greedy
from tests.actors.pool.inspect.stores import finish

SAMPLES, FEATURES = "steps/sample/x", "steps/embed/y"


def six_rows(folder: Path) -> Storage:
    """Return a store with one sample step of six images of one pixel."""
    storage = Storage(str(folder))
    table = schema.rows(
        np.zeros((6, 1, 1, 1), np.uint8),
        step_key="s" * 32,
        first=0,
        source="real",
        iteration=0,
        seed=1,
    )
    record = shards.write_table(storage, shards.shard_path(SAMPLES, 0), table)
    finish(storage, SAMPLES, [record])
    return storage


def test_a_stored_selection_leads_to_ids_images_and_features_of_its_rows(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    images = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2, 1)
    features = images.reshape(10, 4).astype(np.float32)
    for name, column in ((SAMPLES, "image"), (FEATURES, "features")):
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
        finish(storage, name, records)
    positions = np.array([7, 0, 5])
    chosen = Selection(positions, np.array([np.nan, 2.0, 1.0]))
    selections.write(
        storage,
        "chosen",
        chosen,
        samples=[SAMPLES],
        features=[FEATURES],
    )
    selection = selections.read(storage, "chosen")
    assert np.array_equal(selection.images()[selection.positions], images[positions])
    found = selections.gather(storage, selection.features, "features")
    assert np.array_equal(found[positions], features[positions])
    table = shards.read_table(storage, "chosen/selection.arrow")
    assert table["sample_id"].to_pylist() == [f"{'s' * 12}-{i:08d}" for i in positions]
    assert table["rank"].to_pylist() == [0, 1, 2]
    assert table["distance"].to_pylist() == [None, 2.0, 1.0]
    assert selection.candidates is None


def test_a_selection_among_some_of_the_rows_says_which_were_candidates(tmp_path: Path) -> None:
    storage = six_rows(tmp_path)
    candidates, positions = np.array([1, 3, 4]), np.array([4, 1])
    records = selections.write(
        storage,
        "chosen",
        Selection(positions),
        samples=[SAMPLES],
        features=[],
        candidates=candidates,
    )
    assert [record.path for record in records] == [
        "chosen/selection.arrow",
        "chosen/candidates.arrow",
    ]
    selection = selections.read(storage, "chosen")
    assert np.array_equal(selection.positions, positions)
    assert selection.candidates is not None
    assert np.array_equal(selection.candidates, candidates)


def test_ids_have_room_for_more_than_2_gib_in_one_column(tmp_path: Path) -> None:
    storage = six_rows(tmp_path)
    chosen = Selection(np.array([4, 1]))
    selections.write(storage, "chosen", chosen, samples=[SAMPLES], features=[])
    # offsets of 64 bits; those of `string` have 32
    wide = pa.large_string()
    assert (
        shards.read_table(storage, shards.shard_path(SAMPLES, 0)).schema.field("sample_id").type
        == wide
    )
    assert selections.read(storage, "chosen").table.schema.field("sample_id").type == wide
    assert selections.sample_ids(storage, [SAMPLES], np.array([3])).type == wide


def test_a_stored_order_serves_every_smaller_selection(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    features = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    selections.write_order(storage, "ranked", greedy(features, 30, seed=4))
    for rows in (1, 12, 30):
        read, direct = (
            Selection(*selections.read_order(storage, "ranked")).at(np.arange(rows)),
            greedy(features, rows, seed=4),
        )
        assert np.array_equal(read.positions, direct.positions)
        assert read.distances is not None
        assert direct.distances is not None
        assert np.array_equal(read.distances, direct.distances, equal_nan=True)
