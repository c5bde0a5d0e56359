import json
import shutil
import time
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, DiTPipeline
from PIL import Image

from actors.batches import BatchSize
from actors.data.image_folder import ImageFolder
from actors.errors import NonFiniteError, UserError
from actors.generators import GENERATORS, TrainedFamily, pipelines
from actors.generators.family import Draw
from actors.generators.sampling import sample
from actors.generators.unet import UNet
from actors.seeds import derive_seed
from tests.actors.data.image_files import encoded, noise, write

CPU = torch.device("cpu")
SHAPE = (8, 8, 1)


def family(**fields: Any) -> Any:
    return GENERATORS["external"].model_validate({"kind": "external", **fields})


def build(channels: int = 1) -> Any:
    torch.manual_seed(0)
    return UNet(widths=(8, 8), norm_groups=4).build((8, 8, channels)).eval()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "pipeline"
    DDPMPipeline(build(), DDPMScheduler()).save_pretrained(folder)
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(12):
        write(tmp_path / "images" / f"{number:02}.png", encoded(noise(number, 8, 8, 1)))
    return tmp_path / "images"


def draw(model: Any, start: int, stop: int, before: int = 0, shape: Any = SHAPE) -> np.ndarray:
    """Return samples of a family as the generator's actor computes them."""
    these = Draw(5, torch.arange(start, stop), shape, before)
    loaded = model.load(Path("nowhere"), CPU)
    found, labels = sample(model, loaded, these, BatchSize(None, CPU))
    assert labels is None
    return found


@pytest.mark.parametrize("kind", [DDPMPipeline, DDIMPipeline])
def test_samples_of_a_pipeline_are_its_own_and_do_not_depend_on_the_batch(
    kind: Any, tmp_path: Path
) -> None:
    scheduler = DDPMScheduler() if kind is DDPMPipeline else DDIMScheduler()
    pipeline = kind(build(), scheduler)
    pipeline.save_pretrained(tmp_path)
    model = family(pipeline=str(tmp_path), steps=4)
    whole = draw(model, 0, 5)
    assert whole.shape == (5, 8, 8, 1)
    assert np.array_equal(np.concatenate([draw(model, 0, 2), draw(model, 2, 5)]), whole)
    assert len(np.unique(whole.reshape(5, -1), axis=0)) == 5


def test_a_sample_is_what_the_stock_pipeline_makes_with_its_generator(saved: Path) -> None:
    ours = draw(family(pipeline=str(saved), steps=3), 7, 8)
    pipeline = DDPMPipeline.from_pretrained(saved, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(derive_seed(5, 7))
    theirs = pipeline(generator=generator, num_inference_steps=3, output_type="np").images
    assert np.array_equal(ours, (theirs * 255).round())


def test_a_pipelines_images_get_the_shape_of_the_data(saved: Path) -> None:
    model = family(pipeline=str(saved), steps=2)
    here = draw(model, 0, 3)
    coloured = draw(model, 0, 3, shape=(8, 8, 3))
    assert np.array_equal(coloured, here.repeat(3, axis=3))
    with pytest.raises(UserError, match=r"^pipeline: it makes images 8x8 with 1 channel; allowed"):
        draw(model, 0, 3, shape=(12, 8, 1))
    larger = draw(model, 0, 3, shape=(12, 12, 1))
    transforms: Any = pytest.importorskip("torchvision.transforms")
    resize = transforms.Resize(12)
    for ours, image in zip(larger, here, strict=True):
        assert np.array_equal(ours[..., 0], np.asarray(resize(Image.fromarray(image[..., 0]))))


def test_nan_from_a_pipeline_is_refused_with_its_count(saved: Path) -> None:
    model = family(pipeline=str(saved))

    class Broken:
        def __call__(self, batch_size: int, **given: Any) -> Any:
            self.images = np.zeros((batch_size, 8, 8, 1))
            self.images[1::2, 0] = np.nan
            return self

    with pytest.raises(NonFiniteError, match="2 of the samples 3 to 6 contain NaN"):
        model.sample(Broken(), Draw(0, torch.arange(3, 7), SHAPE))


def test_images_come_once_each_over_the_iterations_in_an_order_that_stays(images: Path) -> None:
    model = family(images=str(images), sampling={"rows": 4})
    model.check_images(SHAPE, 12)
    found = np.concatenate([draw(model, 0, 4, before) for before in (0, 4, 8)])
    made = np.stack([noise(number, 8, 8, 1)[..., None] for number in range(12)])
    assert sorted(image.tobytes() for image in found) == sorted(image.tobytes() for image in made)
    assert not np.array_equal(found, made)
    assert np.array_equal(np.concatenate([draw(model, 0, 1, 4), draw(model, 1, 4, 4)]), found[4:8])
    other = family(images=str(images), sampling={"rows": 4}, order_seed=1)
    assert not np.array_equal(draw(other, 0, 4), found[:4])


def test_images_are_resized_and_converted_as_real_data_are(tmp_path: Path) -> None:
    for number, (height, width) in enumerate([(20, 16), (16, 31), (8, 8), (40, 12)]):
        write(tmp_path / f"{number}.png", encoded(noise(number, height, width)))
    model = family(images=str(tmp_path), sampling={"rows": 4})
    model.check_images((8, 8, 1), 4)
    data = ImageFolder(path=str(tmp_path), rows=2, reference_rows=2, resize=8, channels=1)
    theirs, _ = data.read(np.arange(4))
    ours = draw(model, 0, 4)
    assert {image.tobytes() for image in ours} == {image.tobytes() for image in theirs}


@pytest.mark.parametrize("given", ["{0}/made.parquet", "{0}", "{0}/*.parquet"])
def test_images_may_be_parquet(given: str, tmp_path: Path) -> None:
    made = [Image.fromarray(noise(number, 8, 8, 1)) for number in range(6)]
    features = datasets.Features({"image": datasets.Image()})
    datasets.Dataset.from_dict({"image": made}, features).to_parquet(tmp_path / "made.parquet")
    model = family(images=given.format(tmp_path), sampling={"rows": 3})
    model.check_images(SHAPE, 6)
    found = np.concatenate([draw(model, 0, 3, before) for before in (0, 3)])
    assert {i.tobytes() for i in found} == {np.asarray(i).tobytes() for i in made}


def test_the_digest_is_that_of_the_content(images: Path, saved: Path, tmp_path: Path) -> None:
    for field, folder in (("images", images), ("pipeline", saved)):
        copy = tmp_path / f"copy of {field}"
        shutil.copytree(folder, copy)
        first = family(**{field: str(folder)}).digest(SHAPE)
        assert first
        assert family(**{field: str(copy)}).digest(SHAPE) == first
        changed = tmp_path / f"changed {field}"
        shutil.copytree(folder, changed)
        file = next(f for f in sorted(changed.rglob("*")) if f.suffix in (".png", ".safetensors"))
        file.write_bytes(encoded(noise(99, 8, 8, 1)))
        assert family(**{field: str(changed)}).digest(SHAPE) != first


def test_too_few_images_or_another_shape_are_found_before_the_run(images: Path) -> None:
    model = family(images=str(images), sampling={"rows": 5})
    model.check_images(SHAPE, 12)
    with pytest.raises(
        ValueError, match=r"^images: found 12, fewer than the 13 that sampling\.row"
    ):
        model.check_images(SHAPE, 13)
    with pytest.raises(ValueError, match=r"^images: found 8x8 with 1 channel; allowed is 8x4 with"):
        model.check_images((4, 8, 1), 1)


def test_exactly_one_of_pipeline_and_images_is_given() -> None:
    for fields in ({}, {"pipeline": "a/b", "images": "c"}):
        with pytest.raises(ValueError, match="allowed is one of the two"):
            family(**fields)
    with pytest.raises(ValueError, match="steps 3 needs `pipeline`"):
        family(images="c", steps=3)


def message(model: Any) -> str:
    """Return the one line that says what the mistake is."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  what it says is what is looked at
        model.check_images(SHAPE, 1)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_missing_paths_are_named(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert message(family(images=gone)).startswith(
        f"images: {gone!r} is not there; allowed is a folder of images"
    )
    assert message(family(pipeline=gone)).startswith(
        f"pipeline: {gone!r} is not there; allowed is a folder that a diffusers pipeline"
    )
    assert "has no images" in message(family(images=str(tmp_path)))
    assert "has no model_index.json" in message(family(pipeline=str(tmp_path)))


def test_a_name_on_the_hub_without_network_says_what_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipelines, "reachable", lambda: False)
    started = time.monotonic()
    said = message(family(pipeline="nobody/no-such-pipeline"))
    assert time.monotonic() - started < 15
    assert said.startswith("pipeline: 'nobody/no-such-pipeline' is no folder here")
    assert "out of reach" in said
    assert "without network only a folder" in said


def test_pipelines_with_code_pickles_or_conditions_are_refused(saved: Path, tmp_path: Path) -> None:
    def altered(name: str) -> Path:
        return Path(shutil.copytree(saved, tmp_path / name))

    code = altered("code")
    (code / "unet" / "mine.py").write_text("raise SystemExit")
    assert "has code of its own, unet/mine.py" in message(family(pipeline=str(code)))

    pickles = altered("pickles")
    weights = pickles / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(build().state_dict(), weights.with_suffix(".bin"))
    weights.unlink()
    assert "has no weights; allowed are .safetensors" in message(family(pipeline=str(pickles)))

    conditional = altered("conditional")
    index = json.loads((conditional / "model_index.json").read_text())
    index["_class_name"] = DiTPipeline.__name__
    (conditional / "model_index.json").write_text(json.dumps(index))
    assert "holds a DiTPipeline; allowed are" in message(family(pipeline=str(conditional)))


def test_a_broken_pipeline_is_one_line(saved: Path) -> None:
    (saved / "unet" / "config.json").unlink()
    with pytest.raises(UserError, match=r"^pipeline: .* cannot be opened"):
        family(pipeline=str(saved)).load(Path("nowhere"), CPU)


def test_it_is_not_trained(images: Path) -> None:
    model = family(images=str(images))
    assert not isinstance(model, TrainedFamily)
    assert not model.conditional
