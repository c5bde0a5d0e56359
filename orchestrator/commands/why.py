"""`ouroboros why`: say why a row is in a selection or not."""

import argparse

from orchestrator.commands.base import Command, refuse


def why(command: argparse.Namespace, tokens: list[str]) -> int:
    """Print why a row is in a selection or not."""
    refuse(tokens, "SAMPLE_ID --selection PATH")
    from actors.curation import why as reasons

    print(f"{command.sample_id}: {reasons.why(command.selection, command.sample_id)}")
    return 0


COMMAND = Command(
    summary="say why a row is in a selection or not",
    call=why,
    arguments=(
        ("sample_id", {"metavar": "SAMPLE_ID", "help": "id of a candidate"}),
        (
            "--selection",
            {
                "required": True,
                "metavar": "PATH",
                "help": "output of `ouroboros curate`, or a select step's folder, "
                "STORE/steps/select/KEY",
            },
        ),
    ),
)
