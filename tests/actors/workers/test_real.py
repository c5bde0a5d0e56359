from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import ray
from ray.exceptions import RayTaskError

from actors.data.dataset import range_positions, split_range
from actors.data.image_folder import ImageFolder
from actors.pool import shards
from actors.pool.manifest import files_of
from actors.pool.step import Step
from actors.pool.storage import Storage
from actors.workers.worker import Worker
from tests.actors.data.image_files import encoded, noise, write

pytestmark = pytest.mark.usefixtures("local_ray")


def write_split(
    tmp_path: Path, digest: str | None = None, images: str | None = None
) -> tuple[Storage, ImageFolder, Any]:
    """Let a worker write the training set of eight images without labels."""
    for i in range(8):
        write(tmp_path / "images" / f"{i}.png", encoded(noise(i, 4, 5)))
    dataset = ImageFolder(path=str(tmp_path / "images"), rows=5, reference_rows=3)
    step = Step(
        "sample",
        "pool",
        {
            "dataset": dataset.model_dump(mode="json", exclude={"path"}),
            "source": "fresh",
            "iteration": 2,
            "digest": digest or dataset.info.digest,
            "images": images or str(dataset.info.reading),
            "range": split_range(dataset, "train"),
            "shard_rows": 3,
        },
        seed=1,
        settings={"dataset": {"path": dataset.path}, "cpus": 1, "gpus": 0},
    )
    storage = Storage(str(tmp_path / "store"))
    remote_class: Any = Worker
    actor = remote_class.options(num_cpus=0).remote(storage)
    return storage, dataset, (step, actor.do.remote(step))


def test_a_split_is_written_with_its_images_and_no_labels_where_there_are_none(
    tmp_path: Path,
) -> None:
    storage, dataset, (step, done) = write_split(tmp_path)
    ray.get(done, timeout=60)
    files = files_of(storage, step.path)
    tables = [shards.read_table(storage, file) for file in files]
    assert [len(table) for table in tables] == [3, 2]
    images = np.concatenate([shards.tensor(table, "image") for table in tables])
    expected = [
        noise(i, 4, 5) for i in range_positions(dataset, *split_range(dataset, "train"), 1).tolist()
    ]
    assert np.array_equal(images, expected)
    assert [table["label"].null_count for table in tables] == [3, 2]
    assert {(row["source"], row["iteration"]) for table in tables for row in provenance(table)} == {
        ("fresh", 2)
    }


def provenance(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select(["source", "iteration"]).to_pylist()
    return rows


def test_files_that_changed_since_the_plan_are_not_written(tmp_path: Path) -> None:
    _, _, (_, done) = write_split(tmp_path, digest="another")
    with pytest.raises(RayTaskError, match="dataset: its content has changed since"):
        ray.get(done, timeout=60)


def test_images_that_are_read_otherwise_than_planned_are_not_written(tmp_path: Path) -> None:
    _, _, (_, done) = write_split(tmp_path, images="5x4 grey, not resized")
    with pytest.raises(RayTaskError, match=r"images are 5x4 RGB, .* and not 5x4 grey, not resized"):
        ray.get(done, timeout=60)
