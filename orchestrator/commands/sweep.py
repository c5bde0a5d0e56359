"""`ouroboros sweep`: run a sweep of experiments and print its points."""

import argparse

from orchestrator.commands.base import (
    FIELDS_EPILOG,
    Command,
    argument,
    command_line,
    flag,
    parse_overrides,
)


def sweep(command: argparse.Namespace, tokens: list[str]) -> int:
    """Run a sweep and print its points."""
    overrides = parse_overrides(tokens)
    from orchestrator.commands import prepare
    from orchestrator.sweep import config, equal_rows, sweeping
    from orchestrator.tracking import check_answers

    with prepare.reading_shown():
        loaded = config.load(command.config, overrides)
        machines = prepare.machines()
        sweeping.prepare()
        loaded = equal_rows.on_equal_rows(loaded)
        sweeping.check_points(loaded, machines)
        seed = loaded.repeat.seeds[0]
        experiment = loaded.at(loaded.any_point(), seed)
    storage = prepare.open_store(experiment)
    prepare.print_notes(experiment)
    check_answers(storage)
    resume = command_line(command, [*tokens, *["--fail-fast"] * command.fail_fast])
    return sweeping.Sweeping(loaded, storage, machines, resume, command.fail_fast).carry_out()


COMMAND = Command(
    summary="run a sweep of experiments; running it again resumes",
    call=sweep,
    arguments=(
        argument("config", "CONFIG", "YAML file of the sweep"),
        flag("--fail-fast", "end with the first trial that fails"),
    ),
    fields="sweep",
    usage="sweep CONFIG [--field.path VALUE ...] [--fail-fast]",
    epilog=FIELDS_EPILOG,
)
