"""Alarms that go off in a real run, and a damaged store."""

import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import yaml

from tests.runs import Store, call

ENTROPY = {"measure": "entropy", "threshold": 1e6}
EXPERIMENT: dict[str, Any] = {
    "name": "alarmed",
    "iterations": 3,
    "shard_rows": 32,
    "dataset": {"kind": "digits", "rows": 40, "reference_rows": 80},
    "generators": {
        "a": {
            "kind": "gaussian_mixture",
            "components": 1,
            "covariance": "spherical",
            "sampling": {"rows": 40},
        }
    },
    "selection": {"kind": "random", "ratio": 0.8},
    "evaluation": {"measures": ["dispersion", "frechet", "generalization"], "pictures": False},
    "arms": {
        "calm": {"alarms": {"low": {**ENTROPY, "threshold": -1e6, "action": {"kind": "stop"}}}},
        # long, for the others not to wait for its end
        "without": {"iterations": 6},
        "stopped": {"alarms": {"low": {**ENTROPY, "action": {"kind": "stop"}}}},
        "topped": {"alarms": {"low": {**ENTROPY, "action": {"kind": "top_up", "rows": 7}}}},
        "lowered": {
            "alarms": {"low": {**ENTROPY, "action": {"kind": "lower_ratio", "factor": 0.5}}}
        },
    },
}


@dataclass(frozen=True)
class Alarmed:
    config: Path
    store: Store
    output: str


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory: pytest.TempPathFactory) -> Alarmed:
    folder = tmp_path_factory.mktemp("alarmed")
    config = folder / "alarmed.yaml"
    config.write_text(yaml.safe_dump(EXPERIMENT))
    run = ("run", str(config), "--store", str(folder / "store"))
    done = call(*run, LOKY_MAX_CPU_COUNT="2")  # arms that go on beside each other
    assert done.returncode == 0, done.stdout + done.stderr
    return Alarmed(config, Store(folder / "store"), done.stdout)


def iterations(store: Store, arm: str) -> set[int]:
    return {row["iteration"] for row in store.results() if row["arm"] == arm}


def test_an_alarm_is_told_with_its_cause_and_each_does_what_it_says(alarmed: Alarmed) -> None:
    store = alarmed.store
    (file,) = store.path.glob("experiments/*/outcome.json")
    alarms = json.loads(file.read_text())["alarms"]
    events = [(one["arm"], one["iteration"], one["action"]["kind"]) for one in alarms]
    assert sorted(events) == [
        ("lowered", 1, "lower_ratio"),
        ("lowered", 2, "lower_ratio"),
        ("stopped", 1, "stop"),
        ("topped", 1, "top_up"),
        ("topped", 2, "top_up"),
    ]
    assert "alarm low after iteration 1 of stopped: a: entropy" in alarmed.output
    assert "nats is below 1e+06: stop" in alarmed.output
    assert [iterations(store, arm) for arm in ("calm", "stopped", "topped", "lowered")] == [
        {1, 2, 3},
        {1},
        {1, 2, 3},
        {1, 2, 3},
    ]
    sizes = {
        (row["arm"], row["iteration"]): row["n"]
        for row in store.results()
        if (row["metric"], row["subject"]) == ("entropy", "training_set")
    }
    assert [sizes["calm", i] for i in (1, 2, 3)] == [40, 32, 32]
    assert [sizes["lowered", i] for i in (1, 2, 3)] == [40, 16, 8]  # 0.4 and 0.2 of 40
    assert [sizes["topped", i] for i in (1, 2, 3)] == [40, 38, 38]  # 0.8 of 47
    fresh = pd.concat(
        table.drop(["image"]).to_pandas()
        for table in store.tables("sample").values()
        if table["source"][0].as_py() == "fresh"
    )
    assert Counter(fresh["iteration"]) == {1: 7, 2: 7}


def test_arms_with_alarms_go_on_while_the_others_do(alarmed: Alarmed) -> None:
    lines = [line for line in alarmed.output.splitlines() if line.startswith("[")]
    last = max(n for n, line in enumerate(lines) if re.search(r"iteration \d of .*without", line))
    # a worker that trains for the first time takes longer than all of these steps
    for arm in ("topped", "lowered"):
        first = min(
            n for n, line in enumerate(lines) if re.search(rf"iteration 2 of .*{arm}", line)
        )
        assert first < last


def test_going_on_with_a_run_decides_as_before(alarmed: Alarmed) -> None:
    again = call("run", str(alarmed.config), "--store", str(alarmed.store.path))
    assert again.returncode == 0
    assert "0 to do" in again.stdout
    assert again.stdout.splitlines()[-20:-5] == alarmed.output.splitlines()[-20:-5]


def test_a_damaged_shard_stops_the_run_by_name_or_is_made_again_as_asked(
    alarmed: Alarmed, tmp_path: Path
) -> None:
    path = tmp_path / "store"
    shutil.copytree(alarmed.store.path / "steps", path / "steps")
    shutil.copy(alarmed.store.path / "store.json", path)
    before = {f: f.read_bytes() for f in path.glob("steps/sample/*/*.arrow")}
    # of the first iteration, which all arms share
    (shard, *_) = (f for f, data in before.items() if made_by(data) == ("a", 1))
    shard.write_bytes(before[shard][:-300] + b"\0" * 300)
    # whatever read it is to be done again
    for manifest in path.glob("steps/*/*/step.json"):
        reads_it = str(shard.parent.relative_to(path)) in manifest.read_text()
        if reads_it and manifest.parent != shard.parent:
            shutil.rmtree(manifest.parent)
    left = Store(path).selected_ids()
    config = tmp_path / "damaged.yaml"
    config.write_text(yaml.safe_dump({**EXPERIMENT, "iterations": 2, "arms": {"one": {}}}))
    run = ("run", str(config), "--store", str(path))
    stopped = call(*run)
    assert stopped.returncode == 1
    assert f"{shard.relative_to(path)}: its checksum is not that of what was written" in (
        stopped.stderr
    )
    assert "Traceback" not in stopped.stderr
    redone = call(*run, "--damaged", "redo")
    assert redone.returncode == 0, redone.stderr
    assert "its step is done again" in redone.stdout
    assert {f: f.read_bytes() for f in path.glob("steps/sample/*/*.arrow")} == before
    selected = Store(path).selected_ids()
    assert len(selected) == len(left) + 1
    assert selected.items() <= alarmed.store.selected_ids().items()


def made_by(shard: bytes) -> tuple[str, int]:
    table = pa.ipc.open_file(shard).read_all()
    return table["source"][0].as_py(), table["iteration"][0].as_py()
