"""What metrics are called, and which way is good, as their entries say: for any set and suffix."""

from typing import Literal

from actors.metrics.base import Metric
from actors.metrics.equal_rows import AT_EQUAL_N
from actors.metrics.groups import metrics

# metric and subject
Key = tuple[str, str]


def entry(metric: str) -> Metric:
    """Return the entry of a metric; one that says no more than the name where there is none."""
    return metrics().get(plain(metric)) or Metric(plain(metric), "")


def plain(metric: str) -> str:
    """Return a metric without what says that it was taken on equally many rows."""
    return metric.removesuffix(AT_EQUAL_N)


def metric_name(metric: str, subject: str) -> str:
    """Return what a measure is called in objectives: of metrics of both sets, the samples' own."""
    of_both = len(entry(metric).subjects) > 1
    return f"samples_{metric}" if of_both and subject == "samples" else metric


def key_of(objective: str) -> Key:
    """Return the metric and the subject that an objective names."""
    metric = objective.removeprefix("samples_")
    return metric, "samples" if metric != objective else entry(metric).subjects[0]


# the main metrics, on equally many rows right after on all
MAIN: tuple[Key, ...] = tuple(
    (metric.name + suffix, metric.subjects[0])
    for metric in metrics().values()
    if metric.main
    for suffix in ("", AT_EQUAL_N)
)
# the columns of tables on the terminal: what an objective calls them, and their headings
COLUMNS = {
    metric_name(metric.name, metric.subjects[0]): metric.column
    for metric in metrics().values()
    if metric.column
}


def _at_equal_n(metric: str) -> str:
    return AT_EQUAL_N.replace("_", " ") if metric.endswith(AT_EQUAL_N) else ""


def in_full(key: Key) -> str:
    """Return what a measure is called in a sentence, in full."""
    about = entry(key[0])
    of = f" of the {key[1].replace('_', ' ')}" if len(about.subjects) > 1 else ""
    return about.full_name + of + _at_equal_n(key[0])


def name(key: Key) -> str:
    """Return what a measure is called in a title."""
    return in_full(key)[0].upper() + in_full(key)[1:]


def axis(key: Key) -> str:
    """Return what a measure is called on an axis."""
    about = entry(key[0])
    return (about.short or about.full_name.split(",")[0]) + _at_equal_n(key[0])


def short(key: Key) -> str:
    """Return what a measure is called in a sentence."""
    about = entry(key[0])
    if len(about.subjects) > 1 and key[1] == "training_set":
        return f"training-set {axis(key)}"
    return axis(key) if about.short else in_full(key)


def better(metric: str) -> str:
    """Return which way is good, in words; nothing where neither is."""
    about = entry(metric)
    by_goal = {"min": "lower is better", "max": "higher is better", None: ""}
    return about.meaning or by_goal[about.goal]


def goal(metric: str) -> Literal["min", "max"] | None:
    """Return which way of a metric is good; None where neither is."""
    return entry(metric).goal


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as it is shown; `none` for a measure that could not be taken."""
    if value is None:
        return "none"
    text = f"{value:,.{digits}g}"
    # large numbers in plain digits
    text = f"{value:,.0f}" if "e+" in text and abs(value) < 1e9 else text
    return text.replace("-", "\N{MINUS SIGN}") if value < 0 else text
