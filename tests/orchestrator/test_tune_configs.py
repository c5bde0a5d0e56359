"""Every configuration that is shipped, cut down to two training steps."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from actors.generator.family import Conduct, Draw, TrainingSet
from actors.pool.real import split
from actors.pool.schema import tensor_array
from orchestrator import config
from orchestrator.plan import make_plan
from tests.runs import ROOT

# experiments; a file with a `space` is a sweep
CONFIGS = [
    file
    for file in sorted((ROOT / "tune_configs").glob("*.yaml"))
    if "space" not in config.read_yaml(str(file))
]
# what their data sets look like, which are not here
CHANNELS = {"cifar10": 3, "ffhq32": 3, "mnist": 1, "fashion_mnist": 1}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty images of 40x40 with ten labels, as Parquet."""
    images = np.random.default_rng(0).integers(0, 256, (40, 40, 40, 3)).astype(np.uint8)
    labels = pa.array(np.arange(40) % 10)
    file = tmp_path_factory.mktemp("pictures") / "images.parquet"
    pq.write_table(pa.table({"image": tensor_array(images), "label": labels}), file)
    return file


def cut_down(file: Path, pictures: Path) -> config.Experiment:
    """Return the experiment with few rows, few steps and a data set that is here."""
    raw = config.read_yaml(str(file))
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
