"""Measures on equally many rows: what sets of different sizes may be compared by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from actors.metrics.base import Measure, Sets, expect
from actors.metrics.groups import GROUPS, metrics
from actors.seeds import derive_seed

# behind the name of a metric that is taken on equally many rows
AT_EQUAL_N = "_at_equal_n"


def depends_on(measure: Measure) -> set[str]:
    """Return the sets whose numbers of rows a measure depends on, as `Sets` calls them."""
    return metrics()[measure.metric].sets(measure.subject)


def measure_also_on(
    sets: Sets, groups: Sequence[str], rows: Mapping[str, int]
) -> Iterator[Measure]:
    """Yield every measure of some groups, and those that depend on some sets on equal rows too.

    These are called NAME_at_equal_n. Each is the mean over subsamples, drawn without replacement by
    the seed of the sets; its card has their rows and how many subsamples there were. A set that has
    just as many rows is taken whole, with the same card: its subsamples would all be alike.

    Args:
        rows: to measure on also, by set: training_set, samples, reference or real.

    Yields:
        Measures; without a value, but a note, where a set has fewer rows than it is measured on.
    """
    chosen = [GROUPS[name] for name in groups]
    expect(sets, chosen)
    whole = [list(group.take(sets)) for group in chosen]
    wanted = [
        [measure for measure in taken if depends_on(measure) & rows.keys()] for taken in whole
    ]
    sizes = {name: len(subject) for name in rows if (subject := getattr(sets, name)) is not None}
    short = {name for name, size in sizes.items() if size < rows[name]}
    longer = {name: rows[name] for name, size in sizes.items() if size > rows[name]}
    again = [
        group
        for group, measures in zip(chosen, wanted, strict=True)
        if any(not depends_on(measure) & short for measure in measures)
    ]
    # a subsample at a time, whose searches are shared as those of the sets are
    taken: dict[tuple[str, str], list[Measure]] = {}
    for number in range(max((group.subsamples for group in again), default=0) if longer else 1):
        some = _subsample(sets, longer, number)
        for group in again:
            if number < group.subsamples:
                for measure in group.take(some):
                    taken.setdefault((measure.metric, measure.subject), []).append(measure)
    for group, measures, on_equal_rows in zip(chosen, whole, wanted, strict=True):
        yield from measures
        for measure in on_equal_rows:
            if missing := sorted(depends_on(measure) & short):
                name = missing[0]
                note = f"{name}: found {sizes[name]} rows; allowed are {rows[name]} and more"
                yield _mean([replace(measure, value=None, note=note)], group.subsamples)
            else:
                yield _mean(taken[measure.metric, measure.subject], group.subsamples)


def _subsample(sets: Sets, rows: Mapping[str, int], number: int) -> Sets:
    positions = {}
    for name, count in rows.items():
        rng = np.random.default_rng(derive_seed(sets.seed, "equal rows", name, number))
        drawn = rng.choice(len(getattr(sets, name)), count, replace=False)
        positions[name] = np.sort(drawn)
    return sets.cut(positions)


def _mean(measures: Sequence[Measure], count: int) -> Measure:
    """Return the mean of what was measured of each subsample; none where one has no value."""
    first = measures[0]
    values = [measure.value for measure in measures if measure.value is not None]
    return replace(
        first,
        metric=first.metric + AT_EQUAL_N,
        value=float(np.mean(values)) if len(values) == len(measures) else None,
        settings={**first.settings, "subsamples": count},
        low=None,
        high=None,
        at_floor=None,
        note=next((measure.note for measure in measures if measure.note), None),
    )
