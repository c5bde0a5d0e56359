"""Measuring a generator at one iteration."""

import torch

from actors.distances.pairs import as_rows
from actors.features import weights
from actors.features.extractor import size_on_card
from actors.metrics import MEASURES, SHARES
from actors.metrics.base import Sets
from actors.metrics.drawing import Images, Shown, draw
from actors.metrics.equal_rows import measure_also_on
from actors.metrics.shares import selected_shares
from actors.pool import selections
from actors.pool.manifest import read_step
from actors.pool.step import Report, Step
from actors.pool.storage import File, Storage
from actors.selection import METHODS


def evaluate(storage: Storage, step: Step, report: Report) -> list[File]:
    """Measure one generator at one iteration: store measures, selected shares and pictures."""
    sets = _sets(storage, step)
    measures = list(measure_also_on(sets, step.config["measures"], step.config["equal_rows"]))
    trained_on = step.inputs.get("training_set", ())
    shares = [share for path in trained_on for share in selected_shares(storage, path)]
    drawn = draw(_shown(storage, step, sets)) if step.config["pictures"] else []
    pictures = [storage.write(f"{step.path}/{name}", write) for name, write in drawn]
    return [
        storage.write_json(f"{step.path}/{MEASURES}", [measure.as_json() for measure in measures]),
        storage.write_json(f"{step.path}/{SHARES}", shares),
        *pictures,
    ]


def _sets(storage: Storage, step: Step) -> Sets:
    trained_on, real, samples, reference = (
        _features(storage, step, name) for name in ("training_set", "real", "features", "reference")
    )
    assert samples is not None
    assert reference is not None
    card = weights.card(storage, step.inputs["features"][0])
    resize = size_on_card(step.config["images"], card["resize"])
    shared = {"features": card["name"], "extractor": card["weights"], "resize": resize}
    return Sets(
        samples,
        reference,
        trained_on,
        real,
        shared,
        k=step.config["entropy_k"],
        seed=step.seed,
        space=card["space"],
        selected=_is_selected(storage, step),
    )


def _is_selected(storage: Storage, step: Step) -> bool:
    """Whether the training set was chosen among more rows by another method than chance."""
    for path in step.inputs.get("training_set", ()):
        config = read_step(storage, path).config
        chosen = selections.read(storage, path)
        whole = (
            sum(selections.sizes(storage, chosen.samples))
            if chosen.candidates is None
            else len(chosen.candidates)
        )
        uniform = METHODS[config["selection"]["kind"]].uniform
        return not uniform and len(chosen) < whole
    return False


def _shown(storage: Storage, step: Step, sets: Sets) -> Shown:
    images = selections.gather(storage, step.inputs["samples"], "image")
    source, iteration = step.config["source"], step.config["iteration"]
    title = f"{source}, iteration {iteration}, {sets.card['features']} features"
    trained_on = _training_images(storage, step)
    return Shown(sets, images.__getitem__, trained_on, images.shape, title)


def _training_images(storage: Storage, step: Step) -> Images | None:
    if "training_set" not in step.inputs:
        return None
    selection = selections.read(storage, step.inputs["training_set"][0])
    images = selection.images()
    return lambda rows: images[selection.positions[rows]]


def _features(storage: Storage, step: Step, name: str) -> torch.Tensor | None:
    """Return the features of one of the sets, None where the step has none of that name.

    They are where the step computes: on its GPU if it has one.
    """
    if name not in step.inputs:
        return None
    if name == "training_set":
        selection = selections.read(storage, step.inputs[name][0])
        candidates = step.inputs.get("candidates", selection.features)
        rows = selections.gather(storage, candidates, "features")[selection.positions]
    else:
        rows = selections.gather(storage, step.inputs[name], "features").all()
    return as_rows(rows).to("cuda" if step.settings["gpus"] else "cpu")
