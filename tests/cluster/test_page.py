"""The operators' page: its commands are ones that Ray has, on files that are there."""

import re
import shlex
import subprocess

import click
import pytest
from ray.scripts.scripts import cli

from tests.runs import ROOT

PAGE = (ROOT / "cluster" / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
COMMANDS = [
    line.removeprefix(".venv/bin/")
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if line.removeprefix(".venv/bin/").startswith("ray ")
]


def parse(command: str) -> None:
    """Have Ray's own parser read a command line; nothing is done."""
    words = shlex.split(command, comments=True)[1:]
    group: click.Command = cli
    while isinstance(group, click.Group):
        name = words.pop(0)
        assert name in group.commands, f"ray has no command {name!r}"
        group = group.commands[name]
    group.make_context(name, words)


def test_the_page_can_be_read_at_one_sitting_and_its_commands_are_ones_of_a_shell() -> None:
    assert len(PAGE.splitlines()) < 250
    assert len(BLOCKS) > 10
    for block in BLOCKS:
        subprocess.run(["bash", "-n"], input=block, text=True, check=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_ray_has_the_commands_of_the_page(command: str) -> None:
    parse(command)


@pytest.mark.parametrize("command", ["ray job begin", "ray job stop --now ID", "ray up"])
def test_a_command_that_ray_does_not_have_is_found(command: str) -> None:
    with pytest.raises((click.UsageError, AssertionError)):
        parse(command)


def test_the_files_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"\b(?:cluster|tune_configs)/[\w/.-]+\.(?:yaml|sbatch|txt)", PAGE))
    named |= {f"cluster/{name}" for name in re.findall(r"`(\w+\.(?:yaml|sbatch|txt))`", PAGE)}
    missing = {
        name
        for name in named
        if not (ROOT / name).exists()
        and not (ROOT / "cluster" / "kubernetes" / name.rpartition("/")[2]).exists()
    }
    assert len(named) > 10
    assert not missing
