"""Cards: what must be equal of two numbers that are compared."""

import json
from typing import Any

from actors.features import EXTRACTORS, Extractor, FittedExtractor
from actors.metrics.base import Measure

# what of a data set may differ between numbers that are compared; the card has the numbers of rows
NOT_OF_CARD = ("rows", "reference_rows")


def card_of(measure: Measure, configuration: dict[str, Any]) -> str:
    """Return a card as text: equal texts may be compared.

    The weights of an extractor that is fitted differ by seed, as its real rows do. Its space is the
    same where its settings and the rows that it was fitted to are, which stand in their place.

    Args:
        configuration: of the experiment that the measure was taken in.
    """
    dataset = configuration.get("dataset", {})
    card = measure.card()
    card["dataset"] = {k: v for k, v in dataset.items() if k not in NOT_OF_CARD}
    space = configuration.get("evaluation", {}).get("features") or configuration.get("features", {})
    if issubclass(EXTRACTORS.get(space.get("kind"), Extractor), FittedExtractor):
        card["extractor"] = {**space, "fitted_rows": dataset.get("rows")}
    return json.dumps(card, sort_keys=True)


def main_card(cards: list[str]) -> str:
    """Return the card that most numbers have; the first of several."""
    return max(dict.fromkeys(cards), key=cards.count)


def spelled(card: dict[str, Any]) -> str:
    """Return in a few words what a number was measured on."""
    phrases = [f"{card['features']} features", f"n {card['n']:,}"]
    if card["k"] is not None:
        phrases.append(f"k {card['k']}")
    if card["reference"]:
        phrases.append(
            f"against {card['reference'].replace('_', ' ')} ({card['reference_n']:,} rows)"
        )
    phrases += [
        f"{key.replace('_', ' ')} {value}".replace("_", " ")
        for key, value in card["settings"].items()
    ]
    if card["resize"] != "none":
        phrases.append(f"images {card['resize']}")
    return ", ".join(phrases)


def spelled_text(card: str) -> str:
    """Return a card given as text in a few words."""
    return spelled(json.loads(card))


def differing(card: dict[str, Any], other: dict[str, Any]) -> str:
    """Return the fields of a card that differ from another's."""
    phrases = []
    for name, value in card.items():
        if isinstance(value, dict) and isinstance(other.get(name), dict):
            phrases.append(differing(value, other[name]))
        elif value != other.get(name):
            plain = "rows of the reference" if name == "reference_n" else name.replace("_", " ")
            phrases.append(f"{plain} {value}")
    return ", ".join(filter(None, phrases))
