"""Every configuration that is shipped, cut down to two training steps."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from actors.data.dataset import split
from actors.generators.family import Conduct, Draw, TrainedFamily, TrainingSet
from actors.pool.schema import tensor_array
from orchestrator import config
from orchestrator.execution.placement import Node
from orchestrator.planning import make_plan
from orchestrator.sweep import config as sweep_config
from orchestrator.sweep import sweeping
from orchestrator.sweep.equal_rows import on_equal_rows
from orchestrator.yaml_files import read_yaml
from tests.runs import ROOT

FILES = sorted((ROOT / "tune_configs").glob("*.yaml"))
SWEEPS = [file for file in FILES if "space" in read_yaml(str(file))]
CONFIGS = [file for file in FILES if file not in SWEEPS]
# what their data sets look like, which are not here
CHANNELS = {"cifar10": 3, "ffhq32": 3, "mnist": 1, "fashion_mnist": 1}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty images of 40x40 with ten labels, as Parquet."""
    return write(tmp_path_factory.mktemp("pictures") / "images.parquet", 40, 40)


@pytest.fixture(scope="module")
def as_many_as_cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty thousand images of 4x4, for what only counts them."""
    return write(tmp_path_factory.mktemp("many") / "images.parquet", 60_000, 4)


def write(file: Path, rows: int, side: int) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (rows, side, side, 3), np.uint8)
    labels = pa.array(np.arange(rows) % 10)
    pq.write_table(pa.table({"image": tensor_array(images), "label": labels}), file)
    return file


def cut_down(file: Path, pictures: Path) -> config.Experiment:
    """Return the experiment with few rows, few steps and a data set that is here."""
    raw = read_yaml(str(file))
    sizes = {"rows": 16, "reference_rows": 8}
    if file.stem in CHANNELS:
        raw["dataset"] = {
            "kind": "parquet",
            "path": str(pictures),
            "label_column": "label",
            "resize": raw["dataset"].get("resize", 32),
            "channels": CHANNELS[file.stem],
        }
    raw["dataset"] |= sizes
    for generator in raw["generators"].values():
        generator["sampling"] |= {"rows": 16, "steps": 2}
        if "training" in generator:
            generator["training"] |= {"steps": 2, "epochs": None, "batch_size": 4}
        if generator["kind"] == "gaussian_mixture":
            del generator["sampling"]["steps"]
            generator["components"] = 2
    for own in raw.get("training_sets", {}).values():
        if "rows" in own:
            own["rows"] = sizes["rows"]
    return config.validate(raw)


def train_and_sample(experiment: config.Experiment, name: str) -> Any:
    images, labels = split(experiment.dataset, "train", 0)
    family, shape = experiment.generators[name], experiment.dataset.image_shape
    data = TrainingSet(
        lambda rows: images[rows], len(images), shape, labels, experiment.dataset.classes
    )
    assert isinstance(family, TrainedFamily)
    model = family.train(data, 0, Conduct(torch.device("cpu")))
    with torch.inference_mode():
        draw = Draw(0, torch.arange(2), shape, classes=experiment.dataset.classes)
        return family.sample(model, draw)


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_every_shipped_configuration_opens_with_what_it_shows_plans_and_trains(
    file: Path, pictures: Path
) -> None:
    assert file.read_text().startswith("# ")
    experiment = cut_down(file, pictures)
    plan = make_plan(experiment)
    assert len(plan.steps) > 5
    for name, generator in experiment.generators.items():
        made, labels = train_and_sample(experiment, name)
        height, width, channels = experiment.dataset.image_shape
        assert made.shape == (2, channels, height, width)
        assert bool(made.isfinite().all())
        assert (labels is not None) == generator.conditional


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_every_point_of_a_shipped_sweep_plans_fits_and_has_its_objectives(
    file: Path, as_many_as_cifar10: Path
) -> None:
    assert file.read_text().startswith("# ")
    at_papers_size = file.stem.endswith("_cifar10")
    here: dict[str, Any] = {
        "kind": "parquet",
        "path": str(as_many_as_cifar10),
        "label_column": "label",
    }
    here |= {"resize": 32, "channels": 3}
    overrides: list[tuple[str, Any]] = [("experiment.dataset", here)] if at_papers_size else []
    if file.stem == "features_sweep_cifar10":
        # published weights are not here
        overrides.append(("space.features", [{"kind": "pixels"}, {"kind": "pca"}]))
        overrides.append(("experiment.evaluation.features", None))
    sweep = sweep_config.load(str(file), overrides)
    sweep = on_equal_rows(sweep)
    sweeping.check_points(sweep, [Node(8, 4) if at_papers_size else Node(2, 0)])
    plans = {
        (str(point), seed): frozenset(make_plan(sweep.at(point, seed)).steps)
        for point in sweep.points() or sweep.ends()
        for seed in sweep.repeat.seeds
    }
    assert len(set(plans.values())) == len(plans) > 1


def test_every_sweep_of_laptop_size_but_the_scheduler_s_has_a_sibling_of_the_paper_s() -> None:
    names = {file.stem for file in SWEEPS}
    laptop = {name for name in names if not name.endswith("_cifar10")}
    assert {f"{name}_cifar10" for name in laptop - {"asha_sweep"}} == names - laptop
