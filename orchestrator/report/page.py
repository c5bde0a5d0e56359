"""The page: everything of a run or a sweep in one HTML file that asks for nothing else."""

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.pool.storage import Storage
from orchestrator.analysis.records import outcomes, records
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report import blocks, tables
from orchestrator.report.events import happened
from orchestrator.report.figure import file_names
from orchestrator.report.findings import finding
from orchestrator.report.images import strips
from orchestrator.report.sections import sections
from orchestrator.report.style import LOOP, STYLE
from orchestrator.report.styles import css

STRIPS = {
    "samples": ("Samples over the iterations", "The first samples of each generator."),
    "nearest": (
        "Samples beside their nearest training image",
        "The samples that are nearest to the training set (left) with their nearest training image "
        "(right) and the distance; copies show memorization.",
    ),
    "projection": (
        "Real and generated rows on two principal components",
        "How much of the real data the samples still cover.",
    ),
}


def render(found: Outcome | Sweep, storage: Storage, files: Path | None = None) -> str:
    """Return the page of a run or a sweep.

    Args:
        storage: where its pictures lie.
        files: folder for the files of each figure, over those that are there; None: none.
    """
    numbers = records(found)
    title = html.escape(f"{found.name}: {_kind(found)}")
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{css()}{STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        _status(found),
        f'<p class="finding">{html.escape(finding(found, numbers))}</p>',
        _settings(found),
        tables.at_a_glance(numbers),
        f"<details><summary>How to read this</summary>{LOOP}</details>",
    ]
    shown = list(sections(found))
    names = file_names([figure for section in shown for figure in section.figures])
    parts += [blocks.section(one, names, files) for one in shown]
    for kind, (name, intro) in STRIPS.items():
        pictures = "".join(blocks.pictures_of(strip) for strip in strips(found, storage, kind))
        if pictures:
            parts.append(blocks.folding(name, f"<p>{intro}</p>{pictures}", kind != "samples"))
    parts += [
        blocks.folding("What happened on the way", happened(found), False),
        blocks.folding("Beside the paper's numbers", tables.paper(found, numbers), True),
        blocks.folding("Every number with its card", tables.every_number(numbers), True),
    ]
    return "\n".join(part for part in [*parts, "</body></html>\n"] if part)


def _kind(found: Outcome | Sweep) -> str:
    if isinstance(found, Outcome):
        return f"a run of {len(found.arms)} arm{'s' * (len(found.arms) != 1)}"
    return f"a sweep over {', '.join(found.axes)}"


def _status(found: Outcome | Sweep) -> str:
    done = ""
    if isinstance(found, Sweep):
        ends = ("finished", "stopped", "interrupted", "failed")
        count = {s: sum(t.status == s for t in found.trials) for s in ends}
        done = f"{count['finished']} of {found.trials_planned} trials finished"
        done += "".join(f", {n} {s}" for s, n in count.items() if n and s != "finished")
        if (saved := found.shared.get("seconds_saved")) is not None:
            done += (
                f". Shared steps: {found.shared.get('done', 0):,.0f} of "
                f"{found.shared.get('steps', 0):,.0f} were run, which saved {saved:,.0f} s"
            )
    if found.status == "finished":
        return f"<p class=status>Finished. {done}</p>"
    return (
        f'<p class="status unfinished"><b>Unfinished ({html.escape(found.status)}).</b> '
        f"What there is so far. {done}</p>"
    )


def _settings(found: Outcome | Sweep) -> str:
    """Return what was run, in one line; what differs between trials or arms with every value."""
    configurations = [c for _, _, _, o in outcomes(found) for c in o.arms.values()]
    if not configurations:
        return ""
    seeds = sorted({seed for _, _, seed, _ in outcomes(found)})

    def every(told: Callable[[dict[str, Any]], str]) -> str:
        return " / ".join(dict.fromkeys(told(one) for one in configurations))

    told = {
        "data": every(
            lambda c: f"{c['dataset']['kind']}, {c['dataset'].get('rows') or 'all'} rows"
        ),
        "features": every(_spaces),
        "generators": every(lambda c: ", ".join(c["generators"])),
        "iterations": every(lambda c: str(c["iterations"])),
        "seed" + "s" * (len(seeds) > 1): ", ".join(map(str, seeds)),
    }
    if isinstance(found, Outcome):
        told["arms"] = ", ".join(
            f"{arm} ({c['selection']['kind']}, {c['paradigm']['kind']})".replace("_", " ")
            for arm, c in in_order(found).items()
        )
    cells = "".join(f"<div><dt>{k}</dt><dd>{html.escape(v)}</dd></div>" for k, v in told.items())
    return f"<dl>{cells}</dl>"


def _spaces(configuration: dict[str, Any]) -> str:
    selected = configuration["features"]
    measured = configuration.get("evaluation", {}).get("features")
    if measured in (None, selected):
        return str(selected["kind"])
    return f"{selected['kind']}, measured in {measured['kind']}"


def in_order(outcome: Outcome) -> dict[str, Any]:
    """Return the configurations in the order of the results; JSON has sorted them by name."""
    measured = dict.fromkeys(result.arm for result in outcome.results)
    return {arm: outcome.arms[arm] for arm in (*measured, *outcome.arms) if arm in outcome.arms}
