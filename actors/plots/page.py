"""The page of a report: one HTML file that asks for nothing else, filled into a template."""

from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from actors.plots.figure import Figure, file_names
from actors.plots.style import BORDERS, COLOURS, GLYPHS, Style

TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        labels: how many of the first columns are no numbers; None: all.
    """

    head: list[str]
    rows: list[list[str]]
    labels: int | None = None
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Strip:
    """Pictures in rows.

    Attributes:
        kind: samples, nearest or projection, by which they are laid out.
        rows: caption and data URI of each picture.
    """

    kind: str
    title: str
    rows: list[list[tuple[str, str]]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page, left out where it holds nothing.

    Attributes:
        text: shown as it is, line by line.
        folded: shown on a click, as it is not for every reader.
    """

    title: str
    intro: str = ""
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    strips: list[Strip] = field(default_factory=list)
    text: str = ""
    folded: bool = False

    def __bool__(self) -> bool:
        return bool(self.tables or self.figures or self.strips or self.text)

    @property
    def legend(self) -> dict[str, Style]:
        """One legend for all its figures."""
        return {name: style for f in self.figures for name, style in f.legend.items()}


@dataclass(frozen=True)
class Page:
    """What a page says.

    Attributes:
        settings: what was done, by name.
        finding: what came out, in a few sentences.
        status: whether it is about something that has finished, in a few sentences.
        unfinished: how it stands instead, e.g. "running"; empty where it has finished.
    """

    title: str
    sections: list[Section]
    settings: dict[str, str] = field(default_factory=dict)
    finding: str = ""
    status: str = ""
    unfinished: str = ""


def render(page: Page, files: Path | None = None) -> str:
    """Return a page as HTML.

    Args:
        files: folder for the files of each figure; None: none.
    """
    sections = [section for section in page.sections if section]
    names = file_names([figure for section in sections for figure in section.figures])

    def draw(figure: Figure) -> str:
        # the template draws them in the order of their names
        name = next(names)
        return figure.inline(files / name if files else None)

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    looks = {"colours": COLOURS, "glyphs": GLYPHS, "borders": BORDERS}
    return environment.get_template(TEMPLATE).render(
        page=page, sections=sections, draw=draw, **looks
    )
