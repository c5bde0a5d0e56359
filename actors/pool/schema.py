"""The row of the pool: one sample with its provenance."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

REAL, FRESH = "real", "fresh"


def sample_ids(step_key: str, first: int, n: int) -> pa.Array:
    """Return the ids of consecutive samples of a step, such as 0123456789ab-00000042.

    They are unique in a store, and the same wherever the samples are made again. Their type has
    room for more than 2 GiB of them in one array.
    """
    index = pa.array(np.arange(first, first + n)).cast(pa.large_string())
    key, dash = (pa.scalar(text, pa.large_string()) for text in (step_key[:12], "-"))
    return pc.binary_join_element_wise(key, pc.utf8_lpad(index, 8, "0"), dash)


def tensor_array(values: np.ndarray) -> pa.Array:
    """Return (n, ...) values as a fixed-shape tensor column in row-major order."""
    # pyarrow's own from_numpy_ndarray reads a permutation out of the strides of axes of length 1
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    shape = values.shape[1:]
    storage = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(shape)))
    return pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(flat.type, shape), storage)


def rows(
    images: np.ndarray,
    *,
    step_key: str,
    first: int,
    source: str,
    iteration: int,
    seed: int,
    labels: np.ndarray | None = None,
) -> pa.Table:
    """Return pool rows for consecutive samples of one step.

    Args:
        images: (n, height, width, channels) uint8.
        step_key: key of the step that made them.
        first: sample index of the first row.
        source: `real`, `fresh` or the generator's name.
        iteration: iteration whose step this is; 0 for real data.
        seed: seed of the step.
        labels: (n,) class labels, or None.
    """
    n = len(images)
    one_source = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), [source])
    one_step = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), [step_key])
    return pa.table(
        {
            "sample_id": sample_ids(step_key, first, n),
            "source": one_source,
            "iteration": pa.array(np.full(n, iteration, np.int32)),
            "step": one_step,
            "seed": pa.array(np.full(n, seed, np.int64)),
            "label": pa.nulls(n, pa.int64()) if labels is None else pa.array(labels, pa.int64()),
            "image": tensor_array(images),
        }
    )
