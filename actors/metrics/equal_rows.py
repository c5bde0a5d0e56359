"""Measures on equally many rows: what sets of different sizes may be compared by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from actors.metrics.base import Group, Measure, Sets
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
    for group in (GROUPS[name] for name in groups):
        whole = list(group.take(sets))
        yield from whole
        wanted = [measure for measure in whole if depends_on(measure) & rows.keys()]
        if wanted:
            yield from _on_equal_rows(sets, group, wanted, rows)


def _on_equal_rows(
    sets: Sets, group: Group, wanted: list[Measure], rows: Mapping[str, int]
) -> Iterator[Measure]:
    sizes = {name: len(found) for name in rows if (found := getattr(sets, name)) is not None}
    short = {name for name, size in sizes.items() if size < rows[name]}
    longer = {name: rows[name] for name, size in sizes.items() if size > rows[name]}
    taken: dict[tuple[str, str], list[Measure]] = {}
    if any(not depends_on(measure) & short for measure in wanted):
        for number in range(group.subsamples if longer else 1):
            for measure in group.take(_subsample(sets, longer, number)):
                taken.setdefault((measure.metric, measure.subject), []).append(measure)
    for measure in wanted:
        if missing := sorted(depends_on(measure) & short):
            name = missing[0]
            note = f"{name}: found {sizes[name]} rows; allowed are {rows[name]} and more"
            measures = [replace(measure, value=None, note=note)]
        else:
            measures = taken[measure.metric, measure.subject]
        yield _mean(measures, group.subsamples)


def _subsample(sets: Sets, rows: Mapping[str, int], number: int) -> Sets:
    cut = {}
    for name, count in rows.items():
        features = getattr(sets, name)
        rng = np.random.default_rng(derive_seed(sets.seed, "equal rows", name, number))
        cut[name] = features[np.sort(rng.choice(len(features), count, replace=False))]
    return replace(sets, **cut)


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
