"""The image: its file is what hadolint takes, and its install lines install the project."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.runs import ROOT, installed

DOCKERFILE = ROOT / "cluster" / "Dockerfile"
TARGETS = ("cpu", "gpu")


def stages() -> dict[str, list[str]]:
    """Return the instructions of each stage, one line each, by its name."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("FROM "):
            base, name = re.fullmatch(r"FROM (\S+) AS (\S+)", line).groups()  # type: ignore[union-attr]
            found[name] = [*found.get(base, [])]
        found[name].append(line)
    return found


def is_sent(file: str) -> bool:
    """Whether `docker build` is sent a file, by the rules of .dockerignore: the last one counts."""
    sent = True
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        path = rule.removeprefix("!")
        anywhere = path.startswith("**/") and path[3:] in file.split("/")
        if path == "*" or f"{file}/".startswith(f"{path}/") or anywhere:
            sent = rule.startswith("!")
    return sent


def test_hadolint_finds_nothing() -> None:
    hadolint = installed("hadolint")
    done = subprocess.run(
        [hadolint, "--failure-threshold", "info", str(DOCKERFILE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_the_image_is_of_a_pinned_base_not_of_root_and_keeps_what_it_downloads_on_volumes(
    target: str,
) -> None:
    lines = stages()[target]
    assert re.search(r"FROM python:3\.11\.\d+-slim-\w+ AS base", lines[0])
    user = max(i for i, line in enumerate(lines) if line == "USER 1000:1000")
    # nothing is built as another user after it
    assert not [line for line in lines[user:] if line.startswith(("RUN", "COPY", "ADD"))]
    assert 'VOLUME ["/cache", "/store"]' in lines
    (environment,) = [line for line in lines if line.startswith("ENV ")]
    for variable in ("HF_HOME=/cache/", "TORCH_HOME=/cache/", "HOME=/tmp", "DONTWRITEBYTECODE=1"):
        assert variable in environment
    installs = [line for line in lines if "pip install" in line]
    assert len(installs) == 1
    assert "--constraint cluster/constraints.txt" in installs[0]
    assert f".[{target},image]" in installs[0]


def test_the_image_is_made_of_all_that_it_copies_and_of_nothing_else() -> None:
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    sent = {file for file in files if is_sent(file)}
    copied = [
        source
        for line in stages()["cpu"]
        if line.startswith("COPY ")
        for source in line.split()[1:-1]
    ]
    assert all(any(f"{file}/".startswith(f"{one}/") for file in sent) for one in copied)
    assert all(any(f"{file}/".startswith(f"{one}/") for one in copied) for file in sent)
    for private in (".git/config", ".venv/bin/python", "runs/mlflow.db", ".env"):
        assert not is_sent(private)


@pytest.mark.soak
@pytest.mark.parametrize("target", TARGETS)
def test_the_install_lines_install_the_project_into_a_fresh_environment(
    target: str, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    for line in stages()[target]:
        if line.startswith("COPY "):
            *sources, destination = line.split()[1:]
            for source in sources:
                goal = context / destination / ("" if len(sources) == 1 else source)
                goal.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, goal)
    venv.create(tmp_path / "venv", with_pip=True)
    path = f"{tmp_path / 'venv' / 'bin'}:{os.environ['PATH']}"
    (install,) = [line for line in stages()[target] if "pip install" in line]
    # PyTorch's own index, or none where it cannot be reached
    arguments = {"TORCH_INDEX": os.environ.get("TORCH_INDEX", "https://pypi.org/simple")}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", install.removeprefix("RUN ")],
        cwd=context,
        env={**os.environ, **arguments, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    program = [str(tmp_path / "venv" / "bin" / "ouroboros"), "plan", "tune_configs/digits.yaml"]
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    planned = subprocess.run(
        program, cwd=context, env=clean, capture_output=True, text=True, check=False
    )
    assert planned.returncode == 0, planned.stderr[-2000:]
    assert sys.version_info >= (3, 10)
