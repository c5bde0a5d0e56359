"""Every port that a command opens is on loopback; a run's are looked at in test_run.py."""

from pathlib import Path

import numpy as np

from tests.orchestrator.conftest import Swept, watch


def test_a_sweep_listens_on_loopback_only(swept: Swept) -> None:
    assert swept.addresses == {"127.0.0.1"}


def test_shards_of_a_curation_listen_on_loopback_only(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", rows)
    request = ("curate", f"{tmp_path}/x.npy", "--rows=5", "--shards=2", f"--out={tmp_path}/out")
    _, addresses = watch(tmp_path / "log", *request, seconds=0.5)
    assert addresses == {"127.0.0.1"}


def test_an_evaluation_listens_nowhere(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    np.save(tmp_path / "real.npy", rows[:300])
    np.save(tmp_path / "made.npy", rows[300:])
    sets = (f"--real={tmp_path}/real.npy", f"--samples={tmp_path}/made.npy")
    request = ("evaluate", *sets, f"--out={tmp_path}/e.json")
    printed, addresses = watch(tmp_path / "log", *request, seconds=0.1)
    assert "e.json" in printed
    assert not addresses
