"""What was found, in sentences: the same on the terminal and in the report."""

from orchestrator.analysis import words
from orchestrator.analysis.arms import Comparison
from orchestrator.analysis.correlations import METRICS, Pooled, pool
from orchestrator.analysis.ranking import Ranking, Standing
from orchestrator.analysis.records import Record
from orchestrator.analysis.statistics import FEWEST_SEEDS, Interval, is_apart

# arms or points in a sentence
MOST_NAMED = 4


def compared(comparison: Comparison) -> str:
    """Return how the arms of a run compare, with a verdict where there are seeds enough."""
    of = f" ({comparison.generator})" if comparison.generator else ""
    head = f"{_capital(words.short(comparison.key))}{of} at iteration {comparison.iteration}"
    unit = next(iter([*comparison.arms, *comparison.apart.values()])).record.measure.unit
    shown = comparison.arms[:MOST_NAMED]
    values = ", ".join(
        f"{summary.record.series} {with_interval(summary.interval)}" for summary in shown
    )
    more = f" and {len(comparison.arms) - MOST_NAMED} more below" * (
        len(comparison.arms) > MOST_NAMED
    )
    phrases = [f"{head}, in {unit}: {values}{more}"] if len(comparison.arms) > 1 else []
    if len(comparison.arms) > 1:
        leads = list(comparison.leads.items())[: MOST_NAMED - 1]
        first = comparison.arms[0].record.series
        phrases.append(_verdict(first, leads))
    if comparison.apart:
        every = {
            **{summary.record.series: summary for summary in comparison.arms},
            **comparison.apart,
        }
        names = comparison.apart if len(comparison.arms) > 1 else every
        sizes = ", ".join(
            f"{arm} {summary.record.measure.n:,} rows" for arm, summary in names.items()
        )
        phrases.append(f"not compared, as measured on other sets: {sizes}")
    return _capital("; ".join(phrases)) + "."


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
    phrases = []
    if ranking.best:
        word = "lowest" if ranking.goal == "min" else "highest"
        second = ranking.places[1]
        phrases.append(
            f"{word} {name} at iteration {ranking.best.iteration}: {_standing(ranking.best)}; "
            f"next {_standing(second)}"
        )
        phrases.append(f"the first {lead_over('the next', ranking.lead)}")
    else:
        phrases.append(f"no best {name}: there are no two points that may be compared")
    if ranking.apart:
        names = [f"{point} ({why})" for point, why in ranking.apart.items()]
        more = f" and {len(names) - MOST_NAMED} more" * (len(names) > MOST_NAMED)
        phrases.append(f"not compared: {', '.join(names[:MOST_NAMED])}{more}")
    return "; ".join(phrases)


def _standing(standing: Standing) -> str:
    return f"{standing.name}, {with_interval(standing.interval)}"


def with_interval(interval: Interval) -> str:
    """Return a mean with its interval and the number of seeds."""
    if interval.low is None or interval.high is None:
        return words.number(interval.mean)
    low, high = words.number(interval.low), words.number(interval.high)
    return f"{words.number(interval.mean)} (95 % {low} to {high}, {interval.n} seeds)"


def correlated(pooled: Pooled) -> str | None:
    """Return the correlation of a metric with log GS; None with fewer than three points."""
    correlation = pooled.correlation
    if correlation.r is None:
        return f"has none: {correlation.note}" if correlation.n > 2 else None
    sentence = (
        f"r = {words.number(correlation.r, 2)} over {correlation.n} distinct points of equal cards"
    )
    if correlation.interval is not None:
        low, high = (words.number(end, 2) for end in correlation.interval)
        sentence += f", 95 % interval {low} to {high}"
    return sentence


def correlations(records: list[Record]) -> str | None:
    """Return how entropy and variance go with log GS, in one sentence; None without either.

    Shi et al. 2025 find that entropy follows it and variance does not.
    """
    pooled = [pool(records, metric) for metric in METRICS]
    phrases = [f"{each.metric} {text}" for each in pooled if (text := correlated(each))]
    if not phrases:
        return None
    others = sum(not pair.is_main for pair in pooled[0].pairs)
    left_out = f"; {others} points of other cards are left out" * bool(others)
    return f"Correlation of training sets with log GS: {'; '.join(phrases)}{left_out}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
