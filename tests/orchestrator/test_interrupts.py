"""Signals to a process that listens to them, in processes of their own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.orchestrator.test_resume import wait_for
from tests.runs import ROOT, TINY, start

# what a command does: work, then what has to be done at the end
PROGRAM = """
import os, signal, sys, time, weakref
from orchestrator import interrupts

class Thing: ...

def in_callback(_):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)

def in_finalizer():
    thing = Thing()
    reference = weakref.ref(thing, in_callback)
    del thing
    return reference

interrupts.listen()
try:
    {work}
    time.sleep(60)
    print("nothing came")
except KeyboardInterrupt:
    print("interrupted", flush=True)
    {ending}
    print("ended", flush=True)
    sys.exit(interrupts.status())
"""
TO_ITSELF = "os.kill(os.getpid(), signal.SIG{})"


def run(work: str, ending: str = "pass") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=work, ending=ending)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("work", "status"),
    [
        (TO_ITSELF.format("INT"), 130),
        (TO_ITSELF.format("TERM"), 143),
        ("reference = in_finalizer()", 143),
    ],
    ids=["SIGINT", "SIGTERM", "SIGTERM in the callback of a weak reference"],
)
def test_a_signal_ends_a_command_wherever_it_comes(work: str, status: int) -> None:
    done = run(work)
    assert (done.stdout, done.stderr) == ("interrupted\nended\n", "")
    assert done.returncode == status


def test_a_second_signal_lets_the_end_come_and_says_so_and_a_third_leaves_at_once() -> None:
    again = TO_ITSELF.format("INT")
    done = run(again, ending=again)
    assert (done.stdout, done.returncode) == ("interrupted\nended\n", 130)
    assert done.stderr.strip() == "ending; once more leaves at once, and what is stored stays"
    left = run(again, ending=f"{again}; {again}; time.sleep(60)")
    assert (left.stdout, left.returncode) == ("interrupted\n", 130)


def test_sigterm_while_ray_starts_ends_with_the_state_of_things_and_143(tmp_path: Path) -> None:
    process = start("run", str(TINY), "--store", str(tmp_path))

    def ray_starts(_store: Path, process: "subprocess.Popen[str]") -> bool:
        import psutil

        names = [p.name() for p in psutil.Process(process.pid).children(recursive=True)]
        return any("gcs_server" in name for name in names)

    wait_for(ray_starts, tmp_path, process)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 143, output
    assert "interrupted: 0 of " in output
    assert "Traceback" not in output
