from pathlib import Path

from orchestrator import config, steps
from tests.actors.data.image_files import encoded, noise, write
from tests.orchestrator.test_config import TWO_ARMS


def key(path: Path, split: str = "train") -> str:
    dataset = {"kind": "image_folder", "path": str(path), "rows": 128, "reference_rows": 8}
    experiment = config.load(str(TWO_ARMS), [("dataset", dataset)])
    return steps.real_data(experiment, split).key


def folder(path: Path, first: int = 0) -> Path:
    for i in range(140):
        write(path / f"{i}.png", encoded(noise(i if i else first, 8, 8, 1)))
    return path


def test_real_data_is_told_apart_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    one, moved = folder(tmp_path / "one"), folder(tmp_path / "two")
    changed = folder(tmp_path / "three", first=999)
    assert key(one) == key(moved)
    assert key(one) != key(changed)
    assert key(one) != key(one, "reference")


def test_fresh_rows_of_an_iteration_are_told_apart_and_leave_the_other_rows_alone() -> None:
    experiment = config.load(str(TWO_ARMS), [("dataset.reference_rows", 64), ("iterations", 3)])
    more = config.load(
        str(TWO_ARMS), [("dataset.reference_rows", 64), ("iterations", 3), ("fresh", [8, 4])]
    )
    for split in ("train", "reference"):
        assert steps.real_data(more, split).key == steps.real_data(experiment, split).key
    first, second = steps.fresh(more, 1, 0, 8), steps.fresh(more, 2, 8, 4)
    assert first.key != second.key
    assert (first.config["range"], second.config["range"]) == ([192, 8], [200, 4])
    # one permutation for all: disjoint
    assert first.seed == second.seed == steps.real_data(more, "train").seed
