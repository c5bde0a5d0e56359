"""A figure: drawn inline for a page, and as files with its numbers beside them."""

import csv
import io
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.figure import FigureBase
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from actors.plots.style import COLOURS, Style, applied

DPI = 160
LONGEST_NAME = 120
TITLE = "title"
LETTERS = 14  # of a title or a legend in an inch
WIDTH, HEIGHT = 3.9, 2.75  # inches of a panel, of which a page has several side by side
WIDE = 5  # inches; a wider figure has the page's whole width
# text stays text, and a dollar in a name is a dollar
SETTINGS = {"svg.fonttype": "none", "font.size": 9.5, "text.parse_math": False}


@dataclass(frozen=True)
class Figure:
    """One chart.

    Attributes:
        name: its files are called after it.
        caption: what has to be known to read it: features, n, k, reference, what is left out.
        draw: draws it on empty axes.
        labels: of the horizontal and of the vertical axis.
        rows: the numbers drawn, one mapping per row, with equal keys.
        legend: of the series drawn; a page shows one for several figures.
        size: inches, without title and legend.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Axes], None]
    labels: tuple[str, str] = ("", "")
    rows: list[dict[str, Any]] = field(default_factory=list)
    legend: dict[str, Style] = field(default_factory=dict)
    size: tuple[float, float] = (WIDTH, HEIGHT)

    @property
    def is_wide(self) -> bool:
        """Whether it takes the whole width of a page."""
        return self.size[0] > WIDE

    def inline(self, files: Path | None = None) -> str:
        """Return it as an SVG element in the colours of the page, without title and legend.

        Args:
            files: write the whole of it too, beside the numbers: this path with .png, .svg, .csv.
        """
        out = io.StringIO()
        with self.drawn() as (canvas, top, bottom):
            canvas.savefig(out, format="svg", metadata={"Date": None}, dpi=DPI)
            if files:
                png = files.with_name(f"{files.name}.png")
                canvas.savefig(png, dpi=DPI, pil_kwargs={"compress_level": 1})
        if files:
            files.with_name(f"{files.name}.svg").write_text(out.getvalue(), encoding="utf-8")
            files.with_name(f"{files.name}.csv").write_text(as_csv(self.rows), encoding="utf-8")
        return _in_page(out.getvalue(), self.title, top, bottom)

    def draw_on(self, canvas: FigureBase) -> None:
        """Draw it on an empty canvas."""
        axes = canvas.subplots()
        self.draw(axes)
        axes.set_xlabel(self.labels[0])
        axes.set_ylabel(self.labels[1])

    @contextmanager
    def drawn(self) -> Iterator[tuple[Canvas, float, float]]:
        """Yield it with title and legend, and the inches that these take at top and bottom."""
        width, height = self.size
        title = textwrap.fill(self.title, max(20, int(width * LETTERS)))
        top = 0.1 + 0.17 * (title.count("\n") + 1)
        columns = _columns(self.legend, width)
        bottom = 0.08 + 0.17 * -(-len(self.legend) // columns) if self.legend else 0.0
        whole = height + top + bottom
        rect = (0, bottom / whole, 1, height / whole)
        # the salt keeps ids of two figures apart, and those of two drawings of one the same
        with applied(**SETTINGS, **{"svg.hashsalt": self.name}):
            canvas = Canvas(figsize=(width, whole), layout=ConstrainedLayoutEngine(rect=rect))
            self.draw_on(canvas)
            _lay_out(canvas)
            # the last things drawn, which a page leaves out
            canvas.suptitle(title, fontsize=10, y=1 - 0.05 / whole, gid=TITLE)
            if self.legend:
                _draw_legend(canvas, self.legend, columns, loc="lower center")
            yield canvas, top, bottom


def overview(columns: list[list[Figure]], title: str) -> bytes:
    """Return one PNG of several figures, in columns of equal width, from above to below."""
    heights = [[figure.size[1] + 0.6 for figure in column] for column in columns]
    width = max(figure.size[0] for column in columns for figure in column)
    tallest = max(map(sum, heights))
    content = io.BytesIO()
    with applied(**SETTINGS):
        canvas = Canvas(figsize=(len(columns) * width, tallest + 0.5), layout="constrained")
        canvas.suptitle(title, fontsize=15)
        for place, (column, ratios) in enumerate(zip(columns, heights, strict=True)):
            ratios.append(max(1e-3, tallest - sum(ratios)))  # left empty
            side = canvas.add_subfigure(canvas.add_gridspec(1, len(columns))[place])
            rows = side.add_gridspec(len(ratios), 1, height_ratios=ratios)
            for row, figure in enumerate(column):
                below = side.add_subfigure(rows[row])
                below.suptitle(figure.title, fontsize=11)
                figure.draw_on(below)
                if figure.legend:
                    names = _columns(figure.legend, width)
                    _draw_legend(below, figure.legend, names, loc="outside lower center")
        canvas.savefig(content, format="png", dpi=110)
    return content.getvalue()


def file_names(figures: list[Figure]) -> Iterator[str]:
    """Yield a different name for the files of each figure, safe as a path."""
    taken: set[str] = set()
    for figure in figures:
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", figure.name).strip("-.")[:LONGEST_NAME]
        numbered = (f"{safe}-{number}" for number in itertools.count(2))
        name = next(name for name in itertools.chain([safe], numbered) if name not in taken)
        taken.add(name)
        yield name


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Return rows as CSV, with the names of their columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _columns(legend: dict[str, Style], width: float) -> int:
    longest = max(map(len, legend), default=1)
    return max(1, int(width // (0.6 + longest / LETTERS)))


def _draw_legend(canvas: FigureBase, legend: dict[str, Style], columns: int, loc: Any) -> None:
    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle=style.dash, ms=4)
        for style in legend.values()
    ]
    canvas.legend(handles, list(legend), loc=loc, borderaxespad=0.2, ncols=columns, fontsize=8)


def _lay_out(canvas: Canvas) -> None:
    """Give axes their places once, and not before each of the files."""
    engine = canvas.get_layout_engine()
    assert engine is not None
    engine.execute(canvas)
    # with any engine, even "none", a file is drawn twice
    canvas.set_layout_engine(None)


def _in_page(svg: str, title: str, top: float, bottom: float) -> str:
    """Return what stands in a page: cut to the chart, with the page's colours and font."""
    svg = svg[svg.index("<svg") : svg.index(f'<g id="{TITLE}"')] + svg[svg.rindex("</g>") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    # ids that nothing refers to
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    width, height = map(float, re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
    box = f'viewBox="0 {72 * top:g} {width:g} {height - 72 * (top + bottom):g}"'
    label = f'role="img" aria-label="{escape(title)}"'
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt" viewBox="[^"]*"', f"{box} {label}", svg)
    svg = re.sub(r'font: ([^"]*?[\d.]+px) [^;"]+', r"font: \1 system-ui, sans-serif", svg)
    for name, (light, _) in COLOURS.items():
        svg = svg.replace(light, f"var(--{name})")
    return re.sub(r"\s*\n\s*", "\n", svg)
