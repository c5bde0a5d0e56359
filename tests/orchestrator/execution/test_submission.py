"""What is checked before `ray job submit` makes a job, and the line that resumes a job."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.commands.prepare import open_store
from orchestrator.config import load
from orchestrator.execution.submission import JOB, check, line
from tests.runs import MIXTURE, ROOT

RUN = ("python", "-m", "orchestrator", "run", "tune_configs/digits.yaml")
# nobody listens there
NOWHERE = "http://127.0.0.1:1"


def test_the_line_of_a_job_is_what_was_submitted() -> None:
    submitted = "python -m orchestrator run a.yaml --name 'a b'"
    assert line(submitted, {"working_dir": "gcs://_ray_pkg_1.zip", "_ray_commit": "1"}) == (
        f"ray job submit --working-dir . -- {submitted}"
    )
    assert line("ouroboros run a.yaml", {}) == "ray job submit -- ouroboros run a.yaml"
    remote = line("ouroboros run a.yaml", {"working_dir": "s3://b/code.zip"})
    assert remote.startswith("ray job submit --working-dir s3://b/code.zip --")


def test_the_line_has_a_shell_do_what_a_shell_did() -> None:
    submitted = line("cd a && python -m orchestrator run 'a b.yaml'", {})
    words = shell(f"set -- {submitted}; printf '%s\\n' \"$@\"").splitlines()
    assert words[-3:] == ["sh", "-c", "cd a && python -m orchestrator run 'a b.yaml'"]


def test_the_line_holds_no_value_of_an_environment_variable_and_the_shell_puts_it_back() -> None:
    environment = {"env_vars": {"TOKEN": "hidden", "PLACE": "it's here"}, "pip": ["it's"]}
    submitted = line("ouroboros run a.yaml", environment)
    assert "hidden" not in submitted
    assert "here" not in submitted
    arguments = f"set -- {submitted}; printf '%s' \"$5\""
    assert json.loads(shell(arguments, TOKEN="hidden", PLACE="it's here")) == environment
    with pytest.raises(subprocess.CalledProcessError):
        shell(arguments, TOKEN="hidden")


def shell(command: str, **variables: str) -> str:
    """Return what a shell prints that has these variables alone."""
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", NOWHERE)


@pytest.mark.usefixtures("nowhere")
def test_a_working_directory_without_the_project_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f"--working-dir: found '{tmp_path}'") as ended:
        check(working_dir=str(tmp_path), entrypoint=RUN)
    assert "\n" not in str(ended.value)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("working_dir", "entrypoint"),
    [(str(ROOT), RUN), (None, RUN), ("s3://b/a.zip", RUN), ("/", ("python", "-c", "print()"))],
)
def test_an_api_server_that_does_not_answer_is_one_line(
    working_dir: str | None, entrypoint: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit, match=f"no Ray API server answers at {NOWHERE}") as ended:
        check(working_dir=working_dir, entrypoint=entrypoint)
    assert "\n" not in str(ended.value)


def test_a_relative_store_is_refused_inside_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load(str(MIXTURE), [("store", "runs")])
    monkeypatch.setenv(JOB, json.dumps({"metadata": {"job_submission_id": "raysubmit_1"}}))
    with pytest.raises(ValueError, match=r"^store: found 'runs', .* allowed are an absolute path"):
        open_store(experiment)
