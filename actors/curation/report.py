"""The report of a curation: one figure (.png), or one page that holds everything (.html)."""

import base64
import html
import io
import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from actors.curation import panels
from actors.curation.curation import Curated
from actors.curation.panels import Panel
from actors.data.inputs import Candidates
from actors.plots.mosaics import WIDTH
from actors.plots.style import DARK, LIGHT, Theme

SUFFIXES = (".html", ".png")
DPI = 110
TITLE = 0.6  # inches of a panel's title
PAD = 0.02  # inches around a panel of a page
UNITS = (
    "Distances are Euclidean, between features: vectors as given, or what the configuration has "
    "made of images."
)

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: LIGHT_INK; background: LIGHT_GROUND; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; } td { padding: .1rem 1.5rem .1rem 0; }
td + td { text-align: right; font-variant-numeric: tabular-nums; }
img { max-width: 100%; height: auto; } pre { overflow-x: auto; font-size: .85rem; }
@media (prefers-color-scheme: dark) { body { color: DARK_INK; background: DARK_GROUND; } }
"""


def write(
    file: Path, suffix: str, summary: dict[str, Any], candidates: Candidates, curated: Curated
) -> None:
    """Draw a report into a file.

    Args:
        suffix: one of SUFFIXES.
        summary: what `describe` says of this curation.
    """
    drawn = panels.panels(candidates, curated)
    if suffix == ".png":
        file.write_bytes(overview(drawn, headline(summary)))
    else:
        file.write_text(page(drawn, summary), encoding="utf-8")


def headline(summary: dict[str, Any]) -> str:
    """Return one line that says what was chosen."""
    figures, configuration = summary["figures"], summary["configuration"]
    name, kind = Path(configuration["input"]).name, configuration["selection"]["kind"]
    kept, rows = figures["kept"], figures["rows"]
    return f"{name}: {kept:,} of {rows:,} rows kept by {kind}, seed {summary['seed']}"


def overview(drawn: list[Panel], title: str) -> bytes:
    """Return one PNG with every panel: large ones on the left, charts on the right."""
    columns = [[p for p in drawn if p.is_large], [p for p in drawn if not p.is_large]]
    tallest = max(sum(panel.height + TITLE for panel in column) for column in columns)
    with LIGHT.applied():
        figure = Figure(figsize=(2 * WIDTH, tallest + 0.5), layout="constrained")
        figure.suptitle(title, fontsize=15)
        places = figure.add_gridspec(1, 2)
        for place, column in enumerate(columns):
            heights = [panel.height + TITLE for panel in column]
            heights.append(max(1e-3, tallest - sum(heights)))  # left empty
            rows = places[place].subgridspec(len(heights), 1, height_ratios=heights)
            for row, panel in enumerate(column):
                axes = figure.add_subplot(rows[row])
                panel.draw(axes, LIGHT)
                axes.set_title(panel.title, loc="left")
        return _png(figure)


def page(drawn: list[Panel], summary: dict[str, Any]) -> str:
    """Return one HTML page with every panel, light and dark."""
    style = STYLE
    for theme in (LIGHT, DARK):
        style = style.replace(f"{theme.name}_INK", theme.ink)
        style = style.replace(f"{theme.name}_GROUND", theme.ground)
    title = html.escape(headline(summary))
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{style}</style></head><body><h1>{title}</h1>",
        _table(summary),
    ]
    parts += [f"<h2>{html.escape(panel.title)}</h2>{_picture(panel)}" for panel in drawn]
    if summary["input"]:
        lines = html.escape("\n".join(summary["input"]))
        parts.append(f"<h2>What is not read, or not as it is</h2><pre>{lines}</pre>")
    if skipped := summary["skipped"]:
        lines = html.escape("\n".join(skipped))
        parts.append(f"<h2>Images that cannot be decoded: {len(skipped):,}</h2><pre>{lines}</pre>")
    for name, field in (("Configuration", "configuration"), ("Notes of the method", "notes")):
        if summary[field]:
            values = html.escape(json.dumps(summary[field], indent=1))
            parts.append(f"<details><summary>{name}</summary><pre>{values}</pre></details>")
    return "\n".join([*parts, "</body></html>\n"])


def _table(summary: dict[str, Any]) -> str:
    """Return the figures that no picture shows."""
    figures = summary["figures"]
    rows = {
        "exact duplicates among the candidates": f"{figures['repeats']:,}",
        "exact duplicates among the kept rows": f"{figures['kept_repeats']:,}",
        "largest distance to the nearest kept row (feature units)": f"{figures['covering']:.4g}",
    }
    if figures["last_pick"] is not None:
        rows["distance at the last pick (feature units)"] = f"{figures['last_pick']:.4g}"
    cells = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows.items())
    return f"<table>{cells}</table><p>{UNITS}</p>"


def _picture(panel: Panel) -> str:
    light, dark = (_drawn(panel, theme) for theme in (LIGHT, DARK))
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{html.escape(panel.title)}"></picture>'
    )


def _drawn(panel: Panel, theme: Theme) -> str:
    with theme.applied():
        # large ones fill the page
        scale = 1.2 if panel.is_large else 1
        size = (scale * WIDTH, scale * panel.height)
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD))
        panel.draw(figure.subplots(), theme)
        return "data:image/png;base64," + base64.b64encode(_png(figure)).decode()


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    return content.getvalue()
