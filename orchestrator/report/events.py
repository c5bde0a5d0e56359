"""What happened on the way: alarms, and trials that failed or were stopped early."""

from orchestrator.analysis.records import outcomes
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report import tables


def happened(found: Outcome | Sweep) -> str:
    """Return alarms, and trials that failed or were stopped early."""
    events = [
        [
            series or one["arm"],
            str(one["iteration"]),
            one["alarm"],
            one["cause"],
            _spelled(one["action"]),
        ]
        for series, _, _, outcome in outcomes(found)
        for one in outcome.alarms
    ]
    body = ""
    if events:
        body += "<h3>Alarms</h3>" + tables.table(
            ["arm", "after iteration", "alarm", "cause", "action"], events, 9
        )
    for status, name in (("failed", "Trials that failed"), ("stopped", "Trials stopped early")):
        mine = [t for t in found.trials if t.status == status] if isinstance(found, Sweep) else []
        if mine:
            rows = [[t.name, str(t.seed), str(t.last_iteration), t.error or ""] for t in mine]
            head = ["trial", "seed", "iterations measured", "error"]
            body += f"<h3>{name}</h3>" + tables.table(head, rows, 9)
    return body


def _spelled(action: dict[str, object]) -> str:
    return " ".join(str(value) for value in action.values()).replace("_", " ")
