"""A measure: a number with its identity card, which says what it may be compared with."""

from dataclasses import asdict, dataclass, field
from typing import Any

from actors.errors import UserError

# what has to be the same of two numbers that are compared
CARD = (
    "metric",
    "subject",
    "features",
    "extractor",
    "resize",
    "n",
    "k",
    "reference",
    "reference_n",
    "settings",
)


@dataclass(frozen=True)
class Measure:
    """A number and its card.

    Attributes:
        subject: the rows measured: `training_set` or `samples`.
        value: None where the measure cannot be taken, which `note` says.
        features: name of the feature space.
        extractor: hash of the weights that made the features, if there are any.
        resize: size and channels of the images, and how they came to them when they were read and
            extracted; `none` for rows that are no images.
        n: rows measured.
        k: which neighbour.
        reference: the set that the rows are compared with.
        settings: anything else that the value depends on.
        low, high: ends of a 95 % interval for the noise of rows drawn independently.
        at_floor: rows that count with the floor of an entropy, exact copies among them.
    """

    metric: str
    subject: str
    value: float | None
    unit: str
    features: str
    n: int
    extractor: str | None = None
    resize: str = "none"
    k: int | None = None
    reference: str | None = None
    reference_n: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    at_floor: int | None = None
    note: str | None = None

    @property
    def known_value(self) -> float:
        """The value of a measure that could be taken."""
        assert self.value is not None
        return self.value

    def as_json(self) -> dict[str, Any]:
        """Return the number with its card as JSON values."""
        return asdict(self)

    def card(self) -> dict[str, Any]:
        """Return what another number must share to be compared with this one."""
        return {name: getattr(self, name) for name in CARD}


def check_comparable(one: Measure, other: Measure) -> None:
    """Raise UserError, showing both cards, unless two numbers may be compared."""
    first, second = one.card(), other.card()
    if first != second:
        raise UserError(
            f"two values of {one.metric} cannot be compared: found {_spelled(first, second)} and "
            f"{_spelled(second, first)}; allowed are equal cards"
        )


def _spelled(card: dict[str, Any], other: dict[str, Any]) -> str:
    """Return a card in words, what differs from another first."""
    order = sorted(card, key=lambda name: card[name] == other[name])
    return "(" + ", ".join(f"{name} {card[name]}" for name in order if card[name] is not None) + ")"
