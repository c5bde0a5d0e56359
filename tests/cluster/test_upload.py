"""What `ray job submit --working-dir .` sends: the code and the experiments, and little else."""

import zipfile
from pathlib import Path

from ray._private.runtime_env.packaging import create_package

from tests.runs import ROOT

MIB = 1 << 20
NEEDED = {"actors", "orchestrator", "tune_configs", "cluster", "pyproject.toml", "README.md"}


def test_the_upload_is_small_and_holds_what_a_job_needs_alone(tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    create_package(str(ROOT), package, include_gitignore=True, include_parent_dir=False)
    names = zipfile.ZipFile(package).namelist()
    top = {name.partition("/")[0] for name in names}
    assert top == NEEDED
    assert [n for n in names if n.startswith("cluster/") and n != "cluster/"] == [
        "cluster/constraints.txt"
    ]
    assert "orchestrator/__main__.py" in names
    assert not [name for name in names if name.endswith((".pyc", ".db", ".arrow"))]
    # of which all but 50 KiB is code: Ray does not compress it
    assert package.stat().st_size < 1.25 * MIB
