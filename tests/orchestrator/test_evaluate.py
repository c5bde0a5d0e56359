import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actors.data.dataset import split
from actors.data.digits import Digits
from actors.metrics.frechet import frechet_distance
from tests.runs import call

DIGITS = Digits(rows=120, reference_rows=100)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of images: trained on, held out, and made by hiding a row of what was trained on."""
    root = tmp_path_factory.mktemp("folders")
    for name, part in (("train", "train"), ("real", "reference"), ("made", "train")):
        images, labels = split(DIGITS, part, 0)
        assert labels is not None
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            folder = root / name / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            shown = image[..., 0].copy()
            if name == "made":
                shown[number % 8] = 0
            Image.fromarray(shown).save(folder / f"{number:03d}.png")
    return root


def arguments(folders: Path, out: Path, *more: str) -> tuple[str, ...]:
    paths = (f"--{n}={folders / p}" for n, p in (("real", "real"), ("samples", "made")))
    return ("evaluate", *paths, f"--out={out}", *more)


def test_folders_are_measured_with_a_table_and_json_beside_it(
    folders: Path, tmp_path: Path
) -> None:
    out = tmp_path / "e.json"
    done = call(*arguments(folders, out, f"--train={folders / 'train'}"))
    assert done.returncode == 0, done.stderr
    by_metric = {one["metric"]: one for one in json.loads(out.read_text())["measures"]}
    made, real = (
        np.stack([np.asarray(Image.open(f), np.float32) for f in sorted(folders.glob(f"{n}/*/*"))])
        for n in ("made", "real")
    )
    expected = frechet_distance(*(x.reshape(len(x), -1) / 127.5 - 1 for x in (made, real)))
    assert by_metric["frechet_distance"]["value"] == pytest.approx(expected, rel=1e-4)
    assert (by_metric["frechet_distance"]["n"], by_metric["frechet_distance"]["reference_n"]) == (
        120,
        100,
    )
    assert "samples (120 rows) against held-out real (100)" in done.stdout
    assert "generalization score" in done.stdout
    # twice the same name is refused, so nothing is overwritten
    again = call(*arguments(folders, out))
    assert again.returncode == 2
    assert again.stderr.startswith(f"error: out: {str(out)!r} exists; name a new one")


def test_a_fitted_extractor_is_fitted_on_what_was_trained_on(folders: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.json"
    done = call(
        *arguments(folders, out, f"--train={folders / 'train'}", "--features=pca"),
        "--features.components=8",
        "--measures=[dispersion, frechet]",
    )
    assert done.returncode == 0, done.stderr
    measures = json.loads(out.read_text())["measures"]
    assert {(one["features"], len(one["extractor"])) for one in measures} == {("pca", 64)}
    assert "generalization" not in done.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--features=best",), "features.kind: found 'best'; allowed are 'pixels', 'pca'"),
        (("--real=/nowhere",), "real: '/nowhere' is not there; allowed is a folder of images"),
        (("--measures=[luck]",), "measures.0: found 'luck'; no group of measures; allowed are"),
        (("--measures=[]",), "measures: found none; allowed are one and more"),
        (("--image-size=4", "--features=pca"), "features.components: found 64; allowed are up to"),
    ],
)
def test_a_mistake_is_one_line(
    folders: Path, tmp_path: Path, more: tuple[str, ...], message: str
) -> None:
    done = call(*arguments(folders, tmp_path / "e.json", *more))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert not (tmp_path / "e.json").exists()
