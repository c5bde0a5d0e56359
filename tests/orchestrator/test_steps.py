from pathlib import Path
from typing import Any

from orchestrator import config, steps
from tests.actors.pool.real.fixtures import noise, png, write
from tests.orchestrator.test_config import DIGITS


def key(path: Path, split: str = "train", **fields: Any) -> str:
    dataset = {"kind": "image_folder", "path": str(path), "rows": 128, "reference_rows": 8}
    experiment = config.load(str(DIGITS), [("dataset", {**dataset, **fields})])
    return steps.real_data(experiment, split).key


def folder(path: Path, first: int = 0) -> Path:
    for i in range(140):
        write(path / f"{i}.png", png(noise(i if i else first, 8, 8, 1)))
    return path


def test_real_data_is_told_apart_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    one, moved = folder(tmp_path / "one"), folder(tmp_path / "two")
    changed = folder(tmp_path / "three", first=999)
    assert key(one) == key(moved)
    assert key(one) != key(changed)
    assert key(one) != key(one, "reference")


def test_holding_rows_back_for_later_changes_the_fresh_rows_alone(tmp_path: Path) -> None:
    path = folder(tmp_path / "one")
    for split in ("train", "reference"):
        assert key(path, split, fresh_rows=4) == key(path, split)
    assert key(path, "fresh", fresh_rows=4) != key(path, "fresh", fresh_rows=3)
