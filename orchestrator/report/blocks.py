"""Pieces of the page as HTML."""

import html
from collections.abc import Iterator
from pathlib import Path

from orchestrator.report.figure import Figure
from orchestrator.report.images import Strip
from orchestrator.report.sections import Section
from orchestrator.report.styles import GLYPHS, PALETTE, Style


def section(part: Section, names: Iterator[str], files: Path | None) -> str:
    """Return a part of the page with one legend for its figures; nothing where it is empty.

    Args:
        names: of the files of each figure.
        files: folder for these; None: none.
    """
    if not part.figures and not part.body:
        return ""
    legend: dict[str, Style] = {}
    for figure in part.figures:
        legend |= figure.legend
    body = f"<p>{html.escape(part.intro)}</p>" if part.intro else ""
    body += part.body + _legend(legend)
    stems = (files / name if files else None for name in names)
    # the figures first: of the names no more are taken than there are figures
    drawn = "".join(_figure(*one) for one in zip(part.figures, stems, strict=False))
    return folding(part.title, body + f'<div class="panels">{drawn}</div>', part.folded)


def _figure(figure: Figure, files: Path | None) -> str:
    width = " large" if figure.size[0] > 5 else ""
    return (
        f'<figure class="panel{width}"><h3>{html.escape(figure.title)}</h3>{figure.inline(files)}'
        f"<figcaption>{html.escape(figure.caption)}</figcaption></figure>"
    )


def _legend(legend: dict[str, Style]) -> str:
    if len(legend) < 2:
        return ""
    names = {light: name for name, light, _ in PALETTE}
    dashes = {"-": "solid", "--": "dashed", "-.": "double", ":": "dotted"}
    entries = "".join(
        f'<span><i style="color:var(--{names[s.colour]});border-bottom-style:{dashes[s.dash]}">'
        f"{GLYPHS[s.marker]}</i> {html.escape(name)}</span>"
        for name, s in legend.items()
    )
    return f'<p class="legend">{entries}</p>'


def pictures_of(strip: Strip) -> str:
    """Return pictures, a row for each arm."""
    rows = []
    for arm, pictures in strip.pictures.items():
        cells = "".join(
            f'<figure><img src="{uri}" alt="{html.escape(strip.kind)} of {html.escape(arm)}, '
            f'iteration {n}"><figcaption>{html.escape(arm)}, iteration {n}</figcaption></figure>'
            for n, uri in pictures.items()
        )
        rows.append(f'<div class="strip {strip.kind}">{cells}</div>')
    left_out = ""
    if strip.left_out:
        left_out = f"<p class=note>Not shown: {html.escape(', '.join(strip.left_out))}.</p>"
    return f"<h3>{html.escape(strip.generator)}</h3>{''.join(rows)}{left_out}"


def folding(title: str, body: str, folded: bool) -> str:
    """Return a part of the page, folded away or not; nothing where it is empty."""
    if not body:
        return ""
    if folded:
        return f"<details><summary><h2>{html.escape(title)}</h2></summary>{body}</details>"
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>"
