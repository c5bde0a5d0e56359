"""What every metric has: its entry in the registry, the sets it takes, and the number it gives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from actors.distances.pairs import Rows, rows_at
from actors.distances.space import GIVEN, Space
from actors.errors import UserError
from actors.metrics.searches import Depths, Searches, largest

# the sets that metrics take, and what cards call them
SETS = {
    "training_set": "training_set",
    "samples": "samples",
    "reference": "held-out real",
    "real": "real",
}
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
class Metric:
    """The entry of a metric: all that others need to know of it.

    Attributes:
        unit: of its values.
        title: what it is called in full, as in a sentence; without one, its name.
        short: what it is called on an axis and in passing; without one, its title.
        unit_in_text: the unit in a sentence, where it is another.
        goal: which way is good; None where neither is, and then no alarm may watch it.
        meaning: what higher or lower means, where "lower is better" would say too much.
        subjects: the sets that it is taken of; an alarm watches the first.
        compared_with: the other sets that its values depend on, the reference of its card first.
        takes_k: whether `Sets.k` is on its card.
        main: whether reports show it before the others.
        column: its heading in tables of the terminal; without one they leave it out.
        legend: what stands below such a table.
    """

    name: str
    unit: str
    title: str = ""
    short: str = ""
    unit_in_text: str = ""
    goal: Literal["min", "max"] | None = None
    meaning: str = ""
    subjects: tuple[str, ...] = ("samples",)
    compared_with: tuple[str, ...] = ()
    takes_k: bool = False
    main: bool = False
    column: str = ""
    legend: str = ""

    @property
    def full_name(self) -> str:
        """What it is called in a sentence."""
        return self.title or self.name.replace("_", " ")

    def sets(self, subject: str) -> set[str]:
        """Return the sets whose numbers of rows its value for a subject depends on."""
        return {subject, *self.compared_with}


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


@dataclass(frozen=True)
class Sets:
    """Features of the rows that metrics compare, (rows, d) each, and what all cards say.

    Attributes:
        samples: what a generator made.
        reference: held-out real rows.
        training_set: what it was trained on; None for a generator that was not trained here.
        real: the original real training rows, where they are not the training set themselves.
        card: fields of `Measure` that all share: features, extractor, resize.
        k: which neighbour the entropy takes.
        seed: of subsamples.
        space: how near two rows may be and still be distinguished.
        selected: whether the training set was chosen by another method than chance.
    """

    samples: Rows
    reference: Rows
    training_set: Rows | None = None
    real: Rows | None = None
    card: dict[str, Any] = field(default_factory=dict)
    k: int = 1
    seed: int = 0
    space: Space = GIVEN
    selected: bool = False

    @cached_property
    def searches(self) -> Searches:
        """The neighbour searches among the sets, shared by all metrics."""
        return Searches(
            **{name: rows for name in SETS if (rows := getattr(self, name)) is not None}
        )

    def cut(self, positions: Mapping[str, np.ndarray]) -> "Sets":
        """Return the sets with only the rows at some positions of some of them."""
        fewer: dict[str, Any] = {
            name: rows_at(getattr(self, name), rows) for name, rows in positions.items()
        }
        other = replace(self, **fewer)
        other.__dict__["searches"] = self.searches.cut(**fewer)
        return other

    def measure(
        self,
        metric: Metric,
        value: Callable[[], float],
        *,
        subject: str = "samples",
        **fields: Any,
    ) -> Measure:
        """Return a metric's value with its card; without a value, but a note, where it has none.

        Args:
            value: takes it, and raises ValueError, in one line, where that cannot be done.
            fields: of the measure, beside those that follow from the metric and the sets.
        """
        fields |= {"subject": subject, "n": len(getattr(self, subject)), **self.card}
        if metric.takes_k:
            fields["k"] = self.k
        for other in metric.compared_with[:1]:
            fields |= {"reference": SETS[other], "reference_n": len(getattr(self, other))}
        number: float | None = None
        try:
            number = value()
            if not np.isfinite(number):
                fields["note"], number = f"it comes to {number}", None
        except ValueError as error:
            fields["note"] = str(error)
        return Measure(metric=metric.name, unit=metric.unit, value=number, **fields)


@dataclass(frozen=True)
class Group:
    """Metrics that are asked for together, as they share work.

    Attributes:
        take: yields the measures of some sets, in the same order for all sets.
        metrics: the entries of what it yields.
        subsamples: of which the mean is taken on equally many rows; few of what takes long.
        required: whether every experiment takes it, as its closing table needs it.
        depths: how many neighbours it asks for in each search, where entropy takes the k-th.
    """

    take: Callable[[Sets], Iterator[Measure]]
    metrics: tuple[Metric, ...]
    subsamples: int = 16
    required: bool = False
    depths: Callable[[int], Depths] = lambda k: {}


def expect(sets: Sets, groups: Sequence[Group]) -> None:
    """Let every search that some groups share be done once, for the most neighbours of any."""
    sets.searches.expect(largest([group.depths(sets.k) for group in groups]))


def check_comparable(measure: Measure, other: Measure) -> None:
    """Raise UserError, showing both cards, unless two numbers may be compared."""
    first, second = measure.card(), other.card()
    if first != second:
        raise UserError(
            f"two values of {measure.metric} cannot be compared: found "
            f"{_spelled(first, second)} and {_spelled(second, first)}; allowed are equal cards"
        )


def _spelled(card: dict[str, Any], other: dict[str, Any]) -> str:
    """Return a card in words, what differs from another first."""
    order = sorted(card, key=lambda name: card[name] == other[name])
    return "(" + ", ".join(f"{name} {card[name]}" for name in order if card[name] is not None) + ")"
