"""Every node is asked whether it has the project and sees the store."""

import subprocess
import sys
from pathlib import Path

import pytest
from ray import cloudpickle

from actors.errors import UserError
from actors.pool.storage import File, Storage
from orchestrator.execution.probe import _make_look, check_nodes

# what runs on a node without the project
WITHOUT = """
import pickle, sys
sys.modules["actors"] = sys.modules["orchestrator"] = None
print(pickle.load(sys.stdin.buffer)("/store", "mark"))
"""


class Elsewhere(Storage):
    """A store that its nodes have another folder for."""

    def write(self, path: str, write: object) -> File:
        return File(path, 0, "")


@pytest.mark.usefixtures("local_ray")
def test_a_store_that_all_nodes_see_is_left_as_it_was(tmp_path: Path) -> None:
    check_nodes(Storage(str(tmp_path)))
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.usefixtures("local_ray")
def test_a_store_that_a_node_does_not_see_is_refused_in_one_line_that_names_both(
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError, match=r"node 127\.0\.0\.1 \([0-9a-f]{8}\): store ") as refused:
        check_nodes(Elsewhere(str(tmp_path)))
    assert f"store '{tmp_path}' does not hold there what was just written" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("local_ray")
def test_a_store_that_a_node_cannot_write_is_refused() -> None:
    # a folder of the kernel that holds a file of any name that is asked for
    look = _make_look()._function
    assert "cannot be written" in look("/proc", "version")


def test_a_node_without_the_project_says_so() -> None:
    whole = cloudpickle.dumps(_make_look()._function)
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT], input=whole, capture_output=True, check=True
    ).stdout.decode()
    assert said.startswith("the project is not there (")
    assert "--working-dir" in said
