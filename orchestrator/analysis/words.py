"""What measures are called, and which way is good."""

from typing import Literal

from actors.metrics.equal_rows import AT_EQUAL_N

# metric and subject, to what it is called
Key = tuple[str, str]

MAIN: tuple[Key, ...] = tuple(
    (metric + suffix, subject)
    for metric, subject in (
        ("entropy", "training_set"),
        ("generalization_score", "samples"),
        ("frechet_distance", "samples"),
        ("fld", "samples"),
    )
    for suffix in ("", AT_EQUAL_N)
)
# measures of training set and samples alike
OF_BOTH = ("entropy", "entropy_as_released", "variance")

NAMES = {
    "entropy": "Entropy",
    "variance": "Variance",
    "generalization_score": "Generalization score (GS)",
    "entropy_as_released": "Entropy as in the published code",
    "memorization_rate": "Memorization rate",
    "frechet_distance": "Fréchet distance",
    "frechet_distance_infinity": "Fréchet distance, n to infinity",
    "fld": "Feature likelihood divergence (FLD)",
    "fld_real": "FLD, fitted to the real data",
    "kernel_distance": "Kernel distance",
    "vendi_score": "Vendi score",
    "data_copying": "Data-copying statistic",
    "nearest_distance_q05": "Distance to training set, 5 % quantile",
    "nearest_distance_q50": "Distance to training set, median",
    "nearest_distance_q95": "Distance to training set, 95 % quantile",
}
SHORT = {"generalization_score": "GS", "fld": "FLD", "frechet_distance": "Fréchet"}

BETTER: dict[str, Literal["min", "max"]] = {
    "entropy": "max",
    "generalization_score": "max",
    "frechet_distance": "min",
    "frechet_distance_infinity": "min",
    "fld": "min",
    "fld_real": "min",
    "kernel_distance": "min",
    "memorization_rate": "min",
    "precision": "max",
    "recall": "max",
    "density": "max",
    "coverage": "max",
    "vendi_score": "max",
    "authenticity": "max",
    "entropy_as_released": "max",
}

# of these more is not better without end: noise has it too
MEANS = {
    "entropy": "higher is more varied",
    "generalization_score": "higher is further from the training set",
    "entropy_as_released": "higher is more varied",
    "vendi_score": "higher is more varied",
}


def metric_name(metric: str, subject: str) -> str:
    """Return what a measure is called in objectives: of measures of both sets, the samples' own."""
    of_both = plain(metric) in OF_BOTH
    return f"samples_{metric}" if of_both and subject == "samples" else metric


def plain(metric: str) -> str:
    """Return a metric without what says that it was taken on equally many rows."""
    return metric.removesuffix(AT_EQUAL_N)


def _at_equal_n(metric: str) -> str:
    return AT_EQUAL_N.replace("_", " ") if metric.endswith(AT_EQUAL_N) else ""


def name(key: Key) -> str:
    """Return what a measure is called in a title."""
    metric, subject = plain(key[0]), key[1]
    called = NAMES.get(metric) or metric.replace("_", " ").capitalize()
    if metric in OF_BOTH:
        called = f"{called} of the {subject.replace('_', ' ')}"
    return called + _at_equal_n(key[0])


def axis(key: Key) -> str:
    """Return what a measure is called on an axis."""
    metric = plain(key[0])
    called = SHORT.get(metric) or NAMES.get(metric, metric.replace("_", " ")).split(",")[0].lower()
    return called + _at_equal_n(key[0])


def short(key: Key) -> str:
    """Return what a measure is called in a sentence."""
    metric = plain(key[0])
    if metric in ("entropy", "variance") and key[1] == "training_set":
        return f"training-set {metric}{_at_equal_n(key[0])}"
    called = SHORT.get(metric)
    return called + _at_equal_n(key[0]) if called else lowered(name(key))


def lowered(title: str) -> str:
    """Return a title as it stands in a sentence: names of people and abbreviations stay."""
    is_name = title.startswith("Fréchet") or title[:2].isupper()
    return title if is_name else title[0].lower() + title[1:]


def better(metric: str) -> str:
    """Return which way is good, in words; nothing where neither is."""
    if plain(metric) in MEANS:
        return MEANS[plain(metric)]
    return {"min": "lower is better", "max": "higher is better"}.get(goal(metric) or "", "")


def goal(metric: str) -> Literal["min", "max"] | None:
    """Return which way of a metric is good; None where neither is."""
    return BETTER.get(plain(metric))


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as it is shown; `none` for a measure that could not be taken."""
    if value is None:
        return "none"
    text = f"{value:,.{digits}g}"
    # large numbers in plain digits
    text = f"{value:,.0f}" if "e+" in text and abs(value) < 1e9 else text
    return text.replace("-", "\N{MINUS SIGN}") if value < 0 else text
