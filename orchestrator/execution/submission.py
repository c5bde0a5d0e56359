"""Ray jobs: a submission is checked before it is made, and a job knows the line that resumes it.

    export RAY_JOB_SUBMIT_HOOK=orchestrator.execution.submission.check

`ray job submit` then calls `check` first, in the process that uploads the working directory.
"""

from __future__ import annotations

import json
import os
import shlex
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

# Ray gives it to the process of a job, and to that alone
JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
MODULE = "orchestrator"


def submission_id() -> str:
    """Return the submission ID of the job that this process is; empty outside of jobs."""
    config = json.loads(os.environ.get(JOB, "{}"))
    return str(config.get("metadata", {}).get("job_submission_id", ""))


def resubmission() -> str | None:
    """Return the line that submits this job once more; None outside of jobs."""
    if not (id := submission_id()):
        return None
    from ray.job_submission import JobSubmissionClient

    try:
        job = JobSubmissionClient().get_job_info(id)
    except Exception:  # Ray's and those of its HTTP client; no run ends for want of a line to print
        return None
    return line(job.entrypoint or "", dict(job.runtime_env or {}))


def line(entrypoint: str, runtime_env: dict[str, Any]) -> str:
    """Return the line that submits a job, from what Ray knows of it.

    It holds no value of an environment variable, as it is printed and logged: the shell has to
    have them, and says so where it has not.
    """
    environment = {k: v for k, v in runtime_env.items() if not k.startswith("_")}
    folder = str(environment.pop("working_dir", ""))
    # a folder was uploaded under a name of Ray's
    folder = "." if folder.startswith("gcs://") else folder
    options = ["--working-dir", shlex.quote(folder)] if folder else []
    if environment:
        options += ["--runtime-env-json", _as_json(environment)]
    # what Ray would quote is for a shell
    if shlex.join(shlex.split(entrypoint)) != entrypoint:
        entrypoint = shlex.join(["sh", "-c", entrypoint])
    return " ".join(["ray job submit", *options, "--", entrypoint])


def _as_json(environment: dict[str, Any]) -> str:
    """Return a runtime environment quoted for a shell, which fills in environment variables."""
    names = environment.get("env_vars", {})
    text = json.dumps(environment | ({"env_vars": {n: f"\0{n}\0" for n in names}} if names else {}))
    quoted = shlex.quote(text)
    for name in names:
        # json writes what marks the place of a value as \u0000
        quoted = quoted.replace(f"\\u0000{name}\\u0000", f"'\"${{{name}:?}}\"'")
    return quoted


def check(
    *,
    address: str | None = None,
    working_dir: str | None = None,
    runtime_env: str | None = None,
    runtime_env_json: str | None = None,
    entrypoint: Sequence[str] = (),
    **_: object,
) -> None:
    """End with one line when a submission cannot work, else have its upload compressed.

    Raises:
        SystemExit: the project is not in the working directory, or the cluster does not answer, or
            it asks for another token.
    """
    from ray.dashboard.modules.dashboard_sdk import parse_runtime_env_args

    environment = parse_runtime_env_args(runtime_env, runtime_env_json, working_dir)
    folder = environment.get("working_dir", "")
    if folder and "://" not in folder and MODULE in entrypoint:
        _check_folder(Path(folder))
    _check_answers(address)
    compress_uploads()


def compress_uploads() -> None:
    """Have Ray compress what it uploads from this process, which it would send as it is."""
    from ray._private.runtime_env import packaging

    # Ray 2.60 has no setting for it
    deflated = partial(zipfile.ZipFile, compression=zipfile.ZIP_DEFLATED)
    packaging.ZipFile = deflated  # type: ignore[attr-defined, assignment]


def _check_folder(folder: Path) -> None:
    if not (folder / MODULE / "__main__.py").is_file():
        raise SystemExit(
            f"error: --working-dir: found {str(folder.resolve())!r}, without the project; allowed "
            f"is the folder that holds {MODULE}/"
        )


def _check_answers(address: str | None) -> None:
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    named = os.environ.get("RAY_API_SERVER_ADDRESS") or os.environ.get("RAY_ADDRESS") or address
    named = named or "http://localhost:8265"
    try:
        JobSubmissionClient(address)
    except AuthenticationError as error:
        missing = error.message.startswith("Authentication required")
        raise SystemExit(
            f"error: {named} wants a token, and "
            + ("was given none" if missing else "the one that it was given is not its own")
            + "; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to a file with the token (by "
            "default ~/.ray/auth_token)"
        ) from None
    except Exception as error:  # Ray, and what it sends requests with, raise many kinds
        raise SystemExit(
            f"error: no Ray API server answers at {named} ({' '.join(str(error).split())[:200]}); "
            "set RAY_API_SERVER_ADDRESS, such as http://127.0.0.1:8265"
        ) from None
