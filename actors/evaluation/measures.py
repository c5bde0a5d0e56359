"""The measures of one generator at one iteration, each number with its identity card."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from actors.evaluation.entropy import entropy
from actors.evaluation.frechet import frechet_distance, variance
from actors.evaluation.generalization import generalization_score


@dataclass(frozen=True)
class Measure:
    """A number and its card: what must agree before it may be compared with another.

    Attributes:
        subject: the rows measured: `training_set` or `samples`.
        value: None where the measure is minus infinity.
    """

    metric: str
    subject: str
    value: float | None
    unit: str
    features: str
    n: int
    k: int | None = None
    reference: str | None = None
    reference_n: int | None = None
    zero_distances: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(
    training_set: np.ndarray | None,
    samples: np.ndarray,
    reference: np.ndarray,
    features: str,
    k: int,
) -> list[Measure]:
    """Measure a generator by the features of what it was trained on and of what it made.

    Args:
        training_set: (n, d) features; None for a generator that was not trained here.
        samples: (m, d) features.
        reference: (r, d) features of held-out real rows.
        features: name of the feature space, for the cards.
        k: which neighbour the entropy takes.
    """
    measures = []
    for subject, rows in (("training_set", training_set), ("samples", samples)):
        if rows is None:
            continue
        estimate = entropy(rows, k)
        value = estimate.nats if np.isfinite(estimate.nats) else None
        measures += [
            Measure(
                "entropy",
                subject,
                value,
                "nats",
                features,
                len(rows),
                k=k,
                zero_distances=estimate.zero_distances,
            ),
            Measure("variance", subject, variance(rows), "squared distance", features, len(rows)),
        ]
    if training_set is not None:
        measures.append(
            Measure(
                "generalization_score",
                "samples",
                generalization_score(samples, training_set),
                "distance",
                features,
                len(samples),
                reference="training_set",
                reference_n=len(training_set),
            )
        )
    return [
        *measures,
        Measure(
            "frechet_distance",
            "samples",
            frechet_distance(samples, reference),
            "squared distance",
            features,
            len(samples),
            reference="held-out real",
            reference_n=len(reference),
        ),
    ]
