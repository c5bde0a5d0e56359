"""A command is a file and a line; its fields are the schema's, and shells complete them."""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import argcomplete
import pytest

from orchestrator.cli import main
from orchestrator.commands import COMMANDS
from orchestrator.commands.base import Command, counted
from orchestrator.declarations import FIELDS, make_parser
from orchestrator.fields import every_schema
from tests.runs import ROOT


def completed(line: str, folder: Path) -> list[str]:
    """Return what bash offers after a line, asking the program as argcomplete's script does."""
    program = Path(sys.executable).parent / "ouroboros"
    script = (
        f'eval "$({program.parent}/register-python-argcomplete ouroboros)"\n'
        f"COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9\n"
        "read -ra COMP_WORDS <<< \"$COMP_LINE\"; [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')\n"
        "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
        "_python_argcomplete ouroboros\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    return [one.strip() for one in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ouroboros pl", "plan"),
        ("ouroboros pool li", "lineage"),
        ("ouroboros sweep x.yaml --fail", "--fail-fast"),
        ("ouroboros run x.yaml --selection.rat", "--selection.ratio"),
        ("ouroboros run x.yaml --selection.kind gre", "greedy"),
        ("ouroboros run mi", "mine.yaml"),
    ],
)
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_completes_commands_options_fields_and_yaml_files(
    line: str, offered: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "mine.txt").touch()
    assert completed(line, tmp_path) == [offered]


def test_the_fields_in_help_are_those_of_the_schema() -> None:
    written = json.loads(FIELDS.read_text(encoding="utf-8"))
    assert written == every_schema(), "run: python -m orchestrator.fields"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("run", ("--selection.ratio float", "--generators.NAME.sampling.steps", "default 1024")),
        ("plan", ("--dataset.kind", "--iterations int", "greedy")),
        ("sweep", ("--search.kind", "--limits.cpu_hours", "--repeat.seeds")),
    ],
)
def test_help_lists_fields_with_types_and_defaults(
    command: str, shown: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    listed = capsys.readouterr().out
    for text in shown:
        assert text in listed


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"ouroboros {version('ouroboros-loop')}\n"


def test_a_command_is_one_entry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def greet(command: argparse.Namespace, tokens: list[str]) -> int:
        print(f"hello {command.who}, {tokens}")
        return 7

    toy = Command(
        summary="greet somebody",
        call=greet,
        arguments=(("who", {"metavar": "WHO", "help": "whom"}), ("--twice", {"type": int})),
    )
    monkeypatch.setitem(COMMANDS, "greet", toy)
    assert "greet somebody" in make_parser().format_help()
    assert main(["greet", "world", "--more"]) == 7
    assert capsys.readouterr().out == "hello world, ['--more']\n"
    with pytest.raises(SystemExit) as end:
        main(["greet", "--help"])
    assert end.value.code == 0
    assert "whom" in capsys.readouterr().out
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setenv("_ARGCOMPLETE_IFS", "\n")
    monkeypatch.setenv("COMP_LINE", "ouroboros gre")
    monkeypatch.setenv("COMP_POINT", "13")
    offered = io.StringIO()
    argcomplete.autocomplete(
        make_parser(fields=True), exit_method=lambda _: None, output_stream=offered
    )
    assert offered.getvalue().split() == ["greet"]


def test_a_noun_follows_its_number() -> None:
    assert [counted(n, "step") for n in (0, 1, 1200)] == ["0 steps", "1 step", "1,200 steps"]
