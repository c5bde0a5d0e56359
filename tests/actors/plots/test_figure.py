import re
from pathlib import Path
from xml.etree import ElementTree

from matplotlib.axes import Axes
from PIL import Image

from actors.plots.figure import Figure, overview
from actors.plots.style import styles

LEGEND = styles(["a", "b"])


def bars(axes: Axes) -> None:
    axes.barh([0, 1], [0.5, 1], color=[style.colour for style in LEGEND.values()])


LABELS, ROWS = ("share <of> rows", ""), [{"share": 0.5}, {"share": 1.0}]
FIGURE = Figure("bars", 'A "title" & more', "", bars, LABELS, ROWS, LEGEND)


def test_a_figure_is_drawn_the_same_every_time_in_the_colours_of_the_page(tmp_path: Path) -> None:
    svg = FIGURE.inline(tmp_path / "bars")
    assert svg == FIGURE.inline()
    root = ElementTree.fromstring(svg)
    assert root.attrib["aria-label"] == FIGURE.title
    for style in LEGEND.values():
        assert f"var(--{style.variable})" in svg
        assert style.colour not in svg
    # title and legend stand in the files, and in the page's own text
    text = "".join(root.itertext())
    assert "share <of> rows" in text
    assert "title" not in text
    whole = "".join(ElementTree.parse(tmp_path / "bars.svg").getroot().itertext())
    assert FIGURE.title in whole
    assert re.search(r"\ba\s+b\b", whole)
    assert (tmp_path / "bars.csv").read_text() == "share\n0.5\n1.0\n"


def test_the_legend_of_the_files_hides_nothing() -> None:
    with FIGURE.drawn() as (canvas, _, _):
        canvas.draw_without_rendering()
        (legend,), (axes,) = canvas.legends, canvas.axes
        below = axes.get_tightbbox()
        assert below is not None
        assert legend.get_window_extent().y1 <= below.y0
        assert legend.get_window_extent().y0 >= 0


def test_an_overview_is_one_picture(tmp_path: Path) -> None:
    (tmp_path / "all.png").write_bytes(overview([[FIGURE], [FIGURE, FIGURE]], "all"))
    with Image.open(tmp_path / "all.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 800
