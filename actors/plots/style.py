"""Colours, markers and dashes that any colour vision distinguishes (Okabe and Ito 2008).

Charts are drawn in the light colours. A page replaces these by CSS variables, so that a dark theme
shows the dark ones.
"""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

INK, GROUND = "#1b1b1b", "#ffffff"
# CSS variable: light, dark
COLOURS = {
    "c0": ("#d55e00", "#f07f2e"),
    "c1": ("#0072b2", "#56b4e9"),
    "c2": ("#009e73", "#2fc79b"),
    "c3": ("#cc79a7", "#e3a1c5"),
    "c4": ("#e69f00", "#f2bd3d"),
    "c5": ("#57aad6", "#a9dcf7"),
    "c6": ("#767676", "#a3a3a3"),
    "ground": (GROUND, "#16181d"),
    "ink": (INK, "#e6e6e6"),
}
GREY = "c6"
# marker of matplotlib: the same in a line of text
GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "": " "}
Dash = Literal["-", "--", "-.", ":"]
# dash of matplotlib: border of CSS
BORDERS: dict[Dash, str] = {"-": "solid", "--": "dashed", "-.": "double", ":": "dotted"}


@dataclass(frozen=True)
class Style:
    """How one series is drawn; its colour is named by its CSS variable."""

    variable: str
    marker: str = "o"
    dash: Dash = "-"

    @property
    def colour(self) -> str:
        """The light colour."""
        return COLOURS[self.variable][0]


def styles(series: Iterable[str]) -> dict[str, Style]:
    """Return a style for each series, all different up to 28 of them."""
    pairs = list(zip([name for name in COLOURS if name.startswith("c")], GLYPHS, strict=False))
    wheel = (Style(*pair, dash) for dash, pair in itertools.product(BORDERS, pairs))
    return dict(zip(series, itertools.cycle(wheel), strict=False))


@contextmanager
def applied(**settings: Any) -> Iterator[None]:
    """Draw in the light colours, with more settings of matplotlib."""
    import matplotlib

    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    defaults: Any = {
        **dict.fromkeys(ink, INK),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), GROUND),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "font.size": 11,
    }
    with matplotlib.rc_context(defaults | settings):
        yield
