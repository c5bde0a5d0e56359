"""Running the command as a user would: in a process of its own, with a Ray of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "tiny.yaml"
MIXTURE = ROOT / "tests" / "mixture.yaml"
SECONDS = 300


def command(*arguments: str) -> list[str]:
    """Return the command line of `python -m orchestrator ...`."""
    return [sys.executable, "-m", "orchestrator", *arguments]


def environment(cpus: int = 1, /, **variables: str) -> dict[str, str]:
    """Return this environment without what would make a run join a cluster or a server.

    Args:
        cpus: that a run finds on this machine, each of which has a worker; starting one takes
            longer than all the steps of a tiny experiment.
    """
    left_out = ("RAY_ADDRESS", "MLFLOW_TRACKING_URI", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER")
    kept = {k: v for k, v in os.environ.items() if k not in left_out}
    return {**kept, "LOKY_MAX_CPU_COUNT": str(cpus), **variables}


def installed(program: str) -> str:
    """Return the path of a program that a package has put beside this interpreter."""
    found = shutil.which(program, path=str(Path(sys.executable).parent))
    assert found, f"{program} is a program of one of the packages of [test]"
    return found


def call(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return finish(command(*arguments), variables=variables)


def finish(
    arguments: list[str], *, seconds: float = SECONDS, variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run any program to its end."""
    return subprocess.run(
        arguments,
        cwd=ROOT,
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def start(
    *arguments: str,
    cpus: int = 1,
    output: int | IO[str] = subprocess.PIPE,
    **variables: str,
) -> "subprocess.Popen[str]":
    """Start the command, its errors among its output."""
    return subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        env=environment(cpus, **variables),
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


@dataclass(frozen=True)
class Store:
    """What a run left in its store."""

    path: Path

    def results(self) -> list[dict[str, Any]]:
        """Return every measure of the one experiment in it."""
        (file,) = self.path.glob("experiments/*/results.parquet")
        found: list[dict[str, Any]] = pq.read_table(file).to_pylist()
        return found

    def tables(self, kind: str, files: str = "*.arrow") -> dict[str, pa.Table]:
        """Return the Arrow files of a kind of step by path, finished or not; all must be whole."""
        return {
            str(file.relative_to(self.path)): read(file)
            for file in sorted(self.path.glob(f"steps/{kind}/*/{files}"))
        }

    def finished(self, kind: str) -> set[str]:
        """Return the keys of the finished steps of a kind."""
        return {file.parent.name for file in self.path.glob(f"steps/{kind}/*/step.json")}

    def selected_ids(self) -> dict[str, list[str]]:
        """Return the selected ids by select step."""
        return {
            path: table["sample_id"].to_pylist()
            for path, table in self.tables("select", "selection.arrow").items()
        }


def read(file: Path) -> pa.Table:
    """Read an Arrow file."""
    with pa.memory_map(str(file)) as source:
        return pa.ipc.open_file(source).read_all()
