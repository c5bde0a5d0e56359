"""The operators' page on machines that are namespaces: Slurm, a closed container."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import MIXTURE, ROOT, Store, environment

SECONDS = 400
APART = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc"]

# a machine of its own: addresses, Ray's folder, and a home without a token
MACHINE = """
set -euo pipefail
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 10.99.0.1/24 dev v0
ip link set v0 up
mkdir -p /tmp/ray
mount -t tmpfs tmpfs /tmp/ray
"""

SLURM = (
    MACHINE
    + """
mkdir "$HOME/bin"
printf '#!/bin/sh\\necho node1\\n' > "$HOME/bin/scontrol"
printf '#!/bin/sh\\necho 10.99.0.1\\n' > "$HOME/bin/hostname"
printf '#!/bin/bash\\nwhile [[ $1 == --* ]]; do shift; done\\nexec "$@"\\n' > "$HOME/bin/srun"
chmod +x "$HOME"/bin/*
export PATH="$HOME/bin:$PATH" SLURM_JOB_NODELIST=node1 SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=1
export SLURM_CPUS_PER_TASK=2
script=$PWD/cluster/slurm.sbatch
cd "$HOME"
run() { PYTHONPATH=$PROJECT bash "$script" run "$EXPERIMENT" --store "$1"; }
run "$STORE" || echo "STATUS $?"
ray get-auth-token --generate
run "$STORE"
run "$STORE" | grep ' to do'
run /proc/none || echo "STATUS $?"
test ! -e "$HOME/.ouroboros-7"
"""
)

# user 1000 without capabilities on a read-only root, with one folder to write in as in the image;
# Python is put where that user sees it, as it may lie below root's own folder
CLOSED = """
set -euo pipefail
ip link set lo up
mount -t tmpfs -o mode=1777 tmpfs /mnt
mkdir -m 777 /mnt/store /mnt/home
prefix=$(python -c 'import sys; print(sys.base_prefix)')
shut=/$(cut -d / -f 2 <<< "$prefix")
if ! setpriv --reuid 1000 --clear-groups test -x "$shut"; then
    mkdir /mnt/python
    mount --bind "$prefix" /mnt/python
    mount -t tmpfs -o mode=755 tmpfs "$shut"
    mkdir -p "$prefix"
    mount --bind /mnt/python "$prefix"
fi
mount --bind / /
for path in $(awk '$2 !~ "^/(proc|dev|sys|mnt$)" { print $2 }' /proc/mounts | sort -u); do
    mount -o remount,bind,ro "$path" 2> /dev/null || true
done
cd "$PROJECT"
exec env HOME=/mnt/home TMPDIR=/mnt/home RAY_TMPDIR=/mnt/home PYTHONDONTWRITEBYTECODE=1 \\
    setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --inh-caps=-all \\
    --no-new-privs bash -c '
        grep CapEff /proc/self/status
        ! touch "$PROJECT/x" 2> /dev/null && ! touch /tmp/x 2> /dev/null || exit 9
        python -m orchestrator run "$EXPERIMENT" --store /mnt/store'
"""


def is_allowed() -> bool:
    """Whether this machine lets us make namespaces and network devices in them."""
    probe = [*APART, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not is_allowed(), reason="needs root, for namespaces"),
]


def on_machines(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a script in namespaces of its own, which end with it."""
    (folder / "home").mkdir()
    (folder / "store").mkdir()
    variables = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "STORE": str(folder / "store"),
        "EXPERIMENT": str(MIXTURE),
        "PROJECT": str(ROOT),
        "RAY_JOB_SUBMIT_HOOK": "orchestrator.execution.submission.check",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    return subprocess.run(
        [*APART, "bash", "-c", script],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_the_slurm_script_runs_resumes_and_fails_with_the_run(tmp_path: Path) -> None:
    done = on_machines(SLURM, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error: no token; make one with" in done.stderr
    assert " 0 to do" in done.stdout
    # without a token, and with a store that cannot be written
    assert done.stdout.count("STATUS 2") == 2
    assert Store(tmp_path / "store").results()


def test_a_run_needs_neither_root_nor_more_than_one_folder_to_write_in(tmp_path: Path) -> None:
    done = on_machines(CLOSED, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CapEff:\t0000000000000000" in done.stdout
    assert "pool: " in done.stdout
