"""Which measures there are, in groups that are asked for together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np

from actors.distances.space import GIVEN, Space
from actors.metrics.authenticity import authenticity, data_copying
from actors.metrics.entropy import RELEASED_OFFSET, Spacing
from actors.metrics.fld import fld
from actors.metrics.frechet import frechet_distance, frechet_infinity, variance
from actors.metrics.generalization import (
    generalization_score,
    memorization_rate,
    nearest_quantiles,
)
from actors.metrics.kernel_distance import kernel_distance
from actors.metrics.manifold import manifold
from actors.metrics.measures import Measure
from actors.metrics.vendi import vendi_score

# which neighbour the balls of precision, recall, density and coverage reach to, as in `prdc`
BALL_K = 5
QUANTILES = (0.05, 0.5, 0.95)
TRAINING_SET, HELD_OUT, REAL = "training_set", "held-out real", "real"
SELECTED = "no interval: selected rows are no independent draws"


@dataclass(frozen=True)
class Sets:
    """Features of the rows that measures compare, (rows, d) each, and what all cards say.

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

    samples: np.ndarray
    reference: np.ndarray
    training_set: np.ndarray | None = None
    real: np.ndarray | None = None
    card: dict[str, Any] = field(default_factory=dict)
    k: int = 1
    seed: int = 0
    space: Space = GIVEN
    selected: bool = False

    def measure(self, metric: str, unit: str, value: Callable[[], float], **fields: Any) -> Measure:
        """Return a measure of the samples; without a value, but a note, where it cannot be."""
        fields = {"subject": "samples", "n": len(self.samples), **self.card, **fields}
        try:
            found = value()
        except ValueError as error:
            return Measure(metric=metric, unit=unit, value=None, note=str(error), **fields)
        if not np.isfinite(found):
            fields["note"] = f"it comes to {found}"
            return Measure(metric=metric, unit=unit, value=None, **fields)
        return Measure(metric=metric, unit=unit, value=found, **fields)

    def against_reference(self) -> dict[str, Any]:
        """Return the fields of a measure that compares with held-out real rows."""
        return {"reference": HELD_OUT, "reference_n": len(self.reference)}

    def trained_on(self) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
        """Yield the training set, if there is one, with the fields of measures against it."""
        if self.training_set is not None:
            yield (
                self.training_set,
                {"reference": TRAINING_SET, "reference_n": len(self.training_set)},
            )


def dispersion(sets: Sets) -> Iterator[Measure]:
    """Entropy, with an interval and as the published code has it, and variance of both sets."""
    for subject, rows in ((TRAINING_SET, sets.training_set), ("samples", sets.samples)):
        if rows is None:
            continue
        fields: dict[str, Any] = {"subject": subject, "n": len(rows)}
        yield from _entropies(sets, rows, fields)
        yield sets.measure("variance", "squared distance", partial(variance, rows), **fields)


def _entropies(sets: Sets, rows: np.ndarray, fields: dict[str, Any]) -> Iterator[Measure]:
    floor, in_levels = sets.space.floor, sets.space.in_levels
    searched = cache(partial(Spacing.of, rows, sets.k))
    found = sets.measure(
        "entropy",
        "nats",
        lambda: searched().entropy(floor).nats,
        k=sets.k,
        settings={"floor": floor},
        **fields,
    )
    if found.value is not None:
        found = replace(found, at_floor=searched().entropy(floor).at_floor)
        if sets.selected and found.subject == TRAINING_SET:
            found = replace(found, note=SELECTED)
        elif ends := searched().interval(floor):
            found = replace(found, low=ends[0], high=ends[1])
    yield found
    yield sets.measure(
        "entropy_as_released",
        "nats",
        lambda: searched().as_released(in_levels),
        k=1,
        settings={
            "added": RELEASED_OFFSET,
            "distances": "0..255 pixels" if in_levels else "features",
        },
        **fields,
    )


def generalization(sets: Sets) -> Iterator[Measure]:
    """Distances of the samples to the training set, and the share that is too near."""
    for rows, against in sets.trained_on():
        yield sets.measure(
            "generalization_score",
            "distance",
            partial(generalization_score, sets.samples, rows),
            **against,
        )
        quantiles = cache(partial(nearest_quantiles, sets.samples, rows, QUANTILES))
        for place, level in enumerate(QUANTILES):
            yield sets.measure(
                f"nearest_distance_q{100 * level:02.0f}",
                "distance",
                partial(lambda place, found: found()[place], place, quantiles),
                **against,
            )
        yield sets.measure(
            "memorization_rate",
            "share",
            partial(memorization_rate, sets.samples, rows),
            **against,
        )


def frechet(sets: Sets) -> Iterator[Measure]:
    """Fréchet distance to held-out real rows, at this n and extrapolated to infinitely many."""
    taken = partial(frechet_distance, sets.samples, sets.reference)
    extrapolated = partial(frechet_infinity, sets.samples, sets.reference, seed=sets.seed)
    for metric, value in (
        ("frechet_distance", taken),
        ("frechet_distance_infinity", extrapolated),
    ):
        yield sets.measure(metric, "squared distance", value, **sets.against_reference())


def likelihood(sets: Sets) -> Iterator[Measure]:
    """Feature likelihood divergence, fitted to the training set and to the original real rows."""
    fitted_to = {TRAINING_SET: sets.training_set, REAL: sets.real}
    for name, rows in fitted_to.items():
        if rows is not None:
            yield sets.measure(
                "fld" if name == TRAINING_SET else "fld_real",
                "100 nats per dimension",
                partial(_divergence, sets, rows),
                settings={"fitted_to": name, "fitted_n": len(rows)},
                **sets.against_reference(),
            )


def _divergence(sets: Sets, rows: np.ndarray) -> float:
    return fld(sets.samples, rows, sets.reference, seed=sets.seed).value


def kernel(sets: Sets) -> Iterator[Measure]:
    """Kernel distance to held-out real rows."""
    size = min(1000, len(sets.samples), len(sets.reference))
    yield sets.measure(
        "kernel_distance",
        "squared discrepancy",
        lambda: kernel_distance(sets.samples, sets.reference, seed=sets.seed).mean,
        settings={"subset_size": size},
        **sets.against_reference(),
    )


def fidelity(sets: Sets) -> Iterator[Measure]:
    """Precision, recall, density and coverage against held-out real rows."""
    found = cache(partial(manifold, sets.samples, sets.reference, BALL_K))
    for metric in ("precision", "recall", "density", "coverage"):
        yield sets.measure(
            metric,
            "balls / k" if metric == "density" else "share",
            partial(lambda metric: getattr(found(), metric), metric),
            k=BALL_K,
            settings={"ties": "inside"},
            **sets.against_reference(),
        )


def diversity(sets: Sets) -> Iterator[Measure]:
    """Vendi score of the samples."""
    yield sets.measure(
        "vendi_score", "rows", lambda: vendi_score(sets.samples), settings={"kernel": "cosine"}
    )


def copying(sets: Sets) -> Iterator[Measure]:
    """Authenticity and the data-copying statistic."""
    for rows, against in sets.trained_on():
        yield sets.measure(
            "authenticity", "share", partial(authenticity, sets.samples, rows), **against
        )
        yield sets.measure(
            "data_copying",
            "standard deviations",
            partial(data_copying, sets.samples, rows, sets.reference),
            settings={"held_out_n": len(sets.reference)},
            **against,
        )


GROUPS: dict[str, Callable[[Sets], Iterator[Measure]]] = {
    "dispersion": dispersion,
    "generalization": generalization,
    "frechet": frechet,
    "likelihood": likelihood,
    "kernel": kernel,
    "fidelity": fidelity,
    "diversity": diversity,
    "copying": copying,
}


def measure(sets: Sets, groups: tuple[str, ...] = tuple(GROUPS)) -> list[Measure]:
    """Return every measure of some groups, in their order."""
    return [one for group in groups for one in GROUPS[group](sets)]
