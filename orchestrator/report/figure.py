"""A figure: drawn inline for the page, and as files with the numbers beside them."""

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from actors.plots.style import LIGHT
from orchestrator.report.styles import VARIABLES, Style

DPI = 160
LONGEST_NAME = 120
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

    def inline(self) -> str:
        """Return it as an SVG element in the colours of the page, without title and legend."""
        out = io.StringIO()
        with _drawing(self.name):
            canvas = Canvas(figsize=self.size, layout="constrained")
            self.draw(canvas)
            canvas.savefig(out, format="svg", transparent=True, metadata={"Date": None})
        return _in_page(out.getvalue(), self.title)

    def save(self, folder: Path, name: str) -> None:
        """Write NAME.png, NAME.svg and NAME.csv."""
        with _drawing(self.name):
            canvas = Canvas(figsize=self._standalone(), layout="constrained")
            canvas.suptitle(self.title, fontsize=10)
            self.draw(canvas)
            if self.legend:
                handles = [_handle(style) for style in self.legend.values()]
                columns = max(1, int(self._standalone()[0] // 2))
                canvas.legend(
                    handles,
                    list(self.legend),
                    loc="outside lower center",
                    ncols=columns,
                    fontsize=8,
                )
            canvas.savefig(folder / f"{name}.png", dpi=DPI)
            canvas.savefig(folder / f"{name}.svg", metadata={"Date": None})
        (folder / f"{name}.csv").write_text(as_csv(self.rows), encoding="utf-8")

    def _standalone(self) -> tuple[float, float]:
        width, height = self.size
        lines = -(-len(self.legend) // max(1, int(max(width, 5) // 2)))
        return max(width, 5), height + 0.4 + 0.2 * lines + (0.6 if width < 5 else 0)


def file_names(figures: list[Figure]) -> Iterator[tuple[str, Figure]]:
    """Yield figures with a name for their files: safe as a path, and each its own."""
    taken: set[str] = set()
    for figure in figures:
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", figure.name).strip("-.")[:LONGEST_NAME]
        names = (f"{safe}-{number}" if number > 1 else safe for number in itertools.count(1))
        name = next(one for one in names if one not in taken)
        taken.add(name)
        yield name, figure


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


def _in_page(svg: str, title: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    # ids that nothing refers to
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'role="img"', svg, count=1)
    svg = re.sub(r'font: ([^"]*?[\d.]+px) [^;"]+', r"font: \1 system-ui, sans-serif", svg)
    for name, light, _ in VARIABLES:
        svg = svg.replace(light, f"var(--{name})")
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg", f'<svg aria-label="{label}"', 1)
