"""`ouroboros why`: say why a row is in a selection or not."""

import argparse

from orchestrator.commands.base import Command, argument, refuse


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
        argument("sample_id", "SAMPLE_ID", "id of a candidate"),
        argument(
            "--selection",
            "PATH",
            "output of `ouroboros curate`, or a select step's folder, STORE/steps/select/KEY",
            required=True,
        ),
    ),
)
