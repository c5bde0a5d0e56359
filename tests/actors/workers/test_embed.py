import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from ray.exceptions import RayTaskError
from safetensors.numpy import load_file

from actors.data.dataset import split
from actors.distances.space import NETWORK
from actors.features import EXTRACTORS, weights
from actors.pool import selections, shards
from actors.pool.manifest import files_of, read_step
from actors.pool.step import Step
from actors.pool.storage import File, Storage
from actors.workers.worker import Worker
from orchestrator import config, steps
from tests.runs import TINY

pytestmark = pytest.mark.usefixtures("local_ray")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> tuple[Storage, Any]:
    storage = Storage(str(tmp_path_factory.mktemp("store")))
    kind: Any = Worker
    return storage, kind.options(num_cpus=0).remote(storage)


def embedded(worker: tuple[Storage, Any], **features: Any) -> tuple[Any, Step, Step]:
    """Let the worker write the tiny experiment's real rows, fit on them and extract them."""
    _, actor = worker
    experiment = config.load(str(TINY), [("features", features)])
    real = steps.real_data(experiment, "train")
    fitted = steps.fit(experiment, experiment.features, real)
    embed = steps.embed(experiment, experiment.features, real, fitted)
    ray.get(actor.do.remote(real), timeout=60)
    ray.get(actor.do.remote(fitted), timeout=120)
    ray.get(actor.close.remote(embed, make(actor, embed), 0.0, 0.0), timeout=60)
    return experiment, fitted, embed


def make(actor: Any, step: Step) -> list[File]:
    """Let a worker make the ranges of a step, the last one first; return them in order."""
    ranges = [*shards.ranges(step.ranges.rows, step.ranges.shard_rows)]
    records = {rows: ray.get(actor.make.remote(step, *rows), timeout=60) for rows in ranges[::-1]}
    return [records[rows] for rows in ranges]


@pytest.mark.parametrize(
    "features", [{"kind": "encoder", "steps": 20}, {"kind": "pca", "components": 9}]
)
def test_features_are_those_of_the_extractor_fitted_on_the_real_rows_and_their_labels(
    features: dict[str, Any], worker: tuple[Storage, Any]
) -> None:
    storage = worker[0]
    experiment, fitted, embed = embedded(worker, **features)
    real = steps.real_data(experiment, "train")
    images, labels = split(experiment.dataset, "train", real.seed)
    extractor: Any = EXTRACTORS[features["kind"]](**features)
    expected = extractor.extract(images, extractor.load(extractor.fit(images, labels, fitted.seed)))
    assert len(files_of(storage, embed.path)) == 4
    found = selections.gather(storage, [embed.path], "features").all()
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_card_has_the_hash_of_the_fitted_weights(worker: tuple[Storage, Any]) -> None:
    storage = worker[0]
    _, fitted, embed = embedded(worker, kind="encoder", steps=20, batch_size=5)
    file = storage.local(f"{fitted.path}/weights.safetensors")
    stored = load_file(file)
    assert "body.0.weight" in stored
    assert weights.fingerprint(stored) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert weights.card(storage, embed.path) == {
        "kind": "encoder",
        "features": 64,
        "steps": 20,
        "name": "encoder",
        "resize": "averaged down to 32 a side where larger",
        "space": NETWORK,
        "weights": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def test_weights_that_changed_since_the_plan_are_not_used(
    worker: tuple[Storage, Any],
) -> None:
    _, actor = worker
    experiment = config.load(str(TINY), [])
    real = steps.real_data(experiment, "train")
    ray.get(actor.do.remote(real), timeout=60)
    planned = steps.embed(experiment, experiment.features, real)
    changed = replace(planned, config=planned.config | {"digest": "another"})
    with pytest.raises(RayTaskError, match="features: the weights of pixels changed since"):
        make(actor, changed)


def test_ranges_that_are_stored_are_found_and_not_made_again(worker: tuple[Storage, Any]) -> None:
    storage, actor = worker
    _, _, embed = embedded(worker, kind="pca", components=5)
    written = read_step(storage, embed.path).files
    times = [storage.local(file.path).stat().st_mtime_ns for file in written]
    assert tuple(make(actor, embed)) == written
    assert [storage.local(file.path).stat().st_mtime_ns for file in written] == times


def test_samples_that_are_damaged_are_not_embedded(tmp_path: Path) -> None:
    kind: Any = Worker
    storage = Storage(str(tmp_path))
    actor = kind.options(num_cpus=0).remote(storage)
    experiment = config.load(str(TINY), [])
    real = steps.real_data(experiment, "train")
    ray.get(actor.do.remote(real), timeout=60)
    file = tmp_path / files_of(storage, real.path)[1]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    embed = steps.embed(experiment, experiment.features, real)
    with pytest.raises(RayTaskError, match=r"rows-\d+\.arrow: its checksum is not that of"):
        make(actor, embed)
