"""A figure: drawn inline for the page, and as files with the numbers beside them."""

import csv
import io
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from actors.plots.style import LIGHT
from orchestrator.report.styles import VARIABLES, Style

DPI = 160
LONGEST_NAME = 120
TITLE = "title"
LETTERS = 14  # of a title or a legend in an inch
WIDTH, HEIGHT = 3.9, 2.75  # inches of a panel, of which a page has several side by side


@dataclass(frozen=True)
class Figure:
    """One chart.

    Attributes:
        name: its files are called after it.
        caption: what has to be known to read it: features, n, k, reference, what is left out.
        draw: draws it on an empty canvas.
        rows: the numbers drawn, one mapping per row, with equal keys.
        legend: of the series drawn; a page shows one for several figures.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Canvas], None]
    rows: list[dict[str, Any]]
    legend: dict[str, Style] = field(default_factory=dict)
    size: tuple[float, float] = (WIDTH, HEIGHT)

    def inline(self, files: Path | None = None) -> str:
        """Return it as an SVG element in the colours of the page, without title and legend.

        Args:
            files: write the whole of it too, beside the numbers: this path with .png, .svg, .csv.
        """
        out = io.StringIO()
        with _drawing(self.name):
            canvas, top, bottom = self._drawn()
            canvas.savefig(out, format="svg", metadata={"Date": None})
            if files:
                fast = {"compress_level": 1}
                canvas.savefig(files.with_name(f"{files.name}.png"), dpi=DPI, pil_kwargs=fast)
        if files:
            files.with_name(f"{files.name}.svg").write_text(out.getvalue(), encoding="utf-8")
            files.with_name(f"{files.name}.csv").write_text(as_csv(self.rows), encoding="utf-8")
        return _in_page(out.getvalue(), self.title, top, bottom)

    def _drawn(self) -> tuple[Canvas, float, float]:
        """Return it with title and legend, and the inches that these take at top and bottom."""
        width, height = self.size
        title = textwrap.fill(self.title, max(20, int(width * LETTERS)))
        top = 0.1 + 0.17 * (title.count("\n") + 1)
        longest = max(map(len, self.legend), default=1)
        columns = max(1, int(width // (0.6 + longest / LETTERS)))
        bottom = 0.08 + 0.17 * -(-len(self.legend) // columns) if self.legend else 0.0
        whole = height + top + bottom
        rect = (0, bottom / whole, 1, height / whole)
        canvas = Canvas(figsize=(width, whole), layout=ConstrainedLayoutEngine(rect=rect))
        self.draw(canvas)
        # once, and not before each of the files
        _lay_out(canvas)
        # the last things drawn, which a page leaves out
        canvas.suptitle(title, fontsize=10, y=1 - 0.05 / whole, gid=TITLE)
        if self.legend:
            handles = [_handle(style) for style in self.legend.values()]
            names = list(self.legend)
            canvas.legend(
                handles, names, loc="lower center", borderaxespad=0.2, ncols=columns, fontsize=8
            )
        return canvas, top, bottom


def file_names(figures: list[Figure]) -> Iterator[str]:
    """Yield a name for the files of each figure: safe as a path, and no other's."""
    taken: set[str] = set()
    for figure in figures:
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", figure.name).strip("-.")[:LONGEST_NAME]
        names = (f"{safe}-{number}" if number > 1 else safe for number in itertools.count(1))
        name = next(one for one in names if one not in taken)
        taken.add(name)
        yield name


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Return rows as CSV, with the names of their columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@contextmanager
def _drawing(salt: str) -> Iterator[None]:
    # text stays text, and ids differ between figures of a page, and not between drawings
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": salt, "font.size": 9.5}
    # a dollar in a name is one
    settings["text.parse_math"] = False
    with LIGHT.applied(), matplotlib.rc_context(settings):
        yield


def _handle(style: Style) -> Line2D:
    return Line2D([], [], color=style.colour, marker=style.marker, linestyle=style.dash, ms=4)


def _lay_out(canvas: Canvas) -> None:
    """Give axes and their labels places that stay."""
    engine = canvas.get_layout_engine()
    assert engine is not None
    engine.execute(canvas)
    canvas.set_layout_engine("none")
    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            label = axis.label
            place = label.get_transform().transform(label.get_position())
            axis.set_label_coords(*axes.transAxes.inverted().transform(place))


def _in_page(svg: str, title: str, top: float, bottom: float) -> str:
    svg = svg[svg.index("<svg") : svg.index(f'<g id="{TITLE}"')] + svg[svg.rindex("</g>") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    # ids that nothing refers to
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    width, height = map(float, re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
    box = f'viewBox="0 {72 * top:g} {width:g} {height - 72 * (top + bottom):g}"'
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt" viewBox="[^"]*"', f'{box} role="img"', svg)
    svg = re.sub(r'font: ([^"]*?[\d.]+px) [^;"]+', r"font: \1 system-ui, sans-serif", svg)
    for name, light, _ in VARIABLES:
        svg = svg.replace(light, f"var(--{name})")
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg", f'<svg aria-label="{label}"', 1)
