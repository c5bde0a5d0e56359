"""What measures are called, and which way is good."""

import json
from typing import Any

# metric and subject, to what it is called
Key = tuple[str, str]

MAIN: tuple[Key, ...] = (
    ("entropy", "training_set"),
    ("generalization_score", "samples"),
    ("frechet_distance", "samples"),
    ("fld", "samples"),
)

NAMES = {
    "entropy": "Entropy",
    "variance": "Variance",
    "generalization_score": "Generalization score (GS)",
    "generalization_score_as_released": "GS as in the published code",
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

BETTER = {
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
    "generalization_score_as_released": "max",
}

# of these more is not better without end: noise has it too
MEANS = {
    "entropy": "higher is more varied",
    "generalization_score": "higher is further from the training set",
    "generalization_score_as_released": "higher is further from the training set",
    "vendi_score": "higher is more varied",
}


def name(key: Key) -> str:
    """Return what a measure is called in a title."""
    metric, subject = key
    plain = NAMES.get(metric) or metric.replace("_", " ").capitalize()
    if metric not in ("entropy", "variance"):
        return plain
    return f"{plain} of the {subject.replace('_', ' ')}"


def axis(key: Key) -> str:
    """Return what a measure is called on an axis."""
    return SHORT.get(key[0]) or NAMES.get(key[0], key[0].replace("_", " ")).split(",")[0].lower()


def short(key: Key) -> str:
    """Return what a measure is called in a sentence."""
    if key in (("entropy", "training_set"), ("variance", "training_set")):
        return f"training-set {key[0]}"
    return SHORT.get(key[0]) or lowered(name(key))


def lowered(title: str) -> str:
    """Return a title as it stands in a sentence: names of people and abbreviations stay."""
    is_name = title.startswith("Fréchet") or title[:2].isupper()
    return title if is_name else title[0].lower() + title[1:]


def better(metric: str) -> str:
    """Return which way is good, in words; nothing where neither is."""
    if metric in MEANS:
        return MEANS[metric]
    return {"min": "lower is better", "max": "higher is better"}.get(BETTER.get(metric, ""), "")


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as it is shown; a measure without a value is minus infinity or not taken."""
    if value is None:
        return "none"
    text = f"{value:,.{digits}g}"
    # large numbers in plain digits
    text = f"{value:,.0f}" if "e+" in text and abs(value) < 1e9 else text
    return text.replace("-", "\N{MINUS SIGN}") if value < 0 else text


def spelled_text(card: str) -> str:
    """Return a card given as text in a few words."""
    return spelled(json.loads(card))


def spelled(card: dict[str, Any]) -> str:
    """Return in a few words what a number was measured on."""
    told = [f"{card['features']} features", f"n {card['n']:,}"]
    if card["k"] is not None:
        told.append(f"k {card['k']}")
    if card["reference"]:
        told.append(f"against {card['reference'].replace('_', ' ')} ({card['reference_n']:,} rows)")
    told += [
        f"{key.replace('_', ' ')} {value}".replace("_", " ")
        for key, value in card["settings"].items()
    ]
    if card["resize"] != "none":
        told.append(f"resized {card['resize']}")
    return ", ".join(told)


def differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return the fields of a card that differ from another's."""
    told = []
    for name, value in one.items():
        if isinstance(value, dict):
            told.append(differing(value, other[name]))
        elif value != other.get(name):
            plain = "rows of the reference" if name == "reference_n" else name.replace("_", " ")
            told.append(f"{plain} {value}")
    return ", ".join(filter(None, told))
