"""The commands, each in the file of its name."""

from orchestrator.commands import curate, evaluate, plan, pool, report, run, status, sweep, why
from orchestrator.commands.base import Command

COMMANDS: dict[str, Command] = {
    "run": run.COMMAND,
    "plan": plan.COMMAND,
    "sweep": sweep.COMMAND,
    "curate": curate.COMMAND,
    "evaluate": evaluate.COMMAND,
    "why": why.COMMAND,
    "report": report.COMMAND,
    "status": status.COMMAND,
    "pool": pool.COMMAND,
}
