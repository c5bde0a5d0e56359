import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from actors.curation import report
from actors.curation.charts import draw_shares
from actors.curation.curation import Curated, curate
from actors.curation.outputs import describe
from actors.curation.panels import left_out, panels
from actors.data.arrays import ArrayFile
from actors.data.inputs import Candidates
from actors.plots.style import LIGHT
from actors.selection import METHODS
from tests.actors.data.inputs import features, folder, images


def curated(candidates: Candidates, n: int, kind: str = "greedy") -> Curated:
    return curate(candidates, METHODS[kind](kind=kind), n, seed=0)


def written(tmp_path: Path, suffix: str, candidates: Candidates, result: Curated) -> Path:
    configuration = {"input": "a<b>", "selection": {"kind": "greedy"}}
    summary = describe(configuration, 0, candidates, result)
    summary["skipped"] = ["bad&1.png: truncated"]
    report.write(tmp_path / "report", suffix, summary, candidates, result)
    return tmp_path / "report"


@pytest.fixture
def vectors(tmp_path: Path) -> ArrayFile:
    np.save(tmp_path / "x.npy", features(80, 5))
    return ArrayFile(str(tmp_path / "x.npy"))


def test_a_page_needs_nothing_else_and_is_drawn_light_and_dark(tmp_path: Path) -> None:
    candidates = folder(images(tmp_path / "in", mode="RGB", side=8, count=12))
    page = written(tmp_path, ".html", candidates, curated(candidates, 6)).read_text()
    assert not re.search(r'(src|srcset|href)="(?!data:)', page)
    assert "prefers-color-scheme: dark" in page
    assert "a&lt;b&gt;: 6 of 12 rows kept by greedy" in page
    assert "bad&amp;1.png: truncated" in page
    drawn = [
        Image.open(io.BytesIO(base64.b64decode(found)))
        for found in re.findall(r"base64,([A-Za-z0-9+/=]+)", page)
    ]
    # kept, left out, entropy, sources, distances; each light and dark
    assert len(drawn) == 10
    corners = {picture.convert("RGB").getpixel((0, 0)) for picture in drawn}
    assert corners == {(255, 255, 255), (22, 24, 29)}


def test_a_figure_is_one_picture(tmp_path: Path, vectors: ArrayFile) -> None:
    file = written(tmp_path, ".png", vectors, curated(vectors, 30))
    assert Image.open(file).format == "PNG"


@pytest.mark.parametrize(
    ("values", "n", "kind"),
    [
        (np.ones((9, 3)), 4, "greedy"),
        (features(9, 1), 4, "greedy"),
        (features(9), 9, "greedy"),
        (features(9), 9, "random"),
        (features(9), 1, "greedy"),
        (features(1), 1, "greedy"),
    ],
)
def test_every_size_of_selection_can_be_drawn(
    values: np.ndarray, n: int, kind: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", values)
    candidates = ArrayFile(str(tmp_path / "x.npy"))
    assert written(tmp_path, ".png", candidates, curated(candidates, n, kind)).stat().st_size


def test_every_axis_says_what_it_measures(vectors: ArrayFile) -> None:
    for panel in panels(vectors, curated(vectors, 30)):
        axes = Figure().subplots()
        panel.draw(axes, LIGHT)
        assert re.search(r"nats|feature units|rows", axes.get_xlabel()), panel.title


def test_left_out_images_stand_beside_the_one_that_covers_them(tmp_path: Path) -> None:
    candidates = folder(images(tmp_path, count=10))
    result = curated(candidates, 4)
    mosaic = left_out(candidates, result)
    assert mosaic is not None
    assert mosaic.tiles.shape == (6, 2, 4, 4, 3)
    out = np.setdiff1d(np.arange(10), result.selection.positions)
    nearest = out[np.argmin(result.reasons.distances[out])]
    pair = candidates.images(np.array([nearest, result.reasons.covered_by[nearest]]))
    np.testing.assert_array_equal(mosaic.tiles[0, ..., 0], pair[..., 0])
    assert mosaic.captions[0] == f"{result.reasons.distances[nearest]:.3g}"
    assert left_out(candidates, curated(candidates, 10)) is None


def test_images_of_a_pair_are_told_apart(tmp_path: Path) -> None:
    candidates = folder(images(tmp_path, count=10))
    mosaic = left_out(candidates, curated(candidates, 4))
    assert mosaic is not None
    axes = Figure().subplots()
    mosaic.draw(axes, LIGHT)
    alpha = np.asarray(axes.images[0].get_array())[:4, :9, 3]
    assert (alpha[:, [0, 1, 2, 3, 5, 6, 7, 8]] == 255).all()
    assert not alpha[:, 4].any()


def test_the_legend_of_the_sources_hides_no_bar() -> None:
    figure = Figure(figsize=(7, 2.3), layout="constrained")
    axes = figure.subplots()
    draw_shares(axes, LIGHT, {"a": (0.5, 0.5), "b": (0.5, 0.5)})
    figure.draw_without_rendering()
    legend = axes.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    assert not any(box.overlaps(bar.get_window_extent()) for bar in axes.patches)
    assert box.y1 <= figure.bbox.y1
