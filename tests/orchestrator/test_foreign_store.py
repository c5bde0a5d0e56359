"""A store from elsewhere, whose files name others outside of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

from actors.pool import shards
from actors.pool.manifest import manifest_path
from actors.pool.selections import FILE
from actors.pool.storage import Storage
from orchestrator.cli import main
from orchestrator.outcome import write_outcome
from tests.actors.pool.inspect.stores import Written
from tests.orchestrator.report.samples import run

Captured = pytest.CaptureFixture[str]
RUN = "known-01234567"


class Foreign:
    """A store that was changed, beside a file that is none of its business."""

    def __init__(self, folder: Path) -> None:
        self.canary = folder / "canary.png"
        Image.new("L", (8, 8), 77).save(self.canary)
        self.content = self.canary.read_bytes()
        self.written = Written(Storage(str(folder / "store")))
        self.real = self.written.sample("real", 0, 6)
        self.selected = self.written.select([self.real], [4, 1])
        self.train = self.written.train("ddpm", 1, self.selected)
        self.made = self.written.sample("ddpm", 1, 6, self.train)
        self.written.named(RUN, [self.made])
        outcome = run()
        pictures = {"samples": "../canary.png"}
        outcome = replace(outcome, results=[replace(r, pictures=pictures) for r in outcome.results])
        write_outcome(self.written.storage, f"experiments/{RUN}", outcome)
        self.before = {file.name for file in folder.iterdir()}

    def rewrite(self, path: str, change: Callable[[Any], None]) -> None:
        """Change a JSON file of the store."""
        file = self.written.file(path)
        value = json.loads(file.read_text())
        change(value)
        file.write_text(json.dumps(value))

    def untouched(self) -> bool:
        """Whether what lies beside the store is as it was."""
        here = {file.name for file in self.canary.parent.iterdir()}
        return self.canary.read_bytes() == self.content and here == self.before


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    return Foreign(tmp_path)


def asked(capsys: Captured, foreign: Foreign, *arguments: str) -> tuple[int, str]:
    """Return the exit status of a command on the store, and all that it says."""
    status = main([*arguments, "--store", foreign.written.storage.uri])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return status, said.out + said.err


def name_outside(foreign: Foreign, step: str, in_inputs: bool) -> None:
    def change(manifest: Any) -> None:
        if in_inputs:
            manifest["inputs"] = {"samples": ["../.."]}
        else:
            manifest["files"][0]["path"] = "../canary.png"

    foreign.rewrite(manifest_path(step), change)


COMMANDS = [
    ("ls",),
    ("verify",),
    ("verify", "--remove"),
    ("gc", "--yes"),
    ("lineage", "SAMPLE"),
    ("show", "SAMPLE"),
    ("why", "SAMPLE"),
    ("export", "--source", "ddpm", "--to", "OUT"),
    ("export", "--selection", "SELECTED", "--to", "OUT"),
    ("sql", "select * from pool"),
]


@pytest.mark.parametrize("in_inputs", [False, True])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_reads_writes_or_removes_what_a_manifest_names_outside(
    foreign: Foreign, capsys: Captured, command: tuple[str, ...], in_inputs: bool
) -> None:
    for step in (foreign.made, foreign.selected):
        name_outside(foreign, step, in_inputs)
    words = {
        "SAMPLE": foreign.written.ids(foreign.made)[0],
        "SELECTED": foreign.selected,
        "OUT": str(foreign.canary.with_name("out")),
    }
    status, said = asked(capsys, foreign, "pool", *(words.get(one, one) for one in command))
    assert foreign.untouched()
    assert status or command[0] in ("ls", "sql", "why")
    if command[0] == "verify":
        assert ("'../..'" if in_inputs else "'../canary.png'") in said
        assert "is no path in the store" in said


def test_a_run_that_lists_what_is_no_step_is_told_and_nothing_is_removed(
    foreign: Foreign, capsys: Captured
) -> None:
    foreign.rewrite(f"experiments/{RUN}/steps.json", lambda one: one["steps"].append("../canary"))
    status, said = asked(capsys, foreign, "pool", "gc", "--yes")
    assert status == 2
    assert "steps.json is no list of steps" in said
    assert foreign.untouched()


def test_a_selection_that_leads_outside_is_damaged(foreign: Foreign, capsys: Captured) -> None:
    file = foreign.written.file(f"{foreign.selected}/{FILE}")
    with pa.memory_map(str(file)) as source:
        table = pa.ipc.open_file(source).read_all()
    origin = {"samples": ["../elsewhere"], "features": ["../elsewhere"]}
    table = table.replace_schema_metadata({"candidates": json.dumps(origin)})
    record = shards.write_table(foreign.written.storage, f"{foreign.selected}/{FILE}", table)
    foreign.rewrite(
        manifest_path(foreign.selected), lambda one: one["files"].__setitem__(0, record.as_json())
    )
    status, said = asked(capsys, foreign, "pool", "verify")
    assert status == 1
    assert "'../elsewhere/step.json': is no path in the store" in said
    made = foreign.written.ids(foreign.made)[0]
    status, said = asked(capsys, foreign, "pool", "lineage", made)
    assert status
    assert "../elsewhere is not in the store" in said
    assert foreign.untouched()


def test_no_file_is_named_by_an_id_with_a_path(foreign: Foreign, capsys: Captured) -> None:
    file = foreign.written.file(f"{foreign.made}/rows-000000000.arrow")
    with pa.memory_map(str(file)) as source:
        table = pa.ipc.open_file(source).read_all()
    ids = pa.array(["../../canary"] * table.num_rows, pa.large_string())
    table = table.set_column(table.schema.get_field_index("sample_id"), "sample_id", ids)
    record = shards.write_table(
        foreign.written.storage, str(file.relative_to(foreign.written.file(""))), table
    )
    foreign.rewrite(
        manifest_path(foreign.made), lambda one: one["files"].__setitem__(0, record.as_json())
    )
    out = str(foreign.canary.with_name("out"))
    status, said = asked(capsys, foreign, "pool", "export", "--source", "ddpm", "--to", out)
    assert status == 1
    assert "'../../canary': is no id of a sample" in said
    assert foreign.untouched()


def test_a_report_embeds_nothing_from_outside(foreign: Foreign, capsys: Captured) -> None:
    out = str(foreign.canary.with_name("report.html"))
    status, said = asked(capsys, foreign, "report", "known", "--out", out)
    assert status == 1
    assert "'../canary.png': is no path in the store" in said
    assert foreign.untouched()


def test_a_step_behind_a_link_is_not_removed(foreign: Foreign, capsys: Captured) -> None:
    step = foreign.written.file(foreign.made)
    elsewhere = step.rename(foreign.canary.with_name("elsewhere"))
    step.symlink_to(elsewhere)
    foreign.written.named(RUN, [])
    files = sorted(file.name for file in elsewhere.iterdir())
    for command in (("gc", "--yes"), ("verify", "--remove")):
        status, said = asked(capsys, foreign, "pool", *command)
        assert status
    assert "a link leads out of the store" in said
    assert sorted(file.name for file in elsewhere.iterdir()) == files
