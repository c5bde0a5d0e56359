import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from actors.data.cifar10 import Cifar10
from actors.data.dataset import _opened, fetched
from actors.data.files import OWN
from actors.data.hub import Hub
from tests.actors.data.image_files import encoded, noise

IMAGES = [noise(i, 5, 4) for i in range(12)]
COMMIT = "0123456789abcdef0123456789abcdef01234567"  # pragma: allowlist secret
FEW = {"rows": 2, "reference_rows": 2}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of `datasets`, and no network."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    _opened.cache_clear()
    return tmp_path / "cache"


def fill(cache: Path, name: str, configs: tuple[str, ...] = ("plain",), **features: Any) -> None:
    """Put a data set into the cache as `datasets` has it there after a download."""
    import datasets

    kinds = {
        "picture": datasets.Image(),
        "what": datasets.ClassLabel(names=["cat", "dog", "owl"]),
        **features,
    }
    rows: dict[str, list[Any]] = {key: [i % 3 for i in range(12)] for key in kinds}
    rows["picture"] = [{"bytes": encoded(image), "path": None} for image in IMAGES]
    data = datasets.Dataset.from_dict(rows, features=datasets.Features(kinds))
    short = name.rsplit("/", maxsplit=1)[-1]
    for config in configs:
        folder = cache / name.replace("/", "___") / config / "0.0.0" / COMMIT
        folder.mkdir(parents=True)
        writer = datasets.arrow_writer.ArrowWriter(
            features=data.features, path=str(folder / f"{short}-train.arrow"), writer_batch_size=5
        )
        writer.write_table(data.data.table)
        writer.finalize()
        splits = datasets.SplitDict()
        splits.add(datasets.SplitInfo("train", num_examples=12, dataset_name=short))
        datasets.DatasetInfo(
            features=data.features,
            builder_name="cache",
            dataset_name=short,
            config_name=config,
            version="0.0.0",
            splits=splits,
        ).write_to_directory(str(folder))


def test_what_is_in_the_cache_is_read_without_network(cache: Path) -> None:
    fill(cache, "some/thing")
    dataset = Hub.model_validate({"name": "some/thing", **FEW})
    images, labels = dataset.read(np.array([11, 0, 6, 5]))
    assert np.array_equal(images, [IMAGES[i] for i in (11, 0, 6, 5)])
    assert labels is not None
    assert labels.tolist() == [2, 0, 0, 2]
    assert (dataset.image_shape, dataset.classes, dataset.info.rows) == ((5, 4, 3), 3, 12)
    assert dataset.info.digest == f"some___thing/plain/0.0.0/{COMMIT}/train"


def test_facts_of_what_is_in_the_cache_are_kept_in_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(cache, "some/thing")
    for file in cache.rglob("*.arrow"):
        os.utime(file, (1.6e9, 1.6e9))
    before = Hub.model_validate({"name": "some/thing", **FEW}).info
    (kept,) = cache.rglob(f"{OWN}*")
    assert kept.parent.name == COMMIT
    _opened.cache_clear()
    monkeypatch.setattr("actors.data.dataset.read_headers", None)
    assert Hub.model_validate({"name": "some/thing", **FEW}).info == before


def test_cifar10_without_a_path_is_the_hubs(cache: Path) -> None:
    fill(cache, "uoft-cs/cifar10")
    assert Cifar10.model_validate(FEW).info.rows == 12


def offered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, images: list[np.ndarray], **known: Any
) -> Any:
    """Have `datasets` find a data set that it has not downloaded yet; return its builder."""
    import datasets

    features = datasets.Features(
        {"picture": datasets.Image(), "what": datasets.ClassLabel(names=["cat", "dog"])}
    )
    rows = {
        "picture": [{"bytes": encoded(image), "path": None} for image in images],
        "what": [i % 2 for i in range(len(images))],
    }
    file = str(folder / "there.parquet")
    datasets.Dataset.from_dict(rows, features=features).to_parquet(file)
    open_builder = datasets.load_dataset_builder

    def find(name: str, config: str | None, revision: str | None) -> Any:
        builder = open_builder("parquet", data_files={"train": file})
        splits = datasets.SplitDict()
        splits.add(datasets.SplitInfo("train", num_examples=len(images)))
        info = {"splits": splits, "features": features, **known}
        for field, value in info.items():
            setattr(builder.info, field, value)
        return builder

    monkeypatch.setattr(datasets, "load_dataset_builder", find)
    return find("some/thing", None, None)


def test_what_the_hub_says_of_a_data_set_is_known_without_a_download(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = offered(tmp_path, monkeypatch, IMAGES)
    dataset = Hub.model_validate({"name": "some/thing", **FEW})
    before = dataset.info
    assert (before.rows, before.shape, before.classes) == (12, (5, 4, 3), 2)
    assert before.notes == (
        "some/thing will be downloaded; whether all 12 images are like the first is seen then",
    )
    sized = Hub.model_validate({"name": "some/thing", "resize": 3, "channels": 1, **FEW})
    assert sized.info.shape == (3, 3, 1)
    assert not Path(builder.cache_dir).exists()
    after = fetched(dataset)
    assert Path(builder.cache_dir).exists()
    assert after == replace(before, notes=())
    images, labels = dataset.read(np.array([11, 0]))
    assert np.array_equal(images, [IMAGES[11], IMAGES[0]])
    assert labels is not None
    assert labels.tolist() == [1, 0]


@pytest.mark.usefixtures("cache")
def test_images_unlike_the_first_are_seen_once_they_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = [noise(i, 5, 4, 1) for i in range(4)]
    offered(tmp_path, monkeypatch, [*grey, *IMAGES[:2]])
    dataset = Hub.model_validate({"name": "grey/first", **FEW})
    assert dataset.image_shape == (5, 4, 1)
    assert fetched(dataset).shape == (5, 4, 3)


@pytest.mark.parametrize("known", [{"splits": None}, {"features": None}])
def test_a_data_set_that_the_hub_says_too_little_of_is_downloaded_at_once(
    known: dict[str, None], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = offered(tmp_path, monkeypatch, IMAGES, **known)
    info = Hub.model_validate({"name": "some/thing", **FEW}).info
    assert (info.rows, info.shape, info.notes) == (12, (5, 4, 3), ())
    assert Path(builder.cache_dir).exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"split": "valid"}, r"split 'valid' is not there; allowed are 'train'"),
        ({"revision": "main"}, rf"revision 'main' cannot be looked up .*; allowed is '{COMMIT}'"),
        ({"image_column": "x"}, r"image_column 'x' is not there; allowed are 'picture', 'what'"),
        ({"config": "other"}, r"cannot be had from the hub: .*plain"),
        ({"name": "../x"}, r"name\n.*should match pattern"),
    ],
)
def test_what_the_data_set_lacks_is_refused_with_what_it_has(
    cache: Path, fields: dict[str, str], message: str
) -> None:
    fill(cache, "lacking/thing")
    with pytest.raises(ValidationError, match=message):
        Hub.model_validate({"name": "lacking/thing", **FEW, **fields})


def test_two_columns_of_labels_or_two_configurations_need_a_name(cache: Path) -> None:
    import datasets

    two = datasets.ClassLabel(names=["a", "b", "c"])
    fill(cache, "two/labels", also=two)
    with pytest.raises(ValidationError, match=r"label_column: several .* 'what', 'also'; name one"):
        Hub.model_validate({"name": "two/labels", **FEW})
    fill(cache, "two/configs", ("one", "two"))
    with pytest.raises(ValidationError, match=r"multiple 'two/configs' configurations"):
        Hub.model_validate({"name": "two/configs", **FEW})
    assert Hub.model_validate({"name": "two/configs", "config": "two", **FEW}).info.rows == 12


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", ["cifar10", "ylecun/mnist"])
def test_a_name_without_network_says_which_local_forms_work(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Hub(name=name)
    (mistake,) = caught.value.errors()
    assert len(mistake["msg"].splitlines()) == 1
    for local in ("image_folder", "parquet", "fashion_mnist", "digits", "cifar10", "CACHE"):
        assert local in mistake["msg"]


@pytest.mark.usefixtures("cache")
def test_a_hub_that_does_not_answer_is_given_up_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    # nothing listens there; `datasets` alone would try six times, with pauses
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(ValidationError, match="without network work"):
        Hub(name="some/unknown")
    assert time.monotonic() - started < 10
    assert datasets.config.HF_HUB_OFFLINE is False


def test_a_folder_that_has_the_name_is_not_taken_for_the_hubs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValidationError, match=r"name 'mnist' is a folder here"):
        Hub(name="mnist")
