"""Every node is asked whether it has the project and sees the store."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from ray import cloudpickle

from actors.errors import UserError
from actors.pool.format import mark_format
from actors.pool.storage import File, Storage
from orchestrator.execution import cluster, probe
from orchestrator.execution.probe import Newcomers, _make_look, check_nodes

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


@pytest.mark.usefixtures("local_ray")
def test_a_node_that_joins_is_given_work_once_it_sees_the_store_and_is_named_where_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = [str(tmp_path), str(tmp_path / "elsewhere")]
    monkeypatch.setattr(probe, "_in_order", {(uri, "another node") for uri in stores})
    (node,), deadline = cluster.nodes(), time.monotonic() + 60
    mark_format(Storage(stores[0]))
    seeing, blind = (Newcomers(Storage(uri)) for uri in stores)
    while not (seeing.is_fit(node) and blind.notes):
        assert not blind.is_fit(node)
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not seeing.notes
    (note,) = blind.notes
    assert f"node {node.name} joined and is given no work: store '{tmp_path}/elsewhere'" in note


def test_a_node_without_the_project_says_so() -> None:
    whole = cloudpickle.dumps(_make_look()._function)
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT], input=whole, capture_output=True, check=True
    ).stdout.decode()
    assert said.startswith("the project is not there (")
    assert "--working-dir" in said
