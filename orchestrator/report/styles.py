"""Colours, markers and dashes of lines; colours are told apart with any colour vision.

Charts are drawn once, in the light colours; a page replaces these by CSS variables, so that dark
readers see the dark ones (Okabe and Ito 2008, lighter for dark).
"""

import itertools
from dataclasses import dataclass
from typing import Literal

from actors.plots.style import DARK, LIGHT

# (name in CSS, light, dark)
PALETTE = (
    ("c0", "#d55e00", "#f07f2e"),
    ("c1", "#0072b2", "#56b4e9"),
    ("c2", "#009e73", "#2fc79b"),
    ("c3", "#cc79a7", "#e3a1c5"),
    ("c4", "#e69f00", "#f2bd3d"),
    ("c5", "#57aad6", "#a9dcf7"),
    ("c6", "#767676", "#a3a3a3"),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GLYPHS = dict(zip(MARKERS, "●■▲◆▼✚✖", strict=True))
Dash = Literal["-", "--", "-.", ":"]
DASHES: tuple[Dash, ...] = ("-", "--", "-.", ":")

VARIABLES = (
    *PALETTE,
    ("ground", LIGHT.ground, DARK.ground),
    ("ink", LIGHT.ink, DARK.ink),
)


@dataclass(frozen=True)
class Style:
    """How one series is drawn."""

    colour: str
    marker: str
    dash: Dash


def styles(series: list[str]) -> dict[str, Style]:
    """Return a style for each series, all different up to 28 of them."""
    wheel = itertools.product(DASHES, zip(PALETTE, MARKERS, strict=True))
    return {
        name: Style(colour[1], marker, dash)
        for name, (dash, (colour, marker)) in zip(series, itertools.cycle(wheel), strict=False)
    }


def css() -> str:
    """Return the variables, light and dark."""
    light, dark = ("".join(f"--{one[0]}:{one[at]};" for one in VARIABLES) for at in (1, 2))
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"
    )
