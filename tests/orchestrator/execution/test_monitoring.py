"""What Ray's own Prometheus agent tells of a run, as a Prometheus server would read it."""

import json
import re
import time
import urllib.request
from collections import Counter, deque
from pathlib import Path

import pytest
import ray

from actors.pool.manifest import read_step
from actors.pool.storage import Storage
from orchestrator.execution.execute import execute
from orchestrator.planning import make_plan
from tests import s3
from tests.orchestrator.execution.test_executor import MODEL, executor, experiment
from tests.runs import ROOT

pytestmark = pytest.mark.usefixtures("local_ray")
SECONDS = 60
COUNT = "ray_ouroboros_step_seconds_count"
SAMPLE = re.compile(r"(?P<name>\w+)\{(?P<labels>.*)\} (?P<value>\S+)")


def scrape(address: str) -> list[tuple[str, dict[str, str], float]]:
    """Return every sample of our metrics: its name, labels and value."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    matches = [SAMPLE.fullmatch(line) for line in text.splitlines() if "_ouroboros_" in line]
    return [
        (
            found["name"],
            dict(re.findall(r'(\w+)="([^"]*)"', found["labels"])),
            float(found["value"]),
        )
        for found in matches
        if found
    ]


def test_prometheus_reads_how_many_steps_were_done_and_all_that_the_dashboard_asks_for(
    tmp_path: Path,
) -> None:
    # a name of its own, as the tests before count in the same process
    plan = make_plan(experiment(tmp_path, 0, generators={"watched": MODEL}))
    watched = [path for path, step in plan.steps.items() if step.generator == "watched"]
    with s3.serve() as bucket:
        remote = Storage(bucket.uri())
        remote.write("file", lambda file: file.write_text("x", encoding="utf-8"))
        for _ in range(3):
            remote.local("file")
    with executor(tmp_path) as one:
        for _ in execute(deque(plan.steps.values()), one):
            pass
        (node,) = ray.nodes()
        address = f"{node['NodeManagerAddress']}:{node['MetricsExportPort']}"
        storage = Storage(str(tmp_path))
        expected = Counter(read_step(storage, path).kind for path in watched)
        deadline, counted = time.monotonic() + SECONDS, Counter[str]()
        while counted != expected and time.monotonic() < deadline:
            time.sleep(1)
            samples, counted = scrape(address), Counter[str]()
            for name, labels, value in samples:
                if (name, labels.get("generator")) == (COUNT, "watched"):
                    counted[labels["kind"]] += int(value)
    assert counted == expected
    rows = {s[1]["generator"]: s[2] for s in samples if s[0] == "ray_ouroboros_rows_total"}
    assert rows["watched"] == 2 * 32
    reads = {s[1]["result"]: s[2] for s in samples if s[0] == "ray_ouroboros_cache_reads_total"}
    assert reads == {"miss": 1, "hit": 2}
    text = (ROOT / "cluster" / "grafana.json").read_text(encoding="utf-8")
    asked = {
        name
        for panel in json.loads(text)["panels"]
        for target in panel["targets"]
        for name in re.findall(r"ray_ouroboros_\w+", target["expr"])
    }
    # there is no sample of deaths before somebody died
    assert asked - {name for name, _, _ in samples} <= {"ray_ouroboros_worker_deaths_total"}
