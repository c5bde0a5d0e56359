"""What was found, in sentences: the same on the terminal and in the report."""

from orchestrator.analysis import words
from orchestrator.analysis.arms import Comparison
from orchestrator.analysis.correlations import METRICS, Pooled, pool
from orchestrator.analysis.ranking import Ranking, Standing
from orchestrator.analysis.records import Record
from orchestrator.analysis.statistics import FEWEST_SEEDS, Interval, is_apart

# arms or points in a sentence
MOST_NAMED = 4


def compared(found: Comparison) -> str:
    """Return how the arms of a run compare, with a verdict where there are seeds enough."""
    of = f" ({found.generator})" if found.generator else ""
    head = f"{_capital(words.short(found.key))}{of} at iteration {found.iteration}"
    unit = next(iter([*found.arms, *found.apart.values()])).record.measure.unit
    shown = found.arms[:MOST_NAMED]
    values = ", ".join(f"{one.record.series} {with_interval(one.interval)}" for one in shown)
    more = f" and {len(found.arms) - MOST_NAMED} more below" * (len(found.arms) > MOST_NAMED)
    parts = [f"{head}, in {unit}: {values}{more}"] if len(found.arms) > 1 else []
    if len(found.arms) > 1:
        leads = list(found.leads.items())[: MOST_NAMED - 1]
        first = found.arms[0].record.series
        parts.append(_verdict(first, leads))
    if found.apart:
        every = {**{one.record.series: one for one in found.arms}, **found.apart}
        names = found.apart if len(found.arms) > 1 else every
        sizes = ", ".join(f"{arm} {one.record.measure.n:,} rows" for arm, one in names.items())
        parts.append(f"not compared, as measured on other sets: {sizes}")
    return _capital("; ".join(parts)) + "."


def _verdict(first: str, leads: list[tuple[str, Interval | None]]) -> str:
    """Return the paired differences to the first, or why they say nothing."""
    seeds = min((lead.n if lead else 0 for _, lead in leads), default=0)
    if seeds < FEWEST_SEEDS:
        return f"{_seeds(seeds)}, no verdict"
    return ", ".join(f"{first} {lead_over(name, lead)}" for name, lead in leads)


def lead_over(name: str, lead: Interval | None) -> str:
    """Return how an arm or point differs from another, seed by seed, and whether clearly so."""
    if lead is None or is_apart(lead) is None:
        return f"against {name}: {_seeds(lead.n if lead else 0)}, no verdict"
    differs = "differs from" if is_apart(lead) else "does not clearly differ from"
    return (
        f"{differs} {name}: difference {words.number(lead.mean, 3)} "
        f"(95 % {words.number(lead.low, 3)} to {words.number(lead.high, 3)}, paired over "
        f"{lead.n} seeds)"
    )


def _seeds(count: int) -> str:
    return {0: "no seed in common", 1: "one seed"}.get(count, f"{count} seeds")


def best_of(ranking: Ranking) -> str:
    """Return which point of a sweep is best by an objective, and what was not compared."""
    name = words.in_full(words.key_of(ranking.objective))
    parts = []
    if ranking.best:
        word = "lowest" if ranking.goal == "min" else "highest"
        second = ranking.places[1]
        parts.append(
            f"{word} {name} at iteration {ranking.best.iteration}: {_standing(ranking.best)}; "
            f"next {_standing(second)}"
        )
        parts.append(f"the first {lead_over('the next', ranking.lead)}")
    else:
        parts.append(f"no best {name}: there are no two points that may be compared")
    if ranking.apart:
        names = [f"{point} ({why})" for point, why in ranking.apart.items()]
        more = f" and {len(names) - MOST_NAMED} more" * (len(names) > MOST_NAMED)
        parts.append(f"not compared: {', '.join(names[:MOST_NAMED])}{more}")
    return "; ".join(parts)


def _standing(one: Standing) -> str:
    return f"{one.name}, {with_interval(one.interval)}"


def with_interval(found: Interval) -> str:
    """Return a mean with its interval and the number of seeds."""
    if found.low is None or found.high is None:
        return words.number(found.mean)
    low, high = words.number(found.low), words.number(found.high)
    return f"{words.number(found.mean)} (95 % {low} to {high}, {found.n} seeds)"


def correlated(pooled: Pooled) -> str | None:
    """Return the correlation of a metric with log GS; None with fewer than three points."""
    found = pooled.found
    if found.r is None:
        return f"has none: {found.note}" if found.n > 2 else None
    sentence = f"r = {words.number(found.r, 2)} over {found.n} distinct points of equal cards"
    if found.interval is not None:
        low, high = (words.number(end, 2) for end in found.interval)
        sentence += f", 95 % interval {low} to {high}"
    return sentence


def correlations(records: list[Record]) -> str | None:
    """Return how entropy and variance go with log GS, in one sentence; None without either.

    Shi et al. 2025 find that entropy follows it and variance does not.
    """
    pooled = [pool(records, metric) for metric in METRICS]
    parts = [f"{one.metric} {text}" for one in pooled if (text := correlated(one))]
    if not parts:
        return None
    others = sum(not pair.is_main for pair in pooled[0].pairs)
    left_out = f"; {others} points of other cards are left out" * bool(others)
    return f"Correlation of training sets with log GS: {'; '.join(parts)}{left_out}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
