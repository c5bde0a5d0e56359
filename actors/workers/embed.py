"""Computing features, once, beside the shards they belong to."""

from typing import Any

import numpy as np
import pyarrow as pa

from actors.errors import DamagedError, NonFiniteError, UserError
from actors.features import EXTRACTORS, Extractor, FittedExtractor, weights
from actors.pool import selections, shards
from actors.pool.manifest import check, damage, read_step
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


class Embedder:
    """Computes the features of row ranges, and keeps the extractor of the last one loaded."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._samples = ""
        self._files: dict[str, File] = {}
        self._loaded: tuple[str, Extractor] | None = None
        self._model: Any = None

    def make(self, step: Step, start: int, stop: int, report: Report) -> pa.Table:
        """Return the features of samples start to stop - 1 of the step that it embeds.

        Raises:
            DamagedError: a file that it reads is not what was written.
            NonFiniteError: some features are NaN or infinite; names the source and iteration.
            UserError: the extractor's weights are not those that the step was planned with.
        """
        extractor = _extractor(step)
        report(0, f"embed {stop:,}/{step.ranges.rows:,}")
        table = self._read(step, start)
        features = extractor.extract(shards.tensor(table, "image"), self._load(step, extractor))
        bad = int((~np.isfinite(features)).any(axis=1).sum())
        if bad:
            source, iteration = table["source"][0].as_py(), table["iteration"][0].as_py()
            raise NonFiniteError(
                f"generator {source!r}, iteration {iteration}: the {extractor.kind} features of "
                f"{bad} of {len(features)} samples contain NaN or infinity"
            )
        return shards.feature_table(features)

    def _read(self, step: Step, start: int) -> pa.Table:
        """Return the rows of a range, mapped, from the file that has them."""
        (samples,) = step.inputs["samples"]
        if self._samples != samples:
            files = read_step(self._storage, samples).tables
            self._samples, self._files = samples, {file.path: file for file in files}
        path = shards.shard_path(samples, start)
        if problem := damage(self._storage, self._files[path]):
            raise DamagedError(samples, path, problem)
        return shards.read_table(self._storage, path)

    def _load(self, step: Step, extractor: Extractor) -> Any:
        loaded = step.ranges.model, extractor
        if self._loaded != loaded:
            if extractor.digest() != step.config.get("digest"):
                raise UserError(
                    f"features: the weights of {extractor.kind} changed since the run was "
                    "planned; run again"
                )
            fitted = None
            for path in step.inputs.get("fitted", ()):
                check(self._storage, path)
                fitted = weights.load(self._storage, path)
            self._model, self._loaded = extractor.load(fitted), loaded
        return self._model


def _extractor(step: Step) -> Extractor:
    """Return the extractor of a step, on the device that the step says."""
    fields = {**step.config["features"], **step.settings["features"]}
    if "device" in fields and fields["device"] is None and step.settings["gpus"]:
        fields["device"] = "cuda"
    return EXTRACTORS[fields["kind"]].model_validate(fields)
