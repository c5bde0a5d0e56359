"""A metric is a file and a line of the registry: with no more than those it is everywhere."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from actors.errors import UserError
from actors.metrics.groups import GROUPS
from orchestrator.alarms import Alarm
from orchestrator.sweep.config import load
from orchestrator.sweep.equal_rows import on_equal_rows
from tests.actors.metrics.toy import TOY
from tests.orchestrator.conftest import runs_of
from tests.runs import Store, finish

COMMAND = "import sys; from tests.actors.metrics.toy import main; sys.exit(main())"
EXPERIMENT: dict[str, Any] = {
    "name": "glowing",
    "iterations": 2,
    "dataset": {"kind": "digits", "rows": 40, "reference_rows": 40},
    "generators": {
        "a": {
            "kind": "gaussian_mixture",
            "components": 1,
            "covariance": "spherical",
            "sampling": {"rows": 40},
        }
    },
    "selection": {"kind": "random", "ratio": 0.5},
    "evaluation": {"measures": ["dispersion", "frechet", "toy"]},
}
ALARM = {"measure": "mean_glow", "threshold": 1, "action": {"kind": "top_up", "rows": 5}}


@dataclass(frozen=True)
class Finished:
    store: Store
    output: str

    def expected(self) -> list[float]:
        """Return the mean of the samples' pixels, black -1 and white 1, by iteration."""
        tables = [t for t in self.store.tables("sample").values() if t["source"][0].as_py() == "a"]
        tables.sort(key=lambda table: table["iteration"][0].as_py())
        return [
            float(np.mean(table["image"].combine_chunks().to_numpy_ndarray() / 127.5 - 1))
            for table in tables
        ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(yaml.safe_dump({**EXPERIMENT, "alarms": {"dim": ALARM}}))
    run = ("run", str(folder / "toy.yaml"), "--store", str(folder / "store"))
    done = finish([sys.executable, "-c", COMMAND, *run])
    assert done.returncode == 0, done.stdout + done.stderr
    return Finished(Store(folder / "store"), done.stdout)


def test_its_values_are_among_the_results_and_in_the_closing_table(finished: Finished) -> None:
    found = [row for row in finished.store.results() if row["metric"] == "mean_glow"]
    assert [row["value"] for row in found] == pytest.approx(finished.expected(), rel=1e-5)
    assert {row["unit"] for row in found} == {"halves of white"}
    assert "glow: mean of the samples' pixels." in finished.output
    closing, _, _ = finished.output.partition("glow: mean")
    cells = [line.split("│") for line in closing.splitlines() if "│ main" in line]
    assert [row[-2].strip() for row in cells] == [f"{v:.2f}" for v in finished.expected()]


def test_it_is_in_mlflow(finished: Finished) -> None:
    last = finished.expected()[-1]
    metrics = [run.data.metrics for run in runs_of(finished.store.path).values()]
    assert [found["a/mean_glow"] for found in metrics if "a/mean_glow" in found] == [
        pytest.approx(last)
    ]
    assert [found["mean_glow"] for found in metrics if "mean_glow" in found] == [
        pytest.approx(last)
    ]


def test_it_is_among_the_first_of_the_report(finished: Finished) -> None:
    (page,) = finished.store.path.glob("experiments/*/report.html")
    report = page.read_text()
    first = report.index("Over the iterations")
    assert first < report.index("Mean glow") < report.index("Every other measure")
    assert "higher is brighter" in report
    assert "<th>glow (halves of white)</th>" in report


def test_an_alarm_watches_it_and_refuses_what_has_no_good_way(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = finished.store.path.glob("experiments/*/outcome.json")
    glow = finished.expected()[0]
    assert [one["cause"] for one in json.loads(file.read_text())["alarms"]] == [
        f"a: mean_glow {glow:.4g} halves of white is below 1"
    ]
    with pytest.raises(ValueError, match=r"allowed are entropy, .*, authenticity \["):
        Alarm.model_validate({**ALARM, "measure": "variance"})
    with pytest.raises(ValueError, match="no metric that can be watched"):
        Alarm.model_validate(ALARM)
    monkeypatch.setitem(GROUPS, "toy", TOY)
    Alarm.model_validate(ALARM)


def test_it_is_an_objective(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sweep.yaml"
    sweep = {
        "name": "glow",
        "experiment": EXPERIMENT,
        "space": {"selection.ratio": [0.25, 0.5]},
        "objectives": {"mean_glow": "max"},
    }
    file.write_text(yaml.safe_dump(sweep))
    with pytest.raises(UserError, match="found 'toy'; no group of measures"):
        load(str(file), [])
    monkeypatch.setitem(GROUPS, "toy", TOY)
    found = on_equal_rows(load(str(file), []))
    assert found.objectives == {"mean_glow": "max"}
    wrong = found.model_copy(update={"objectives": {"mean_gloom": "max"}})
    with pytest.raises(UserError, match=r"objectives\.mean_gloom: no measure; allowed are .*_glow"):
        on_equal_rows(wrong)
