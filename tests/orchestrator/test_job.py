"""The loop as a Ray job on a head that is up before it."""

import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml
from mlflow import MlflowClient

from tests.runs import ROOT, SECONDS, environment

Done = subprocess.CompletedProcess[str]
RAY = str(Path(sys.executable).parent / "ray")
# of generators that train in no time
EXPERIMENT = {
    "name": "job",
    "iterations": 2,
    "dataset": {"kind": "digits", "rows": 40, "reference_rows": 80},
    "generators": {
        "a": {
            "kind": "gaussian_mixture",
            "components": 1,
            "covariance": "spherical",
            "sampling": {"rows": 40},
        }
    },
    "selection": {"kind": "greedy", "ratio": 0.5},
    "evaluation": {"measures": ["dispersion", "frechet", "generalization"], "pictures": False},
    "arms": {"vanilla": {"selection": {"kind": "random"}}, "greedy": {}},
}


def free_ports(number: int) -> list[str]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def head() -> Iterator[dict[str, str]]:
    """A head on loopback with token authentication; gives the environment of its clients."""
    port, dashboard, client, agent = free_ports(4)
    # a short path: Ray puts sockets below it
    folder = tempfile.mkdtemp(prefix="ray-")
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    variables = environment(RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_USAGE_STATS_ENABLED="0")
    process = subprocess.Popen(
        [
            RAY,
            "start",
            "--head",
            "--block",
            "--node-ip-address=127.0.0.1",
            f"--port={port}",
            "--dashboard-host=127.0.0.1",
            f"--dashboard-port={dashboard}",
            "--num-cpus=1",
            f"--ray-client-server-port={client}",
            f"--dashboard-agent-listen-port={agent}",
            f"--temp-dir={folder}",
        ],
        env=variables | token,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    api = f"http://127.0.0.1:{dashboard}"
    try:
        # the agent is what takes jobs; another Ray of this machine may have its usual port
        for url in (f"{api}/api/version", f"http://127.0.0.1:{agent}/api/local_raylet_healthz"):
            wait_until_up(url, token["RAY_AUTH_TOKEN"], process)
        yield {**token, "RAY_API_SERVER_ADDRESS": api}
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_up(url: str, token: str, process: "subprocess.Popen[bytes]") -> None:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the head ended"
        try:
            urllib.request.urlopen(request, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail("the head did not come up")


def submit(head: dict[str, str], *entrypoint: str, **variables: str) -> Done:
    """Submit a job as the operators' page does."""
    return finish([RAY, "job", "submit", "--working-dir", ".", "--", *entrypoint], head, variables)


def finish(line: list[str], head: dict[str, str], variables: dict[str, str]) -> Done:
    hook = {"RAY_JOB_SUBMIT_HOOK": "orchestrator.execution.submission.check"}
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        line,
        cwd=ROOT,
        env=environment(**head | hook | path | variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_a_submitted_job_runs_the_experiment_and_its_runs_are_in_mlflow_with_what_resumes_it(
    head: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "job.yaml"
    config.write_text(yaml.safe_dump({**EXPERIMENT, "store": str(tmp_path / "store")}))
    command = [sys.executable, "-m", "orchestrator", "run", str(config)]
    submitted = submit(head, *command)
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    assert "one seed, no verdict" in submitted.stdout
    client = MlflowClient(f"sqlite:///{tmp_path}/store/mlflow.db")
    experiment = client.get_experiment_by_name("ouroboros")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"job", "vanilla", "greedy", "a"}
    for arm in ("vanilla", "greedy"):
        history = client.get_metric_history(runs[arm].info.run_id, "a/generalization_score")
        assert [point.step for point in history] == [1, 2]
        assert runs[arm].info.status == "FINISHED"
    line = runs["job"].data.tags["command"]
    assert line == f"ray job submit --working-dir . -- {shlex.join(command)}"
    resumed = finish(["sh", "-c", line], head, {})
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert re.search(r"job: (\d+) steps, \1 done before, 0 to do", resumed.stdout)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"RAY_AUTH_MODE": "disabled"}, "wants a token, and was given none; set RAY_AUTH_MODE"),
        ({"RAY_AUTH_TOKEN": "0" * 64}, "wants a token, and the one that it was given is not its"),
    ],
)
def test_a_submission_without_the_token_is_refused_in_one_line(
    variables: dict[str, str], said: str, head: dict[str, str]
) -> None:
    refused = submit(head, sys.executable, "-m", "orchestrator", "run", "a.yaml", **variables)
    assert refused.returncode == 1
    (line,) = (refused.stdout + refused.stderr).splitlines()
    assert line.startswith(f"error: {head['RAY_API_SERVER_ADDRESS']} {said}")
