"""The operators' page walked through on machines that are namespaces, of which some lose power.

    unshare --net --mount --pid --fork --mount-proc python -m tests.cluster.walk FOLDER

FOLDER is where the shared store lies, and the home with the token.
"""

import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.cluster.test_page import BLOCKS
from tests.runs import ROOT

EXPERIMENT = ROOT / "tests" / "cluster" / "walk.yaml"
HEAD = "10.99.0.1"
KINDS = ("train", "sample", "embed", "select", "evaluate")
SECONDS = 300

NETWORK = f"""
set -e
mount -t tmpfs tmpfs /tmp/ray
ip link set lo up
ip link add bridge type bridge
ip addr add {HEAD}/24 dev bridge
ip link set bridge up
"""
CABLE = """
set -e
ip link add {name} type veth peer name {name}b
ip link set {name} master bridge up
ip link set {name}b netns {process} name eth0
"""
MACHINE = """
set -e
mount -t tmpfs tmpfs /tmp/ray
{mount}
echo up
until ip link show eth0 > /dev/null 2>&1; do sleep 0.05; done
ip link set lo up
ip addr add {address}/24 dev eth0
ip link set eth0 up
exec ray start --address={head}:6379 --node-ip-address={address} --num-cpus=1 --block
"""


class Machine:
    """A machine of one CPU that joins the cluster; `blind`: it has another folder as the store."""

    def __init__(self, number: int, store: Path, *, blind: bool = False) -> None:
        address = f"10.99.0.{number}"
        mount = f"mount -t tmpfs tmpfs {store}" if blind else ""
        script = MACHINE.format(address=address, head=HEAD, mount=mount)
        apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._process = subprocess.Popen(
            [*apart, "bash", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd="/",
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "up\n"
        shell(CABLE.format(name=f"v{number}", process=self._process.pid))

    def doing(self) -> list[str]:
        """Return the names of the steps that workers there do."""
        with suppress(psutil.Error):
            processes = psutil.Process(self._process.pid).children(recursive=True)
            titles = (" ".join(process.cmdline()) for process in processes)
            return [title.partition(": ")[2] for title in titles if "ray::Worker: " in title]
        return []

    def cut(self) -> None:
        """Cut its power."""
        self._process.kill()
        self._process.wait()

    def see(self, store: Path) -> None:
        """Let it see the store."""
        (init,) = psutil.Process(self._process.pid).children()
        enter = ["nsenter", "--target", str(init.pid), "--mount"]
        subprocess.run([*enter, "umount", str(store)], check=True)


def shell(script: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Have bash run a script in the project's root."""
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=check, cwd=ROOT
    )


def printed(begins: str, **given: str) -> str:
    """Return the line of the page that begins so, with our own in the place of its examples."""
    lines = [line.removeprefix(".venv/bin/") for block in BLOCKS for line in block.splitlines()]
    line = next(line for line in lines if line.startswith(begins)).partition("    #")[0].rstrip()
    for name, value in given.items():
        assert name in line, line
        line = line.replace(name, value)
    return line


def as_printed(line: str) -> str:
    """Return a line of the page that speaks to the API server, behind what the page has first."""
    first = [printed("export RAY_API_SERVER_ADDRESS"), printed("export RAY_JOB_SUBMIT_HOOK")]
    return "; ".join([*first, line])


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


class Walk:
    """The walk: a head, machines, and a job on a store that they share."""

    def __init__(self, folder: Path) -> None:
        self._begun, self._store, self._log = time.monotonic(), folder / "store", folder / "log"
        Path("/tmp/ray").mkdir(exist_ok=True)
        shell(NETWORK)
        shell("; ".join([printed("ray get-auth-token"), printed("chmod")]))
        os.environ["RAY_AUTH_MODE"] = "token"
        # these machines are apart from all others
        del os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"]
        options = f"--port=6379 --dashboard-host=127.0.0.1 --node-ip-address={HEAD} --num-cpus=0"
        shell(f"ray start --head {options}")
        self._machines: list[Machine] = []
        self._numbers = itertools.count(2)
        self._left = list(KINDS)
        self._add()

    def submit(self) -> "subprocess.Popen[str]":
        """Submit, first while one machine has another folder where the store is."""
        blind = self._add(blind=True)
        wait_until(lambda: shell("ray status", check=False).stdout.count(" node_") >= 3, "nodes")
        ours = {"tune_configs/digits.yaml": str(EXPERIMENT), "/shared/runs": str(self._store)}
        line = as_printed(printed("ray job submit", **ours))
        refused = shell(line, check=False)
        assert refused.returncode, refused.stdout
        self._say(next(said for said in refused.stdout.splitlines() if said.startswith("error:")))
        blind.see(self._store)
        with self._log.open("w") as output:
            return subprocess.Popen(
                ["bash", "-c", line], stdout=output, stderr=output, cwd=ROOT, text=True
            )

    def strike(self, job: "subprocess.Popen[str]") -> None:
        """Cut the power of a machine in each kind of step; another comes each time."""
        while self._left:

            def strikes() -> bool:
                assert job.poll() is None, self._log.read_text()
                return any(self._strikes(machine) for machine in self._machines)

            wait_until(strikes, f"a step of {self._left}")
            # what is left goes on alone until the next has come
            wait_until(lambda: bool(self._machines[-1].doing()), "work on the machine that came")
        added = self._add()
        wait_until(lambda: bool(added.doing()), "work on a third machine")
        self._say("a third machine works")

    def resubmit(self, job: "subprocess.Popen[str]") -> str:
        """Stop the job and submit it again as it says; return what that prints."""
        listed = shell(as_printed(printed("ray job list"))).stdout
        (running,) = (part for part in listed.split("JobDetails(") if "RUNNING" in part)
        found = re.search(r"submission_id='(\w+)'", running)
        assert found
        shell(as_printed(printed("ray job stop", ID=found[1])))
        job.wait(SECONDS)
        status = shell(as_printed(printed("ray job status", ID=found[1])))
        assert "was stopped" in status.stdout, status
        logs = shell(as_printed(printed("ray job logs", ID=found[1]))).stdout
        line = logs.partition("resume with:\n")[2].splitlines()[0].strip()
        self._say(f"stopped; resume with: {line}")
        again = shell(as_printed(line), check=False)
        assert again.returncode == 0, again.stdout + again.stderr
        self._say("finished")
        return again.stdout

    def _strikes(self, machine: Machine) -> bool:
        names = [name.partition(" ")[0].strip(",") for name in machine.doing()]
        for kind in self._left:
            if kind in names or (kind == "select" and "order" in names):
                machine.cut()
                self._say(f"a machine lost its power in {kind}")
                self._machines.remove(machine)
                self._left.remove(kind)
                self._add()
                return True
        return False

    def _add(self, *, blind: bool = False) -> Machine:
        self._machines.append(Machine(next(self._numbers), self._store, blind=blind))
        return self._machines[-1]

    def _say(self, line: str) -> None:
        print(f"{time.monotonic() - self._begun:6.1f} s  {line}", flush=True)


if __name__ == "__main__":
    walk = Walk(Path(sys.argv[1]))
    submitted = walk.submit()
    walk.strike(submitted)
    print(walk.resubmit(submitted))
