"""The page of a run or a sweep."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actors.plots import page
from actors.plots.page import Page, Section, Table
from actors.pool.storage import Storage
from orchestrator.analysis.records import outcomes, records
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report import tables
from orchestrator.report.findings import finding
from orchestrator.report.images import pictures
from orchestrator.report.paper import paper
from orchestrator.report.sections import sections

# for a reader who has not seen the project
WORDS = {
    "iteration": "A generator is trained on real images (iteration 1) and makes samples. Some of "
    "them are selected as the next training set, on which it is trained again, and so on. In such "
    "a loop generators lose variety and begin to repeat their training set: model collapse.",
    "arm": "One way to select. Arms of a run differ in nothing else that is not said.",
    "paradigm": "What may be selected from: the last samples only (replace), or the real images "
    "and all samples (accumulate).",
    "entropy": "Of a training set, in nats: how far its rows lie from each other. It falls as the "
    "loop collapses.",
    "GS": "The generalization score: mean distance of samples to the nearest row of the training "
    "set. Near 0 the generator copies.",
    "Fréchet distance, FLD": "How far samples are from held-out real rows; lower is better. Every "
    "distance is taken in the space of features that is named below a figure.",
    "comparable": "Numbers can be compared only when they were measured the same way: in the same "
    "features, on as many rows, against the same set. Those that were not are drawn hollow and "
    "without a common line.",
}


def render(outcome: Outcome | Sweep, storage: Storage, files: Path | None = None) -> str:
    """Return the page of a run or a sweep as HTML.

    Args:
        storage: where its pictures lie.
        files: folder for the files of each figure, over those that are there; None: none.
    """
    numbers = records(outcome)
    glance, *measured = sections(outcome, numbers)
    words = Table(["word", "meaning"], [list(item) for item in WORDS.items()])
    every = [
        glance,
        Section("How to read this", tables=[words], folded=True),
        *measured,
        *pictures(outcome, storage),
        Section("Alarms, and trials that ended early", tables=list(tables.events(outcome))),
        Section("Beside the paper's numbers", tables=paper(outcome, numbers), folded=True),
        Section(
            "Every number with its card", tables=list(tables.every_number(numbers)), folded=True
        ),
    ]
    content = Page(
        f"{outcome.name}: {_kind(outcome)}",
        every,
        _settings(outcome),
        finding(outcome, numbers),
        " ".join(_status(outcome)),
        "" if outcome.status == "finished" else outcome.status,
    )
    return page.render(content, files)


def _kind(outcome: Outcome | Sweep) -> str:
    if isinstance(outcome, Outcome):
        return f"a run of {len(outcome.arms)} arm{'s' * (len(outcome.arms) != 1)}"
    return f"a sweep over {', '.join(outcome.axes)}"


def _status(outcome: Outcome | Sweep) -> Iterator[str]:
    yield "Finished." if outcome.status == "finished" else "What there is so far."
    if isinstance(outcome, Sweep):
        ends = [trial.status for trial in outcome.trials]
        others = [(end, ends.count(end)) for end in ("stopped", "interrupted", "failed")]
        yield (
            f"{ends.count('finished')} of {outcome.trials_planned} trials finished"
            + "".join(f", {count} {end}" for end, count in others if count)
            + "."
        )
        if (saved := outcome.shared.get("seconds_saved")) is not None:
            yield (
                f"Shared steps: {outcome.shared.get('done', 0):,.0f} of "
                f"{outcome.shared.get('steps', 0):,.0f} were run, which saved {saved:,.0f} s."
            )


def _settings(outcome: Outcome | Sweep) -> dict[str, str]:
    """Return what was run; what differs between trials or arms with every value."""
    configurations = [c for *_, run in outcomes(outcome) for c in run.arms.values()]
    if not configurations:
        return {}
    seeds = sorted({seed for _, _, seed, _ in outcomes(outcome)})
    each = [
        {
            "data": f"{c['dataset']['kind']}, {c['dataset'].get('rows') or 'all'} rows",
            "features": _spaces(c),
            "generators": ", ".join(c["generators"]),
            "iterations": str(c["iterations"]),
        }
        for c in configurations
    ]
    settings = {name: " / ".join(dict.fromkeys(c[name] for c in each)) for name in each[0]}
    settings["seed" + "s" * (len(seeds) > 1)] = ", ".join(map(str, seeds))
    if isinstance(outcome, Outcome):
        # in the order of the results; JSON has sorted the configurations by name
        measured = dict.fromkeys(result.arm for result in outcome.results)
        arms = {arm: outcome.arms[arm] for arm in [*measured, *outcome.arms] if arm in outcome.arms}
        settings["arms"] = ", ".join(
            f"{arm} ({c['selection']['kind']}, {c['paradigm']['kind']})".replace("_", " ")
            for arm, c in arms.items()
        )
    return settings


def _spaces(configuration: dict[str, Any]) -> str:
    selected = configuration["features"]
    measured = configuration.get("evaluation", {}).get("features")
    if measured in (None, selected):
        return str(selected["kind"])
    return f"{selected['kind']}, measured in {measured['kind']}"
