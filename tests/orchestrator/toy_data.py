"""A data set that only a test knows: `python -m tests.orchestrator.toy_data FOLDER` uses it."""

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.data import REAL_DATA
from actors.data.dataset import RealData, Source, source_of_arrays
from actors.data.files import LocalPath, hash_files
from actors.data.images import Header
from actors.pool import shards
from actors.pool.step import Step
from actors.pool.storage import Storage
from actors.workers import real
from tests.runs import MIXTURE


class Toy(RealData):
    """Grey images in a .npy file, labelled 0, 1, 2, 0, 1, 2 and so on."""

    EXECUTION: ClassVar[frozenset[str]] = frozenset({"folder"})

    kind: Literal["toy"] = "toy"
    folder: LocalPath = Field(description="where images.npy lies")
    inverted: bool = Field(False, description="black for white")

    def open(self) -> Source:
        images = np.load(f"{self.folder}/images.npy", allow_pickle=False)
        images = 255 - images if self.inverted else images
        labels = np.arange(len(images)) % 3
        height, width = images.shape[1:]
        digest = hash_files(self.folder, ["images.npy"])
        return source_of_arrays(
            lambda: (images, labels), len(images), Header(width, height, 1), 3, digest
        )


def use(folder: Path) -> dict[str, Any]:
    """Register the set, and return what validation, help, plan and pool make of it."""
    REAL_DATA["toy"] = Toy
    # the schema is made of the registry when it is imported
    from orchestrator import cli, config, declarations, fields
    from orchestrator.planning import make_plan

    declarations.FIELDS = folder / "fields.json"
    declarations.FIELDS.write_text(json.dumps(fields.every_schema()))
    listed = io.StringIO()
    with contextlib.redirect_stdout(listed), contextlib.suppress(SystemExit):
        cli.main(["run", "--help"])

    def planned(where: str, **options: Any) -> list[Step]:
        dataset = {"kind": "toy", "folder": str(folder / where), "rows": 20, "reference_rows": 9}
        experiment = config.load(str(MIXTURE), [("dataset", {**dataset, **options})])
        steps = [one.step for one in make_plan(experiment).steps.values()]
        return [step for step in steps if step.room == "pool"]

    storage, steps = Storage(str(folder / "store")), planned("here")
    rows: dict[str, Any] = {}
    for step in steps:
        records = real.write(storage, step, lambda share, note: None)
        tables = [shards.read_table(storage, record.path) for record in records]
        rows[step.config["split"]] = {
            "images": np.concatenate([shards.tensor(one, "image") for one in tables]).tolist(),
            "labels": [label for one in tables for label in one["label"].to_pylist()],
        }
    return {
        "help": listed.getvalue(),
        "fields": json.loads(declarations.FIELDS.read_text())["experiment"],
        "configs": [step.config["dataset"] for step in steps],
        "paths": [step.path for step in steps],
        "paths_when_moved": [step.path for step in planned("there")],
        "paths_when_inverted": [step.path for step in planned("here", inverted=True)],
        "seed": steps[0].seed,
        "rows": rows,
    }


if __name__ == "__main__":
    json.dump(use(Path(sys.argv[1])), sys.stdout)
