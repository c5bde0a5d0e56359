"""A data set is a file and a line: one that nothing in the code names is used end to end."""

import json
import sys
from pathlib import Path

import numpy as np

from tests.actors.data.image_files import noise
from tests.runs import finish


def test_a_data_set_is_one_entry(tmp_path: Path) -> None:
    images = np.stack([noise(i, 8, 8, 1) for i in range(32)])
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "images.npy", images)
    done = finish([sys.executable, "-m", "tests.orchestrator.toy_data", str(tmp_path)])
    assert done.returncode == 0, done.stderr
    used = json.loads(done.stdout)

    fields = used["fields"]
    assert fields["dataset.kind"]["choices"][-1] == "toy"
    assert fields["dataset.folder"] | {"choices": []} == {
        "type": "str",
        "choices": [],
        "default": None,
        "says": "where images.npy lies",
        "only": "toy",
    }
    assert fields["dataset.rows"]["only"] == ""
    assert "--dataset.inverted true|false" in used["help"]
    assert "black for white; only for toy; default false" in " ".join(used["help"].split())

    # what it is made of is in the identity of its steps, where it lies is not
    assert used["paths_when_moved"] == used["paths"]
    assert not set(used["paths_when_inverted"]) & set(used["paths"])
    assert all(one["inverted"] is False and "folder" not in one for one in used["configs"])

    order = np.random.default_rng(used["seed"]).permutation(32)
    for split, positions in (("train", order[:20]), ("reference", order[20:29])):
        assert np.array_equal(used["rows"][split]["images"], images[positions][..., None])
        assert used["rows"][split]["labels"] == (positions % 3).tolist()
