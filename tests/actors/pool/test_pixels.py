from pathlib import Path

import numpy as np
import pytest

from actors.pool import pixels, schema, selections, shards
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import finish

STEP = "steps/sample/x"


def stored(path: Path, images: np.ndarray) -> Storage:
    """Write images as the shards of a sample step, of two rows each."""
    storage, records = Storage(str(path)), []
    about = {"step_key": "s" * 32, "source": "real", "iteration": 0, "seed": 1}
    for start, stop in shards.ranges(len(images), 2):
        table = schema.rows(images[start:stop], first=start, **about)  # type: ignore[arg-type]
        records.append(shards.write_table(storage, shards.shard_path(STEP, start), table))
    finish(storage, STEP, records)
    return storage


def test_pixels_of_every_level_are_the_bits_of_float32_arithmetic() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(2, 8, 16, 1)
    expected = levels.reshape(2, -1).astype(np.float32) / np.float32(127.5) - np.float32(1)
    found = pixels.scale(levels)
    assert found.dtype == np.float32
    assert np.array_equal(found.view(np.uint32), expected.view(np.uint32))
    assert (found.min(), found.max()) == (-1, 1)


@pytest.mark.parametrize("block", [1, 3 * 12, 1 << 24])
def test_the_features_of_a_sample_step_are_its_pixels_however_they_are_read(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "BLOCK_BYTES", block)
    images = np.random.default_rng(0).integers(0, 256, (7, 2, 2, 3), np.uint8)
    storage = stored(tmp_path, images)
    rows = selections.gather(storage, [STEP, STEP], "features")
    expected = pixels.scale(np.concatenate([images, images]))
    assert (len(rows), rows.shape) == (14, (12,))
    assert rows.dtype == np.float32
    assert np.array_equal(rows.all(), expected)
    positions = np.array([13, 0, 6, 7, 0])
    assert np.array_equal(rows[positions], expected[positions])
    with pytest.raises(IndexError):
        rows[np.array([14])]
    assert np.array_equal(selections.gather(storage, [STEP], "image").all(), images)
