"""What `ray job submit --working-dir .` sends: the code and the experiments, and little else."""

import zipfile
from pathlib import Path

import pytest
from ray._private.runtime_env import packaging

from orchestrator.execution.submission import compress_uploads
from tests.runs import ROOT

MIB = 1 << 20
NEEDED = {"actors", "orchestrator", "tune_configs", "cluster", "pyproject.toml", "README.md"}


def packed(path: Path) -> Path:
    """Return the package that Ray makes of the project."""
    packaging.create_package(str(ROOT), path, include_gitignore=True, include_parent_dir=False)
    return path


def test_the_upload_is_small_and_holds_what_a_job_needs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = packed(tmp_path / "plain.zip")
    monkeypatch.setattr(packaging, "ZipFile", zipfile.ZipFile)
    compress_uploads()
    package = packed(tmp_path / "package.zip")
    assert package.stat().st_size < MIB
    # nodes unpack the same of both
    for path in (plain, package):
        target = str(path.with_suffix(""))
        packaging.unzip_package(
            str(path), target, remove_top_level_directory=False, unlink_zip=False
        )
    files = contents(tmp_path / "package")
    assert files == contents(tmp_path / "plain")
    names = {str(path) for path in files}
    assert {name.partition("/")[0] for name in names} == NEEDED
    assert [n for n in names if n.startswith("cluster/")] == ["cluster/constraints.txt"]
    assert "orchestrator/__main__.py" in names
    assert not [name for name in names if name.endswith((".pyc", ".db", ".arrow"))]


def contents(folder: Path) -> dict[Path, bytes]:
    """Return the bytes of every file below a folder, by relative path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder): path.read_bytes() for path in files}
