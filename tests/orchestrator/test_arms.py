"""Which rows end in which training set, by provenance, in every arm of one run."""

import json
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from actors.pool import selections, shards
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.plan import Plan
from orchestrator.planning import make_plan
from tests.runs import ROOT, Store, call

ARMS = ROOT / "tests" / "arms.yaml"
Counts = dict[tuple[str, int], int]


@dataclass(frozen=True)
class Trained:
    """A finished run of every arm: its plan, its pool rows by id, and its store."""

    plan: Plan
    rows: pd.DataFrame
    store: Store
    output: str

    def ids(self, arm: str, iteration: int, generator: str | None = None) -> list[str]:
        select = self.plan.training_sets[arm, iteration, generator].select
        return self.store.selected_ids()[f"{select.path}/selection.arrow"]

    def counts(self, arm: str, iteration: int, generator: str | None = None) -> Counts:
        """Return how many rows of a training set are of each source and iteration."""
        chosen = self.rows.loc[self.ids(arm, iteration, generator)]
        return dict(Counter(zip(chosen["source"], chosen["iteration"], strict=True)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("arms") / "store"
    done = call("run", str(ARMS), "--store", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    store = Store(path)
    tables = [table.drop(["image"]) for table in store.tables("sample").values()]
    rows = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    rows["source"] = rows["source"].astype(str)
    plan = make_plan(config.load(str(ARMS), [("store", str(path))]))
    return Trained(plan, rows.set_index("sample_id"), store, done.stdout)


def generation(counts: Counts, iteration: int) -> int:
    return sum(n for (_, made), n in counts.items() if made == iteration)


def test_no_training_set_has_a_row_twice(trained: Trained) -> None:
    for (arm, iteration, generator), chosen in trained.plan.training_sets.items():
        ids = trained.ids(arm, iteration, generator)
        assert len(ids) == len(set(ids)) == chosen.candidates.rows


@pytest.mark.parametrize("arm", ["replace", "surplus", "everything"])
def test_replace_trains_on_the_samples_of_the_iteration_before_alone(
    trained: Trained, arm: str
) -> None:
    for iteration in (2, 3):
        counts = trained.counts(arm, iteration)
        assert {made for _, made in counts} == {iteration - 1}
        assert {source for source, _ in counts} == {"a", "b"}
        assert sum(counts.values()) == (80 if arm == "everything" else 40)
    if arm == "everything":
        assert trained.counts(arm, 2) == {("a", 1): 40, ("b", 1): 40}


def test_accumulate_trains_on_every_row_there_is(trained: Trained) -> None:
    first = {("real", 0): 40, ("a", 1): 40, ("b", 1): 40}
    assert trained.counts("accumulate", 2) == first
    assert trained.counts("accumulate", 3) == first | {("a", 2): 40, ("b", 2): 40}


@pytest.mark.parametrize("arm", ["uniform", "whole_pool"])
def test_subsampling_takes_as_many_rows_as_there_were_real_ones_of_all_generations(
    trained: Trained, arm: str
) -> None:
    for iteration in (2, 3):
        counts = trained.counts(arm, iteration)
        assert sum(counts.values()) == 40
        assert {made for _, made in counts} == set(range(iteration))


def test_a_uniform_draw_offers_rows_over_ratio_candidates(trained: Trained) -> None:
    select = trained.plan.training_sets["uniform", 3, None].select
    candidates = trained.store.tables("select", "candidates.arrow")[
        f"{select.path}/candidates.arrow"
    ]
    positions = candidates["position"].to_pylist()
    assert len(positions) == len(set(positions)) == 50  # 40 rows / 0.8
    chosen = trained.store.tables("select", "selection.arrow")[f"{select.path}/selection.arrow"]
    assert set(chosen["position"].to_pylist()) < set(positions)
    assert max(positions) < 200


def test_an_equal_share_takes_as_many_of_each_generation(trained: Trained) -> None:
    assert [generation(trained.counts("equal_share", 2), made) for made in (0, 1)] == [20, 20]
    shares = [generation(trained.counts("equal_share", 3), made) for made in (0, 1, 2)]
    assert shares == [14, 13, 13]  # 40 over three


def test_an_equal_share_of_candidates_leaves_the_rest_to_the_selection(trained: Trained) -> None:
    select = trained.plan.training_sets["equal_share_greedy", 3, None].select
    candidates = trained.store.tables("select", "candidates.arrow")[
        f"{select.path}/candidates.arrow"
    ]
    positions = candidates["position"].to_numpy()
    # 40 real, then 80 samples after each of two iterations: 80 candidates in all
    shares = [((first <= positions) & (positions < end)).sum() for first, end in
              ((0, 40), (40, 120), (120, 200))]  # fmt: skip
    assert shares == [27, 27, 26]
    assert sum(trained.counts("equal_share_greedy", 3).values()) == 40


def test_fresh_rows_arrive_by_their_schedule_and_were_never_used_before(trained: Trained) -> None:
    rows = trained.rows[trained.rows["source"] == "fresh"]
    assert Counter(rows["iteration"]) == {1: 10, 2: 6}
    candidates = trained.plan.training_sets["fresh", 3, None].candidates
    assert candidates.by_source() == {"a": 40, "b": 40, "fresh": 6}
    # 43 of the 86 at random: none of the six would be a rare draw, and the seed is fixed
    assert trained.counts("fresh", 3)["fresh", 2] >= 1
    images = [
        {image.tobytes() for image in table["image"].combine_chunks().to_numpy_ndarray()}
        for table in trained.store.tables("sample").values()
        if table["source"][0].as_py() in ("real", "fresh")
    ]
    # the digits hold no image twice
    assert len(set.union(*images)) == sum(map(len, images)) == 40 + 80 + 16


def test_weights_say_how_much_of_what_is_published_each_makes(trained: Trained) -> None:
    # 3 : 1 with 40 samples each: 40 and 13 of them, the first ones; half is selected
    candidates = trained.plan.training_sets["weights", 2, None].candidates
    assert candidates.by_source() == {"a": 40, "b": 13}
    assert sum(trained.counts("weights", 2).values()) == 27
    for iteration in (2, 3):
        ids = [name for name in trained.ids("weights", iteration)
               if trained.rows.loc[name, "source"] == "b"]  # fmt: skip
        assert all(int(name.rpartition("-")[2]) < 13 for name in ids)


def test_a_quota_and_a_cap_are_kept_to_the_row(trained: Trained) -> None:
    for iteration, rows in ((2, 60), (3, 100)):
        counts = trained.counts("quota", iteration)
        assert sum(counts.values()) == rows
        assert counts["real", 0] >= 0.4 * rows
    for iteration in (2, 3):
        counts = trained.counts("cap", iteration)
        assert sum(counts.values()) == 40
        assert counts["a", iteration - 1] <= 10
    # the cap binds, without it both sources have about as many
    assert trained.counts("cap", 2)["a", 1] == 10


def test_distances_under_a_quota_are_to_the_rows_of_the_selection(trained: Trained) -> None:
    select = trained.plan.training_sets["quota", 3, None].select
    storage = Storage(str(trained.store.path))
    table = shards.read_table(storage, f"{select.path}/selection.arrow")
    features = selections.gather(storage, select.inputs["features"], "features").all()
    rows = features[table["position"].to_numpy()].astype(np.float64)
    expected = [np.linalg.norm(rows[:i] - rows[i], axis=1).min() for i in range(1, len(rows))]
    found = table["distance"].to_numpy(zero_copy_only=False)
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], expected, rtol=1e-6)


def test_generators_with_training_sets_of_their_own_train_on_different_rows(
    trained: Trained,
) -> None:
    for iteration in (2, 3):
        a, b = (trained.ids("own", iteration, name) for name in ("a", "b"))
        assert (len(a), len(b)) == (30, 20)
        assert not set(b) <= set(a)
    trains = {
        (p.generator, p.iteration): p.step.inputs["training_set"]
        for p in trained.plan.steps.values()
        if p.step.kind == "train" and p.arms == ["own"]
    }
    assert len(set(trains.values())) == len(trains) == 4


def test_selecting_in_one_space_and_measuring_in_another_keeps_them_apart(
    trained: Trained,
) -> None:
    steps = trained.plan.steps
    select = trained.plan.training_sets["two_spaces", 3, None].select
    selected_by = [steps[path].step for path in select.inputs["features"]]
    assert {step.config["features"]["kind"] for step in selected_by} == {"pca"}
    images = pa.concat_tables(
        [t.select(["sample_id", "image"]) for t in trained.store.tables("sample").values()]
    )
    where = {name: row for row, name in enumerate(images["sample_id"].to_pylist())}
    rows = [where[name] for name in trained.ids("two_spaces", 3)]
    pixels = images["image"].combine_chunks().to_numpy_ndarray()[rows].reshape(40, -1) / 127.5 - 1
    cards = [
        card
        for card in trained.store.results()
        if (card["arm"], card["iteration"]) == ("two_spaces", 3)
    ]
    assert {card["features"] for card in cards} == {"pixels"}
    (variance, *_) = [
        card["value"]
        for card in cards
        if (card["metric"], card["subject"]) == ("variance", "training_set")
    ]
    assert variance == pytest.approx(np.trace(np.cov(pixels.T)), rel=1e-5)


def test_the_contamination_matrix_is_the_share_of_every_maker(trained: Trained) -> None:
    (file,) = trained.store.path.glob("experiments/*/contamination.csv")
    matrix = pd.read_csv(file)
    for arm, generator, whose in (("whole_pool", "a", None), ("own", "b", "b")):
        counts = trained.counts(arm, 3, whose)
        here = matrix.query(f"arm == '{arm}' and generator == '{generator}' and iteration == 3")
        found = {
            (made_by, at): share
            for made_by, at, share in zip(
                here["made_by"], here["made_at_iteration"], here["share"], strict=True
            )
            if share
        }
        total = sum(counts.values())
        assert found == pytest.approx({origin: n / total for origin, n in counts.items()}, abs=1e-6)
    assert "Who made the training sets of iteration 3" in trained.output


def test_the_steps_of_a_run_are_listed_beside_its_configuration(trained: Trained) -> None:
    (file,) = trained.store.path.glob("experiments/*/steps.json")
    listed = json.loads(file.read_text())
    assert sorted(listed["steps"]) == sorted(trained.plan.steps)
    own = {one["generator"] for one in listed["training_sets"] if one["arm"] == "own"}
    assert own == {None, "a", "b"}
