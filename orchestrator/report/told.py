"""What captions say of the numbers that a figure shows, and the rows of its CSV."""

import json
from typing import Any

from orchestrator.analysis.cards import differing
from orchestrator.analysis.records import Record, Summary


def drawn_intervals(shown: list[Summary]) -> str:
    """Return what the bars of a figure are."""
    seeds = [one.interval.n for one in shown if one.interval.n > 1]
    if seeds:
        many = f"{min(seeds)}" if min(seeds) == max(seeds) else f"{min(seeds)} to {max(seeds)}"
        alone = ", single seeds with their own interval" if len(seeds) < len(shown) else ""
        return f"mean and 95 % t-interval over {many} seeds{alone}"
    if any(one.low is not None for one in shown):
        return "bars: 95 % interval for the noise of the rows drawn; one seed"
    return "one seed, no interval"


def aside(group: list[Record], main: str) -> str:
    """Return which numbers were measured otherwise than most, and how."""
    others = [record for record in group if record.card != main]
    if not others:
        return ""
    usual = json.loads(main)
    by_series: dict[str, dict[str, list[int]]] = {}
    for record in others:
        how = differing(json.loads(record.card), usual)
        by_series.setdefault(record.series, {}).setdefault(how, []).append(record.iteration)
    told = []
    for series, ways in by_series.items():
        iterations = sorted({n for found in ways.values() for n in found})
        how = next(iter(ways)) if len(ways) == 1 else "sizes that change"
        told.append(f"{series} {_spans(iterations)} ({how})")
    more = f" and {len(told) - 4} more" if len(told) > 4 else ""
    return (
        "hollow and dotted, measured on other sets and not comparable with the filled ones: "
        + ", ".join(told[:4])
        + more
    )


def _spans(iterations: list[int]) -> str:
    first, last = iterations[0], iterations[-1]
    if first == last:
        return f"at {first}"
    if iterations == list(range(first, last + 1)):
        return f"at {first} to {last}"
    return "at " + ", ".join(map(str, iterations))


def rows_of(shown: list[Summary], main: str) -> list[dict[str, Any]]:
    """Return the numbers of a figure, with their cards."""
    return [
        {
            "series": one.record.series,
            "generator": one.record.generator,
            "iteration": one.record.iteration,
            "value": one.interval.mean,
            "low": one.low,
            "high": one.high,
            "seeds": one.interval.n,
            "comparable": one.record.card == main,
            **json.loads(one.record.card),
        }
        for one in shown
    ]
