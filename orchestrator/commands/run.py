"""`ouroboros run`: run an experiment and print its comparison."""

import argparse

from orchestrator.commands.base import (
    FIELDS_EPILOG,
    Command,
    argument,
    command_line,
    parse_overrides,
)


def run(command: argparse.Namespace, tokens: list[str]) -> int:
    """Run an experiment and print its comparison."""
    overrides = parse_overrides(tokens)
    from orchestrator import config
    from orchestrator.commands.prepare import machines, open_store, print_notes, reading_shown
    from orchestrator.execution.placement import check
    from orchestrator.planning import make_plan

    with reading_shown():
        experiment = config.load(command.config, overrides)
    check(make_plan(experiment), machines())
    storage = open_store(experiment)
    print_notes(experiment)
    from orchestrator.running import Running
    from orchestrator.tracking import check_answers

    check_answers(storage)
    return Running(experiment, storage, command_line(command, tokens)).carry_out()


COMMAND = Command(
    summary="run an experiment; running it again resumes",
    call=run,
    arguments=(argument("config", "CONFIG", "YAML file of the experiment"),),
    fields="experiment",
    usage="run CONFIG [--field.path VALUE ...]",
    epilog=FIELDS_EPILOG,
)
