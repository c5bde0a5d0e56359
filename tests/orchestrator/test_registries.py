"""A generator, a selection method and an extractor are each a class and a line in a registry.

Each test registers a toy, plans an experiment with it, and has every step carried out by the
functions that workers call; nothing else may have to know the toy.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from pydantic import Field
from safetensors.numpy import load_file, save_file

from actors.data.dataset import split
from actors.features import EXTRACTORS, Extractor
from actors.generators import GENERATORS, TrainedFamily
from actors.generators.family import Conduct, Draw, TrainingSet
from actors.pool import selections, shards
from actors.pool.step import once
from actors.pool.storage import Storage
from actors.selection import METHODS, Method, Selection
from actors.workers.worker import MAKERS, WORK

ROWS, SAMPLES = 48, 20
EXPERIMENT: dict[str, Any] = {
    "name": "toys",
    "iterations": 2,
    "shard_rows": 16,
    "dataset": {"kind": "digits", "rows": ROWS, "reference_rows": 48},
    "generators": {
        "g": {"kind": "gaussian_mixture", "components": 1, "sampling": {"rows": SAMPLES}}
    },
    "selection": {"kind": "random", "ratio": 0.5},
    "evaluation": {"pictures": False, "measures": ["dispersion", "frechet"]},
}


class MeanImage(TrainedFamily):
    """Learns the mean image; every sample is it, some levels brighter."""

    kind: Literal["mean_image"]
    brighter: int = Field(2, description="levels that a sample is brighter by")

    def train(self, data: TrainingSet, seed: int, conduct: Conduct) -> np.ndarray:
        return np.asarray(data.images(np.arange(data.rows)).mean(axis=0))

    def save(self, model: np.ndarray, folder: Path) -> None:
        save_file({"mean": model}, folder / "mean.safetensors")

    def load(self, folder: Path, device: torch.device) -> np.ndarray:
        return load_file(folder / "mean.safetensors")["mean"]

    def sample(self, model: np.ndarray, draw: Draw) -> tuple[torch.Tensor, None]:
        mean = torch.from_numpy(model).permute(2, 0, 1) + self.brighter
        levels = mean + draw.indices[:, None, None, None]
        return levels / 127.5 - 1, None


def last_rows(features: np.ndarray, n: int, *, seed: int, skipped: int) -> Selection:
    """Choose the last rows but a few, the last of them first."""
    return Selection(np.arange(len(features))[::-1][skipped : skipped + n].copy())


class LastRows(Method):
    """The last rows but a few."""

    function = staticmethod(last_rows)

    kind: Literal["last_rows"]
    skipped: int = Field(0, ge=0, description="rows at the end that are left out")


class Brightness(Extractor):
    """Mean and deviation of the levels of an image."""

    kind: Literal["brightness"]
    scale: float = Field(1.0, description="factor on both")

    def dimension(self, image_shape: tuple[int, int, int]) -> int:
        return 2

    def extract(self, images: np.ndarray, fitted: Any = None) -> np.ndarray:
        flat = images.reshape(len(images), -1)
        return (self.scale * np.stack([flat.mean(1), flat.std(1)], 1)).astype(np.float32)


@pytest.fixture
def orchestrator() -> Iterator[Callable[[str], Any]]:
    """Import modules of the orchestrator afresh, with the registries as they then are."""

    def those() -> dict[str, Any]:
        return {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "orchestrator"}

    before = those()
    for name in before:
        del sys.modules[name]
    yield lambda name: importlib.import_module(f"orchestrator.{name}")
    for name in those():
        del sys.modules[name]
    sys.modules.update(before)


class Nobody:
    """Keeps nobody away from a step, as nobody else is there, and hears no reports."""

    def __call__(self, key: str) -> AbstractContextManager[None]:
        return nullcontext()

    def report(self, key: str, fraction: float, note: str) -> None:
        pass


def carry_out(plan: Any, storage: Storage) -> None:
    """Do every step of a plan as a worker does it."""
    nobody: Any = Nobody()
    for planned in plan.steps.values():
        step = planned.step
        if step.cut:
            maker = resolve_name(MAKERS[step.room, step.kind])(storage)
            records = [
                shards.write_table(
                    storage,
                    shards.shard_path(step.path, rows[0]),
                    maker.make(step, *rows, lambda fraction, note: None),
                )
                for rows in shards.ranges(step.cut.rows, step.cut.shard_rows)
            ]
        else:
            work = resolve_name(WORK[step.room, step.kind])
            records = work(storage, step, lambda fraction, note: None)
        once(storage, step, nobody, partial(list, records))


def run(orchestrator: Callable[[str], Any], folder: Path, **changes: Any) -> tuple[Any, Storage]:
    """Validate, plan and carry out the experiment with some fields changed."""
    experiment = orchestrator("config").validate(EXPERIMENT | changes)
    plan = orchestrator("planning").make_plan(experiment)
    storage = Storage(str(folder))
    carry_out(plan, storage)
    return plan, storage


def step_of(plan: Any, kind: str, iteration: int) -> Any:
    """Return the first planned step of a kind at an iteration."""
    steps = (p.step for p in plan.steps.values() if p.iteration == iteration)
    return next(step for step in steps if step.kind == kind)


def listed(orchestrator: Callable[[str], Any], schema: str, path: str) -> Any:
    """Return what --help and completion know of a field."""
    return orchestrator("fields").every_schema()[schema][path]


def real_rows(plan: Any) -> np.ndarray:
    """Return the images of the real training set."""
    return split(plan.experiment.dataset, "train", step_of(plan, "sample", 0).seed)[0]


@pytest.mark.usefixtures("local_ray")
def test_a_generator_is_one_entry(
    orchestrator: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(GENERATORS, "mean_image", MeanImage)
    assert "mean_image" in listed(orchestrator, "experiment", "generators.NAME.kind")["choices"]
    field = listed(orchestrator, "experiment", "generators.NAME.brighter")
    assert (field["only"], field["says"]) == ("mean_image", "levels that a sample is brighter by")
    toy = {"kind": "mean_image", "brighter": 5, "sampling": {"rows": SAMPLES}}
    plan, storage = run(orchestrator, tmp_path, generators={"g": toy})
    trained_on = real_rows(plan).astype(np.float64)
    for iteration in (1, 2):
        step = step_of(plan, "sample", iteration)
        found = selections.gather(storage, [step.path], "image").all()
        brighter = trained_on.mean(axis=0) + 5 + np.arange(SAMPLES)[:, None, None, None]
        np.testing.assert_allclose(found, brighter.clip(0, 255), atol=0.501)
        select = step_of(plan, "select", iteration + 1) if iteration == 1 else None
        if select:
            chosen = selections.read(storage, select.path)
            assert len(chosen) == SAMPLES // 2
            trained_on = found[chosen.positions].astype(np.float64)


@pytest.mark.usefixtures("local_ray")
def test_a_selection_method_is_one_entry(
    orchestrator: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(METHODS, "last_rows", LastRows)
    for schema in ("experiment", "curate"):
        assert "last_rows" in listed(orchestrator, schema, "selection.kind")["choices"]
        assert listed(orchestrator, schema, "selection.skipped")["only"] == "last_rows"
    toy = {"kind": "last_rows", "skipped": 2, "ratio": 0.5}
    plan, storage = run(orchestrator, tmp_path / "store", selection=toy)
    chosen = selections.read(storage, step_of(plan, "select", 2).path)
    assert chosen.positions.tolist() == list(range(SAMPLES - 3, SAMPLES - 13, -1))
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(30, 3)))
    out = tmp_path / "kept.parquet"
    curate = orchestrator("curate")
    fields = [("input", str(tmp_path / "x.npy")), ("out", str(out)), ("rows", 4)]
    selection = ("selection", {"kind": "last_rows", "skipped": 2})
    request = orchestrator("inputs").load(curate.Curation, {}, [*fields, selection])
    assert curate.run_curate(request) == 0
    kept = [row["id"] for row in pq.read_table(out).to_pylist() if row["kept"]]
    assert kept == ["27", "26", "25", "24"]


@pytest.mark.usefixtures("local_ray")
def test_an_extractor_is_one_entry(
    orchestrator: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(EXTRACTORS, "brightness", Brightness)
    for schema in ("experiment", "curate", "evaluate"):
        assert "brightness" in listed(orchestrator, schema, "features.kind")["choices"]
        assert listed(orchestrator, schema, "features.scale")["only"] == "brightness"
    toy = {"kind": "brightness", "scale": 3.0}
    plan, storage = run(orchestrator, tmp_path, features=toy)
    real = step_of(plan, "sample", 0).path
    steps = (planned.step for planned in plan.steps.values())
    (embed,) = (
        step.path for step in steps if step.kind == "embed" and real in step.inputs["samples"]
    )
    found = selections.gather(storage, [embed], "features").all()
    images = real_rows(plan).reshape(ROWS, -1).astype(np.float64)
    expected = 3 * np.stack([images.mean(axis=1), images.std(axis=1)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
