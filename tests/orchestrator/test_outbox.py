"""Records that go to MLflow beside the work, from many processes, and over outages."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from actors.errors import UserError
from actors.pool.storage import Storage
from orchestrator.tracking import Log, system
from orchestrator.tracking.outbox import Outbox
from orchestrator.tracking.runs import as_metrics, write_metrics
from orchestrator.tracking.server import URI_VARIABLE
from tests.runs import ROOT, environment

WRITER = """
import sys
from functools import partial
from actors.pool.storage import Storage
from orchestrator.tracking.outbox import Outbox
from orchestrator.tracking.runs import Runs, as_metrics, write_metrics
from orchestrator.tracking.server import connect

storage, number = Storage(sys.argv[1]), sys.argv[2]
server = connect(storage)
outbox = Outbox(server.name)
run = Runs(server, outbox, f"writer/{number}").open(f"writer/{number}", number, None, {}, {"a": 1})
for step in range(40):
    points = as_metrics({f"metric_{i}": step + i for i in range(5)}, step)
    outbox.put(partial(write_metrics, server.client, run.info.run_id, points))
sys.exit(outbox.close())
"""


def test_three_processes_write_to_one_sqlite_file_and_no_point_is_lost(tmp_path: Path) -> None:
    sweep = Log(Storage(str(tmp_path)), "key", "sweep", {}, {"a.b": 1})
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(number)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(3)
    ]
    printed = [writer.communicate(timeout=200)[0] for writer in writers]
    sweep.close("finished")
    assert [writer.returncode for writer in writers] == [0] * 3, printed
    assert "".join(printed) == ""
    client = MlflowClient(sweep.uri)
    runs = {run.info.run_name: run for run in client.search_runs([sweep.experiment_id])}
    assert set(runs) == {"sweep", *"012"}
    for number in "012":
        for i in range(5):
            history = client.get_metric_history(runs[number].info.run_id, f"metric_{i}")
            assert [(p.step, p.value) for p in history] == [(s, s + i) for s in range(40)]


class Server:
    """A real `mlflow server` that can be killed and started again on its port and SQLite file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        database = f"sqlite:///{self._folder}/mlflow.db"
        program = str(Path(sys.executable).parent / "mlflow")
        self._process = subprocess.Popen(
            [
                program,
                "server",
                f"--backend-store-uri={database}",
                f"--port={self._port}",
                "--workers=1",
            ],
            cwd=self._folder,
            env=environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers)

    def kill(self) -> None:
        if self._process:
            # its workers too
            os.killpg(self._process.pid, 9)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.uri}/health", timeout=5).ok
        except requests.RequestException:
            return False


def wait_until(holds: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_records_of_an_outage_are_kept_and_sent_in_order_when_the_server_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server = Server(tmp_path)
    monkeypatch.setenv(URI_VARIABLE, server.uri)
    said = ""
    monkeypatch.setattr(system, "INTERVAL_SECONDS", 60)
    monkeypatch.setattr("orchestrator.tracking.outbox.CLOSING_SECONDS", 2.0)

    def has_printed(words: str) -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return bool(re.search(words, said))

    server.start()
    try:
        sweep = Log(Storage(str(tmp_path / "store")), "key", "sweep", {"tag": "x"}, {"a": 1})
        sweep.log_metrics({"loss": 0.0}, 0)
        client = MlflowClient(server.uri)
        wait_until(lambda: bool(client.get_metric_history(sweep.run_id, "loss")))
        server.kill()
        for step in range(1, 50):
            sweep.log_metrics({"loss": float(step)}, step)
        (tmp_path / "report.html").write_text("<p>")
        sweep.log_files(tmp_path / "report.html")
        # all 49 and the file, and what the machine's load adds meanwhile
        wait_until(lambda: has_printed(r"does not answer; training goes on, 5\d records are kept"))
        server.start()
        wait_until(lambda: has_printed(r"is back; 5\d records are sent now"))
        wait_until(lambda: bool(client.list_artifacts(sweep.run_id)))
        # an end without the server: nothing is lost, and the same command sends the rest
        server.kill()
        sweep.log_metrics({"loss": 50.0}, 50)
        sweep.close("finished")
        assert has_printed("Nothing is lost")
        assert has_printed(r": \d records are not there")
        assert said.count("training goes on") == 2
        assert "Traceback" not in said
        server.start()
        again = Log(Storage(str(tmp_path / "store")), "key", "sweep", {"tag": "x"}, {"a": 1})
        assert again.run_id == sweep.run_id
        again.log_metrics({"loss": 50.0}, 50)
        again.close("finished")
        history = client.get_metric_history(sweep.run_id, "loss")
        assert [(point.step, point.value) for point in history] == [(s, s) for s in range(51)]
        assert client.get_run(sweep.run_id).info.status == "FINISHED"
        files = {file.path for file in client.list_artifacts(sweep.run_id)}
        assert files == {"report.html"}
    finally:
        server.kill()


def test_a_record_that_is_written_twice_is_there_once(tmp_path: Path) -> None:
    sweep = Log(Storage(str(tmp_path)), "key", "sweep", {}, {})
    client = MlflowClient(sweep.uri)
    points = as_metrics({"loss": 1.5}, 3)
    for _ in range(2):
        write_metrics(client, sweep.run_id, points)
    assert len(client.get_metric_history(sweep.run_id, "loss")) == 1
    sweep.close("interrupted")
    assert client.get_run(sweep.run_id).info.status == "KILLED"


def test_a_record_that_is_refused_is_told_and_the_next_ones_are_written(
    capfd: pytest.CaptureFixture[str],
) -> None:
    written: list[int] = []

    def refuse() -> None:
        raise MlflowException.invalid_parameter_value("no such\nname")

    outbox = Outbox("the store at x")
    outbox.put(partial(written.append, 1), refuse, refuse, partial(written.append, 2))
    assert outbox.close() == 0
    assert written == [1, 2]
    assert capfd.readouterr().err.count("refused a record") == 1


def closed_port() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


def silent() -> socket.socket:
    listening = closed_port()
    listening.listen()
    return listening


@pytest.mark.parametrize(("address", "cause"), [(closed_port, "connection"), (silent, "5 s")])
def test_a_server_that_does_not_answer_at_the_start_is_an_error_that_says_how_to_run_without(
    address: Callable[[], socket.socket],
    cause: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = threading.active_count()
    with address() as there:
        uri = f"http://me:secret@127.0.0.1:{there.getsockname()[1]}"  # pragma: allowlist secret
        monkeypatch.setenv(URI_VARIABLE, uri)
        with pytest.raises(UserError, match=cause) as error:
            Log(Storage(str(tmp_path)), "key", "sweep", {}, {})
    assert "unset MLFLOW_TRACKING_URI for SQLite beside the pool" in str(error.value)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)
    assert threading.active_count() <= threads  # those of tests before may end meanwhile
