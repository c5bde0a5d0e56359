import math
from pathlib import Path

import pytest

from actors.features import memory
from actors.features.limits import memory_left


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


def v2(group: str, limit: str, used: int = 300, inactive: int = 50) -> dict[str, str]:
    return {
        f"sys/fs/cgroup/{group}memory.max": limit,
        f"sys/fs/cgroup/{group}memory.current": str(used),
        f"sys/fs/cgroup/{group}memory.stat": f"anon 200\ninactive_file {inactive}",
    }


def v1(group: str, limit: int) -> dict[str, str]:
    return {
        f"sys/fs/cgroup/memory/{group}memory.limit_in_bytes": str(limit),
        f"sys/fs/cgroup/memory/{group}memory.usage_in_bytes": "300",
        f"sys/fs/cgroup/memory/{group}memory.stat": "inactive_file 1\ntotal_inactive_file 50",
    }


def test_a_limit_leaves_what_is_not_used_or_can_be_given_back(tmp_path: Path) -> None:
    assert memory_left(tree(tmp_path / "two", v2("", "1000"))) == 750
    one = v1("", 1000) | {"proc/self/cgroup": "4:memory:/"}
    assert memory_left(tree(tmp_path / "one", one)) == 750


def test_nothing_is_left_past_a_limit(tmp_path: Path) -> None:
    assert memory_left(tree(tmp_path, v2("", "200"))) == 0


@pytest.mark.parametrize(
    "files",
    [
        {},
        v2("", "max"),
        {"sys/fs/cgroup/memory.max": "1000"},
        {"proc/self/cgroup": "0::/user.slice"},
        v1("", 10) | {"proc/self/cgroup": "1:cpu:/\n0::/"},
    ],
)
def test_max_and_absent_files_mean_no_limit(files: dict[str, str], tmp_path: Path) -> None:
    assert memory_left(tree(tmp_path, files)) == math.inf


def test_the_tightest_of_the_groups_around_a_process_counts(tmp_path: Path) -> None:
    job = {"proc/self/cgroup": "0::/slurm/job_7/step_0"}
    groups = v2("slurm/job_7/step_0/", "max") | v2("slurm/job_7/", "900") | v2("slurm/", "9000")
    assert memory_left(tree(tmp_path / "two", job | groups)) == 650
    job = {"proc/self/cgroup": "9:cpu:/a\n4:memory:/slurm/job_7\n0::/"}
    assert memory_left(tree(tmp_path / "one", job | v1("slurm/job_7/", 700) | v1("", 2**63))) == 450


def test_a_container_that_is_told_the_path_of_the_host_finds_its_limit(tmp_path: Path) -> None:
    told = {"proc/self/cgroup": "4:memory:/docker/3fa9"}
    assert memory_left(tree(tmp_path, told | v1("", 1000))) == 750


def test_available_memory_is_the_smaller_of_the_machine_s_and_the_limit_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "memory_left", lambda: 4096.0)
    assert memory.available_memory() == 4096
    monkeypatch.setattr(memory, "memory_left", lambda: math.inf)
    assert 4096 < memory.available_memory() < 2**63
