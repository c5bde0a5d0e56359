"""Panels: one measure each, with what its captions say and the rows of its CSV."""

import json
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from matplotlib.axes import Axes

from actors.plots.figure import HEIGHT, WIDTH, Figure
from actors.plots.style import Style
from orchestrator.analysis import words
from orchestrator.analysis.cards import differing, spelled_text
from orchestrator.analysis.records import (
    Record,
    Summary,
    by_generator,
    keys,
    last_iteration,
    summaries,
    usual_card,
)

MOST_NAMED = 4  # series that a caption names
LABEL_LETTERS = 32  # of a line along an axis


@dataclass(frozen=True)
class Panel:
    """A measure of one generator, or of all where they share a training set."""

    key: words.Key
    generator: str
    records: list[Record]

    @cached_property
    def summaries(self) -> list[Summary]:
        """Means over the seeds, of those that have a value."""
        return summaries(self.records)

    @cached_property
    def card(self) -> str:
        """The card that most of its records have."""
        return usual_card(self.records)

    @property
    def unit(self) -> str:
        return self.records[0].measure.unit

    @property
    def short(self) -> str:
        """What it is called in a table."""
        return ", ".join(filter(None, (words.short(self.key), self.generator)))

    @property
    def label(self) -> str:
        """What it is called on an axis."""
        return textwrap.fill(f"{words.axis(self.key)} ({self.unit})", LABEL_LETTERS)

    def is_main(self, objectives: Iterable[str] = ()) -> bool:
        """Whether every reader is shown it."""
        return self.key in words.MAIN or words.metric_name(*self.key) in objectives

    def is_comparable(self, summary: Summary) -> bool:
        """Whether a number has the card that most have."""
        return summary.record.card == self.card

    def figure(
        self,
        draw: Callable[[Axes], None],
        labels: tuple[str, str],
        notes: Iterable[str],
        *,
        at_last: bool = False,
        suffix: str = "",
        legend: dict[str, Style] | None = None,
        size: tuple[float, float] = (WIDTH, HEIGHT),
    ) -> Figure:
        """Return a figure of it.

        Args:
            notes: what else its caption says.
            at_last: whether it shows the last iteration of a sweep's points.
            suffix: of its files' name, where there are several figures of a measure.
        """
        name = f"{'-'.join(self.key)}{suffix}" + f"-{self.generator}" * bool(self.generator)
        title = words.name(self.key) + f", {self.generator}" * bool(self.generator)
        where = f"iteration {self.records[0].iteration}" if at_last else ""
        said = (where, spelled_text(self.card), words.better(self.key[0]), *notes)
        caption = "; ".join(filter(None, said)) + "."
        rows = self._rows(at_last)
        return Figure(name, title, caption, draw, labels, rows, legend or {}, size)

    def _rows(self, at_last: bool) -> list[dict[str, Any]]:
        """Return its numbers with their cards."""
        return [
            {
                **(summary.record.point if at_last else {}),
                "series": summary.record.series,
                "generator": summary.record.generator,
                "iteration": summary.record.iteration,
                "value": summary.interval.mean,
                "low": summary.low,
                "high": summary.high,
                "seeds": summary.interval.n,
                "comparable": self.is_comparable(summary),
                **json.loads(summary.record.card),
            }
            for summary in self.summaries
        ]

    def intervals(self) -> str:
        """Return what the bars of a figure are."""
        seeds = [s.interval.n for s in self.summaries if s.interval.n > 1]
        if seeds:
            many = "" if min(seeds) == max(seeds) else f"{min(seeds)} to "
            few = ", single seeds with their own interval" * (len(seeds) < len(self.summaries))
            return f"mean and 95 % t-interval over {many}{max(seeds)} seeds{few}"
        if any(s.low is not None for s in self.summaries):
            return "bars: 95 % interval for the noise of the rows drawn; one seed"
        return "one seed, no interval"

    def not_comparable(self) -> str:
        """Return which numbers were measured otherwise than most, and in what that differs."""
        usual = json.loads(self.card)
        by_series: dict[str, dict[str, list[int]]] = {}
        for record in self.records:
            if record.card != self.card:
                fields = differing(json.loads(record.card), usual)
                by_series.setdefault(record.series, {}).setdefault(fields, [])
                by_series[record.series][fields].append(record.iteration)
        if not by_series:
            return ""
        named = []
        for series, cards in by_series.items():
            iterations = sorted({n for numbers in cards.values() for n in numbers})
            fields = next(iter(cards)) if len(cards) == 1 else "sizes that change"
            named.append(f"{series} {_spans(iterations)} ({fields})")
        more = f" and {len(named) - MOST_NAMED} more" * (len(named) > MOST_NAMED)
        return (
            "hollow and dotted, measured on other sets and not comparable with the filled ones: "
            + ", ".join(named[:MOST_NAMED])
            + more
        )


def panels(records: list[Record]) -> list[Panel]:
    """Return a panel for each measure and generator that has a value, the main measures first."""
    by_key: dict[words.Key, list[Record]] = {key: [] for key in words.MAIN if key in keys(records)}
    for record in records:
        by_key.setdefault(record.key, []).append(record)
    every = [
        Panel(key, generator, group)
        for key, of_key in by_key.items()
        for generator, group in by_generator(of_key).items()
    ]
    return [panel for panel in every if panel.summaries]


def last_panels(records: list[Record]) -> list[Panel]:
    """Return the panels of the last iteration."""
    last = last_iteration(records)
    return panels([record for record in records if record.iteration == last])


def _spans(iterations: list[int]) -> str:
    first, last = iterations[0], iterations[-1]
    if first == last:
        return f"at {first}"
    if iterations == list(range(first, last + 1)):
        return f"at {first} to {last}"
    return "at " + ", ".join(map(str, iterations))
