import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from PIL import Image

from actors.curation import report
from actors.curation.charts import figures, left_out
from actors.curation.curation import Curated, curate
from actors.curation.outputs import describe
from actors.data.arrays import ArrayFile
from actors.data.feature_source import Candidates
from actors.plots.figure import Figure
from actors.plots.style import COLOURS
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
    assert not re.search(r'(src|srcset|href)="(?!data:|#)', page)
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in page
    assert "a&lt;b&gt;: 6 of 12 rows kept by greedy" in page
    assert "bad&amp;1.png: truncated" in page
    # kept, left out, entropy, sources, distances
    assert len(re.findall(r'<svg [^>]*role="img" aria-label="', page)) == 5
    # two pictures of images; all else is drawn in the colours of the theme
    assert len(re.findall(r'href="data:image/png;base64,', page)) == 2
    body = page[page.index("<body>") :]
    assert "var(--ink)" in body
    assert not any(light in body for pair in COLOURS.values() for light in pair)


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


def drawn(figure: Figure | None) -> Axes:
    assert figure is not None
    canvas = Canvas()
    figure.draw_on(canvas)
    return canvas.axes[0]


def test_every_axis_says_what_it_measures(vectors: ArrayFile) -> None:
    for figure in figures(vectors, curated(vectors, 30)):
        label = drawn(figure).get_xlabel()
        assert re.search(r"nats|feature units|rows", label), figure.title


def test_left_out_images_stand_beside_the_one_that_covers_them(tmp_path: Path) -> None:
    candidates = folder(images(tmp_path, count=10))
    result = curated(candidates, 4)
    axes = drawn(left_out(candidates, result))
    picture = np.asarray(axes.images[0].get_array())
    out = np.setdiff1d(np.arange(10), result.selection.positions)
    assert result.reasons is not None
    nearest = out[np.argmin(result.reasons.distances[out])]
    pair = candidates.images(np.array([nearest, result.reasons.covered_by[nearest]]))
    # a column of one transparent pixel is between the two of a pair
    np.testing.assert_array_equal(picture[:4, :4, 0], pair[0, ..., 0])
    np.testing.assert_array_equal(picture[:4, 5:9, 0], pair[1, ..., 0])
    assert (picture[:4, [0, 1, 2, 3, 5, 6, 7, 8], 3] == 255).all()
    assert not picture[:, 4, 3].any()
    assert len(axes.texts) == 6
    assert axes.texts[0].get_text() == f"{result.reasons.distances[nearest]:.3g}"
    assert left_out(candidates, curated(candidates, 10)) is None
