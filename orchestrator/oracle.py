"""The closed-form oracle: what a loop of one Gaussian must do, beside what was measured of it.

Where arms select in another way than at random it says over seeds whether dispersion got worse.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console

from actors.metrics.base import Measure
from actors.metrics.oracle import Band, training_set_entropy, variance_change
from orchestrator.analysis.cards import card_of
from orchestrator.analysis.statistics import is_apart, paired
from orchestrator.config import Experiment
from orchestrator.results import Result

UNITS = {"entropy": "nats", "variance": "squared distance"}


@dataclass(frozen=True)
class Course:
    """How the training sets of an arm with a Gaussian mixture fared.

    Attributes:
        cards: of each metric's values, at iterations 1, 2, ....
        values: (iterations,) float64 by metric.
        predicted: by metric; empty where there is no closed form.
    """

    arm: str
    experiment: Experiment
    cards: dict[str, list[Measure]]
    values: dict[str, np.ndarray]
    predicted: dict[str, Band] = field(default_factory=dict)

    @property
    def selection(self) -> str:
        """The kind of selection."""
        return self.experiment.selection.kind

    @property
    def at_random(self) -> bool:
        """Whether it selects at random."""
        return self.experiment.selection.uniform

    @property
    def inside(self) -> dict[str, np.ndarray]:
        """Whether the values of each predicted metric lie in its band, from iteration 2."""
        return {
            metric: ((self.values[metric] >= band.low) & (self.values[metric] <= band.high))[1:]
            for metric, band in self.predicted.items()
        }


def courses(arms: dict[str, Experiment], results: list[Result]) -> list[Course]:
    """Return what was measured and predicted of every arm whose one generator is a mixture."""
    followed = []
    for arm, experiment in arms.items():
        (generator, *others) = experiment.generators.values()
        by_iteration = {result.iteration: result for result in results if result.arm == arm}
        cards: dict[str, list[Measure]] = {metric: [] for metric in UNITS}
        for iteration in range(1, len(by_iteration) + 1):
            both = {
                m: by_iteration[iteration].measure(m, "training_set")
                for m in UNITS
                if iteration in by_iteration
            }
            known = {m: card for m, card in both.items() if card and card.value is not None}
            if len(known) < len(UNITS):
                break
            for metric, card in known.items():
                cards[metric].append(card)
        fits = generator.has_density and experiment.measured_in.is_pixels
        if others or not fits or not cards["entropy"]:
            continue
        values = {
            metric: np.array([card.known_value for card in of_metric])
            for metric, of_metric in cards.items()
        }
        followed.append(Course(arm, experiment, cards, values, predict(experiment, cards)))
    return followed


def predict(experiment: Experiment, cards: dict[str, list[Measure]]) -> dict[str, Band]:
    """Return the closed forms that hold for an arm: variance, and for `spherical` entropy.

    Those of `full` and `diag` hold for real rows of equal variances in all pixels alone, and
    that of the entropy where no two rows of a training set have the same pixels.
    """
    (generator,) = experiment.generators.values()
    first, entropy = cards["variance"][0], cards["entropy"][0]
    rows, dimensions = first.n, int(np.prod(experiment.dataset.image_shape))
    form = generator.gaussian
    holds = (
        experiment.paradigm.kind == "replace"
        and experiment.selection.uniform
        and not experiment.training_sets
        and not any(experiment.fresh)
        and all(card.n == rows for card in cards["variance"])
        and (form == "spherical" or experiment.dataset.has_equal_variances)
        and first.known_value > 0
    )
    if form is None or not holds:
        return {}
    iterations = len(cards["variance"])
    change = variance_change(form, rows, dimensions, iterations)
    bands = {
        "variance": Band(*(first.known_value * e for e in (change.mean, change.low, change.high)))
    }
    if form == "spherical" and not any(card.at_floor for card in cards["entropy"]):
        each = first.known_value / dimensions
        k = entropy.k or 1
        bands["entropy"] = training_set_entropy(each, rows, dimensions, iterations, k)
    return bands


def print_oracle(console: Console, arms: dict[str, Experiment], results: list[Result]) -> None:
    """Print how the measured values compare with the closed form, and selections with random ones.

    Nothing is printed where no arm has a closed form or a random arm to be compared with.
    """
    followed = courses(arms, results)
    for line in [*predictions(followed), *selections(followed)]:
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def predictions(followed: list[Course]) -> list[str]:
    """Return sentences on how many measured values lie in the 95 % band, and where they end."""
    inside: dict[str, list[bool]] = {metric: [] for metric in UNITS}
    known = [course for course in followed if course.predicted]
    for course in known:
        for metric, values in course.inside.items():
            inside[metric] += values.tolist()
    phrases = [f"{m} {sum(those)} of {len(those)}" for m, those in inside.items() if those]
    if not phrases:
        return []
    total = [value for those in inside.values() for value in those]
    lines = [
        f"Closed form: {sum(total)} of {len(total)} measured values ({np.mean(total):.1%}) lie in "
        f"the 95 % band: {', '.join(phrases)}. Those of one arm go together: each training set is "
        "drawn from the one before."
    ]
    for course in known:
        ends = ", ".join(
            f"{metric} {_number(course.values[metric][-1])} {UNITS[metric]}, predicted "
            f"{_number(band.mean[-1])} ({_number(band.low[-1])} to {_number(band.high[-1])})"
            for metric, band in course.predicted.items()
        )
        lines.append(f"  {course.arm}, iteration {len(course.values['entropy'])}: {ends}")
    return lines


def selections(followed: list[Course]) -> list[str]:
    """Return how arms that do not select at random compare with those that do, where there are any.

    They are compared at the last iteration that both have, by seed, where their cards are equal.
    There is a verdict on a kind of selection where three seeds and more have both.
    """
    lines = []
    ends: dict[str, list[tuple[int, dict[str, tuple[float, float]]]]] = defaultdict(list)
    for course in followed:
        if course.at_random or (random := _partner(course, followed)) is None:
            continue
        last = min(len(each.values["entropy"]) for each in (course, random))
        both = {
            m: (float(course.values[m][last - 1]), float(random.values[m][last - 1])) for m in UNITS
        }
        ends[course.selection].append((course.experiment.seed, both))
        numbers = ", ".join(
            f"{metric} {_number(mine)} {UNITS[metric]} against {_number(its)}"
            for metric, (mine, its) in both.items()
        )
        lines.append(f"{course.arm} at iteration {last}: {numbers} with {random.arm}.")
    return lines + [_compared(kind, pairs) for kind, pairs in ends.items()]


def _compared(kind: str, pairs: list[tuple[int, dict[str, tuple[float, float]]]]) -> str:
    """Return whether a selection made dispersion worse than a random one, over seeds."""
    phrases = []
    for metric, unit in UNITS.items():
        mine = {seed: both[metric][0] for seed, both in pairs}
        its = {seed: both[metric][1] for seed, both in pairs}
        difference = paired(mine, its)
        apart = is_apart(difference)
        if difference is None or apart is None:
            seeds = len(mine)
            return f"{kind} against random: {seeds} seed{'s' * (seeds > 1)}, no verdict."
        assert difference.low is not None
        assert difference.high is not None
        word = "worse" if difference.mean < 0 else "better"
        phrases.append(
            f"{metric} {_number(difference.mean)} {unit} (95 % {_number(difference.low)} to "
            f"{_number(difference.high)}), {word if apart else 'not distinguished'}"
        )
    return f"{kind} against random, paired over {len(pairs)} seeds: {'; '.join(phrases)}."


def _partner(course: Course, followed: list[Course]) -> Course | None:
    """Return the random arm that differs in its selection alone, as far as its numbers tell."""
    for other in followed:
        if not other.at_random or other.experiment.seed != course.experiment.seed:
            continue
        last = min(len(each.values["entropy"]) for each in (course, other)) - 1
        cards = [[card_of(each.cards[m][last], {}) for m in UNITS] for each in (course, other)]
        if cards[0] == cards[1]:
            return other
    return None


def _number(value: float) -> str:
    return f"{value:.3g}"
