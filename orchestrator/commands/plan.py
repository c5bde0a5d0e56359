"""`ouroboros plan`: check an experiment and print what running it would do."""

import argparse

from orchestrator.commands.base import (
    FIELDS_EPILOG,
    Command,
    argument,
    locate_store,
    parse_overrides,
)


def plan(command: argparse.Namespace, tokens: list[str]) -> int:
    """Print the plan of an experiment: start no Ray, join one only to ask what it has, and write
    nothing."""
    overrides = parse_overrides(tokens)
    from rich.console import Console

    from orchestrator import config
    from orchestrator.commands.prepare import machines, print_notes, reading_shown
    from orchestrator.execution.placement import check
    from orchestrator.plan_table import print_plan
    from orchestrator.planning import make_plan

    with reading_shown():
        experiment = config.load(command.config, overrides)
    planned = make_plan(experiment)
    nodes = machines()
    check(planned, nodes)
    print_plan(Console(), planned, nodes, locate_store(experiment.store))
    print_notes(experiment)
    return 0


COMMAND = Command(
    summary="check an experiment and print what running it would do, without starting Ray",
    call=plan,
    arguments=(argument("config", "CONFIG", "YAML file of the experiment"),),
    fields="experiment",
    usage="plan CONFIG [--field.path VALUE ...]",
    epilog=FIELDS_EPILOG,
)
