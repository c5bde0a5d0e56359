"""The paper's own numbers (Shi et al. 2025, CIFAR-10), and whether ours may stand beside them."""

from dataclasses import dataclass
from typing import Any

from orchestrator.analysis.records import Record

INCEPTION, DINOV2 = ("inception",), ("dinov2",)
ROWS = 32_768
COMMON = {"dataset.kind": "cifar10", "dataset.rows": ROWS}
DDPM, BOTH = {"generators": "ddpm"}, {"generators": "ddpm edm"}
# vanilla draws at random
VANILLA = {"selection.kind": "random"}
GREEDY, DECAY = {"selection.kind": "greedy"}, {"selection.kind": "threshold_decay"}
REPLACE = {"paradigm.kind": "replace"}
ACCUMULATE = {"paradigm.kind": "accumulate"}
SUBSAMPLE = {"paradigm.kind": "accumulate_subsample"}


@dataclass(frozen=True)
class Published:
    """A series of the paper's numbers.

    Attributes:
        needs: what a configuration has to say to be comparable, by dotted path.
        values: by iteration.
        beyond: why no run of this project can be compared, if none can.
        generator: its kind, where several are trained.
    """

    what: str
    metric: str
    features: tuple[str, ...]
    needs: dict[str, Any]
    values: dict[int, float]
    beyond: str = ""
    generator: str | None = None


def _series(first: int, *values: float) -> dict[int, float]:
    return dict(enumerate(values, first))


# the paper selects in one space and measures FID in another; here one space serves both
TWO_SPACES = "selected in DINOv2 and measured in Inception features, where one space here does both"
THREE_MODELS = "A, B and C are single trainings on 32,768 and 40,000 rows, with no loop"

NUMBERS: tuple[Published, ...] = (
    *(
        Published(
            f"FID by ratio, {ratio}",
            "frechet_distance",
            INCEPTION,
            {**REPLACE, "selection.ratio": ratio},
            {2: value},
            TWO_SPACES,
        )
        for ratio, value in ((0.2, 56.0), (0.4, 44.7), (0.6, 40.0), (0.8, 38.2), (1.0, 49.5))
    ),
    *(
        Published(
            f"FID, fresh data, model {name}",
            "frechet_distance",
            INCEPTION,
            {},
            {1: value},
            THREE_MODELS,
        )
        for name, value in (("A", 28.0), ("B", 30.8), ("C", 27.5))
    ),
    Published(
        "FID, multi-model, DDPM",
        "frechet_distance",
        INCEPTION,
        {**SUBSAMPLE, **VANILLA, **BOTH},
        _series(1, 28.0, 36.6),
        generator="ddpm",
    ),
    Published(
        "FID, multi-model, EDM",
        "frechet_distance",
        INCEPTION,
        {**SUBSAMPLE, **VANILLA, **BOTH},
        _series(1, 6.1, 12.6),
        generator="edm",
    ),
    Published(
        "FID, accumulate-subsample, vanilla (second hand)",
        "frechet_distance",
        INCEPTION,
        {**SUBSAMPLE, **VANILLA, **DDPM},
        {8: 75.7},
    ),
    Published(
        "FID, accumulate-subsample, greedy (second hand)",
        "frechet_distance",
        INCEPTION,
        {**SUBSAMPLE, **GREEDY, **DDPM},
        {8: 44.7},
        TWO_SPACES,
    ),
    Published(
        "FID, accumulate-subsample, threshold decay (second hand, about)",
        "frechet_distance",
        INCEPTION,
        {**SUBSAMPLE, **DECAY, **DDPM},
        {8: 50.0},
        TWO_SPACES,
    ),
    Published(
        "FD_DINOv2, replace, vanilla",
        "frechet_distance",
        DINOV2,
        {**REPLACE, **VANILLA, **DDPM},
        _series(1, 642.3, 908.0, 1128.9, 1336.3, 1522.4, 1686.9, 1802.3),
    ),
    Published(
        "FD_DINOv2, replace, greedy",
        "frechet_distance",
        DINOV2,
        {**REPLACE, **GREEDY, **DDPM, "selection.ratio": 0.5},
        _series(1, 642.6, 820.4, 911.8, 973.4, 1025.9, 1074.6, 1128.1),
    ),
    Published(
        "FD_DINOv2, accumulate, vanilla",
        "frechet_distance",
        DINOV2,
        {**ACCUMULATE, **VANILLA, **DDPM},
        _series(1, 635.5, 810.7, 910.0, 986.7, 1043.1, 1095.8, 1132.1),
    ),
    Published(
        "FD_DINOv2, accumulate, greedy",
        "frechet_distance",
        DINOV2,
        {**ACCUMULATE, **GREEDY, **DDPM},
        _series(1, 638.2, 792.4, 822.8, 838.1, 847.4, 855.1, 859.5),
    ),
    Published(
        "FLD, accumulate, vanilla",
        "fld",
        DINOV2,
        {**ACCUMULATE, **VANILLA, **DDPM},
        _series(1, 21.2, 22.5, 22.6, 19.7, 19.9, 19.6, 18.4),
    ),
    Published(
        "FLD, accumulate, greedy",
        "fld",
        DINOV2,
        {**ACCUMULATE, **GREEDY, **DDPM},
        _series(1, 21.2, 22.6, 22.7, 22.8, 22.2, 22.4, 22.3),
    ),
)

SAID = {"cifar10": "CIFAR-10", "dinov2": "DINOv2", "inception": "Inception"}


def reasons(published: Published, configuration: dict[str, Any]) -> list[str]:
    """Return why numbers of a configuration cannot be compared with published ones; none if not."""
    found = [
        f"{_told(field)} {_said(have)}, not {_said(want)}"
        for field, want in {**COMMON, **published.needs}.items()
        if (have := _value(configuration, field)) != want
    ]
    features = (_value(configuration, "evaluation.features") or configuration["features"])["kind"]
    if features not in published.features:
        found.insert(2, f"{features} features, not {_said(published.features[0])}")
    return found + [published.beyond] * bool(published.beyond)


def closest(
    published: Published, configurations: dict[str, dict[str, Any]]
) -> tuple[str, list[str]]:
    """Return the series whose configuration is the nearest to a published one, and what is off."""
    told = {name: reasons(published, found) for name, found in configurations.items()}
    name = min(told, key=lambda one: len(told[one]))
    return name, told[name]


def ours(
    published: Published, found: list[Record], series: str, configuration: dict[str, Any]
) -> dict[int, list[float]]:
    """Return our values of a published series, by iteration, one per generator and seed."""
    kinds = {name: one["kind"] for name, one in configuration["generators"].items()}
    values: dict[int, list[float]] = {}
    for record in found:
        if (
            (record.series, record.key) == (series, (published.metric, "samples"))
            and record.iteration in published.values
            and record.measure.value is not None
            and published.generator in (None, kinds[record.generator])
        ):
            values.setdefault(record.iteration, []).append(record.measure.value)
    return values


def _value(configuration: dict[str, Any], field: str) -> Any:
    if field == "generators":
        kinds = {one.get("kind") for one in configuration.get("generators", {}).values()}
        return " ".join(sorted(map(str, kinds)))
    value: Any = configuration
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _told(field: str) -> str:
    return {
        "dataset.kind": "dataset",
        "dataset.rows": "N",
        "selection.ratio": "ratio",
        "selection.kind": "selection",
        "paradigm.kind": "paradigm",
    }.get(field, field)


def _said(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return SAID.get(str(value), str(value).replace("_", "-"))
