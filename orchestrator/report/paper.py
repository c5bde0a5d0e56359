"""The paper's own numbers, from paper.yaml, and whether ours may stand beside them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from actors.plots.page import Table
from orchestrator.analysis import words
from orchestrator.analysis.records import Record, arms_in_series, outcomes
from orchestrator.outcome import Outcome, Sweep

FILE = Path(__file__).with_name("paper.yaml")
FIELDS = {
    "dataset.kind": "dataset",
    "dataset.rows": "N",
    "selection.ratio": "ratio",
    "selection.kind": "selection",
    "paradigm.kind": "paradigm",
}
NAMES = {"cifar10": "CIFAR-10", "dinov2": "DINOv2", "inception": "Inception"}


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
    features: str
    needs: dict[str, Any]
    values: dict[int, float]
    beyond: str = ""
    generator: str | None = None


@cache
def published() -> list[Published]:
    """Return the paper's numbers."""
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    series = []
    for fields in read["published"]:
        values = dict(enumerate(fields.pop("values"), fields.pop("first")))
        needs = read["needs"] | fields.pop("needs")
        series.append(Published(**fields, needs=needs, values=values))
    return series


def paper(outcome: Outcome | Sweep, records: list[Record]) -> list[Table]:
    """Return the paper's numbers, ours beside them where they may be compared."""
    configurations = {
        series or arms_in_series(run.arms)[arm]: configuration
        for series, _, _, run in outcomes(outcome)
        for arm, configuration in run.arms.items()
    }
    if not configurations:
        return []
    rows = []
    for numbers in published():
        series, why = closest(numbers, configurations)
        values = {} if why else ours(numbers, records, series, configurations[series])
        beside = [f"{n}: {' / '.join(map(words.number, of_n))}" for n, of_n in values.items()]
        if why:
            here = f"not comparable, because: {'; '.join(why)}"
        else:
            here = f"{', '.join(beside)} ({series})" if beside else "not measured yet"
        theirs = ", ".join(f"{n}: {value:g}" for n, value in numbers.values.items())
        rows.append([numbers.what, theirs, here])
    return [Table(["the paper (CIFAR-10)", "iteration: its value", "here"], rows)]


def reasons(numbers: Published, configuration: dict[str, Any]) -> list[str]:
    """Return why numbers of a configuration cannot be compared with published ones; none if not."""
    why = [
        f"{FIELDS.get(field, field)} {_said(have)}, not {_said(want)}"
        for field, want in numbers.needs.items()
        if (have := _value(configuration, field)) != want
    ]
    features = (_value(configuration, "evaluation.features") or configuration["features"])["kind"]
    if features != numbers.features:
        why.insert(2, f"{features} features, not {_said(numbers.features)}")
    return why + [numbers.beyond] * bool(numbers.beyond)


def closest(numbers: Published, configurations: dict[str, dict[str, Any]]) -> tuple[str, list[str]]:
    """Return the series whose configuration is the nearest to a published one, and what is off."""
    why = {series: reasons(numbers, fields) for series, fields in configurations.items()}
    return min(why.items(), key=lambda item: len(item[1]))


def ours(
    numbers: Published, records: list[Record], series: str, configuration: dict[str, Any]
) -> dict[int, list[float]]:
    """Return our values of a published series, by iteration, one per generator and seed."""
    kinds = {name: generator["kind"] for name, generator in configuration["generators"].items()}
    values: dict[int, list[float]] = {}
    for record in records:
        if (
            (record.series, record.key) == (series, (numbers.metric, "samples"))
            and record.iteration in numbers.values
            and record.measure.value is not None
            and numbers.generator in (None, kinds[record.generator])
        ):
            values.setdefault(record.iteration, []).append(record.measure.value)
    return values


def _value(configuration: dict[str, Any], field: str) -> Any:
    if field == "generators":
        kinds = {generator.get("kind") for generator in configuration.get(field, {}).values()}
        return " ".join(sorted(map(str, kinds)))
    value: Any = configuration
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _said(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return NAMES.get(str(value), str(value).replace("_", "-"))
