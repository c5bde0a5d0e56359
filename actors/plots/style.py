"""Colours that any colour vision distinguishes (Okabe and Ito 2008), light and dark."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Theme:
    """Colours of one theme; `before` is for all candidates, kept or not, or random ones."""

    name: str
    ink: str
    ground: str
    before: str
    kept: str
    left_out: str

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Draw with these colours."""
        import matplotlib

        ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
        settings: Any = {
            **dict.fromkeys(ink, self.ink),
            "figure.facecolor": self.ground,
            "axes.facecolor": self.ground,
            "savefig.facecolor": self.ground,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "font.size": 11,
        }
        with matplotlib.rc_context(settings):
            yield


LIGHT = Theme("LIGHT", "#1b1b1b", "#ffffff", "#8c8c8c", "#0072b2", "#e69f00")
DARK = Theme("DARK", "#e6e6e6", "#16181d", "#8c8c8c", "#56b4e9", "#e69f00")
