"""Computing features, once, beside the shards they belong to."""

import numpy as np

from actors.errors import NonFiniteError, UserError
from actors.features import EXTRACTORS, Extractor, FittedExtractor, weights
from actors.features.extractor import Fitted
from actors.pool import selections, shards
from actors.pool.manifest import files_of
from actors.pool.step import Report, Step
from actors.pool.storage import File, Storage


def fit(storage: Storage, step: Step, report: Report) -> list[File]:
    """Store an extractor's weights, fitted on a sample step; return the file's record.

    Raises:
        NonFiniteError: some weights are NaN or infinite.
    """
    extractor = _extractor(step)
    assert isinstance(extractor, FittedExtractor)
    samples = step.inputs["samples"]
    images = selections.gather(storage, samples, "image").all()
    labels = selections.labels(storage, samples)
    given = labels if (labels >= 0).all() else None
    fitted = extractor.fit(images, given, step.seed)
    if not all(np.isfinite(value).all() for value in fitted.values()):
        raise NonFiniteError(
            f"the weights of {extractor.kind}, fitted on {len(images)} real rows, contain "
            "NaN or infinity"
        )
    return [weights.save(storage, step.path, fitted)]


def embed(storage: Storage, step: Step, report: Report) -> list[File]:
    """Store the features of a sample step, shard by shard; return the records of the files.

    Raises:
        NonFiniteError: some features are NaN or infinite; names the source and iteration.
        UserError: the extractor's weights are not those that the step was planned with.
    """
    extractor = _extractor(step)
    if extractor.digest() != step.config.get("digest"):
        raise UserError(
            f"features: the weights of {extractor.kind} changed since the run was planned; "
            "run again"
        )
    fitted = [weights.load(storage, path) for path in step.inputs.get("fitted", ())]
    records, files = [], files_of(storage, step.inputs["samples"][0])
    for number, path in enumerate(files):
        report(number / len(files), f"embed shard {number + 1}/{len(files)}")
        records.append(_embed(storage, step, extractor, path, *fitted))
    return records


def _embed(
    storage: Storage, step: Step, extractor: Extractor, path: str, fitted: Fitted | None = None
) -> File:
    table = shards.read_table(storage, path)
    features = extractor.extract(shards.tensor(table, "image"), fitted)
    bad = int((~np.isfinite(features)).any(axis=1).sum())
    if bad:
        source, iteration = table["source"][0].as_py(), table["iteration"][0].as_py()
        raise NonFiniteError(
            f"generator {source!r}, iteration {iteration}: the {extractor.kind} features of "
            f"{bad} of {len(features)} samples contain NaN or infinity"
        )
    target = f"{step.path}/{path.rsplit('/', 1)[1]}"
    return shards.write_table(storage, target, shards.feature_table(features))


def _extractor(step: Step) -> Extractor:
    """Return the extractor of a step, on the device that the step says."""
    fields = {**step.config["features"], **step.settings["features"]}
    if "device" in fields and fields["device"] is None and step.settings["gpus"]:
        fields["device"] = "cuda"
    return EXTRACTORS[fields["kind"]].model_validate(fields)
