"""The log lines for machines of a run that asked for them."""

import json
import re
from collections import Counter

from tests.orchestrator.conftest import FinishedRun

FIELDS = {"run", "arm", "iteration", "generator", "step", "key", "node", "seconds", "asctime"}


def test_every_task_is_a_line_with_its_run_arm_iteration_step_and_node(
    finished: FinishedRun,
) -> None:
    lines = [json.loads(line) for line in finished.log.read_text(encoding="utf-8").splitlines()]
    ours = [line for line in lines if "step" in line]
    done = [line for line in ours if line["message"] == "done"]
    assert Counter(line["key"] for line in ours if line["message"] == "begun") == Counter(
        line["key"] for line in done
    )
    # with whole steps those of every range, and their closing
    stored = [json.loads(file.read_text()) for file in finished.store.path.rglob("step.json")]
    assert {(line["step"], line["key"]) for line in done} == {(s["kind"], s["key"]) for s in stored}
    files = {s["key"]: len(s["files"]) for s in stored if s["kind"] in ("sample", "embed")}
    ranges = Counter(line["key"] for line in done if "rows" in line)
    assert {key: ranges[key] for key in ranges} == {
        key: number for key, number in files.items() if key in ranges
    }
    (folder,) = finished.store.path.glob("experiments/*")
    assert {line["run"] for line in done} == {folder.name}
    assert {line["arm"] for line in done} == {"vanilla", "greedy", "vanilla,greedy"}
    assert {line["iteration"] for line in done if line["step"] == "train"} == {1, 2}
    assert all(line.keys() >= FIELDS and line["levelname"] == "INFO" for line in done)
    assert all(re.fullmatch(r"127\.0\.0\.1 \([0-9a-f]{8}\)", line["node"]) for line in done)


def test_the_terminal_stays_for_people(finished: FinishedRun) -> None:
    assert "{" not in finished.output
