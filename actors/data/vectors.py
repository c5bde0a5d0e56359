"""Arrow columns of vectors: lists, fixed-size lists and fixed-shape tensors."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.feature_source import SHOWN, name_rows
from actors.errors import UserError


def is_vector(kind: pa.DataType, *, integers: bool = False) -> bool:
    """Whether the values of a column are vectors of floats, or of integers where those may be."""
    if not (isinstance(kind, pa.FixedShapeTensorType) or _is_list(kind)):
        return False
    value = kind.value_type
    return pa.types.is_floating(value) or (integers and pa.types.is_integer(value))


def _is_list(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(check(kind) for check in lists)


def vector_length(kind: pa.DataType) -> int | None:
    """Return how many numbers every vector has, or None where the type does not say."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return math.prod(kind.shape)
    return kind.list_size if pa.types.is_fixed_size_list(kind) else None


def vectors(array: pa.Array, dimension: int, first: int, column: str) -> np.ndarray:
    """Return an array of vectors as (n, dimension) float32.

    Args:
        first: row number of the first one, for messages.
        column: its name, for messages.

    Raises:
        UserError: vectors are null, hold nulls, or have another length.
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if array.null_count:
        _refuse(array.is_null(), first, column, "are null; allowed are vectors of numbers")
    if not pa.types.is_fixed_size_list(array.type):
        lengths = pc.list_value_length(array)
        wrong = pc.not_equal(lengths, dimension)
        if pc.any(wrong).as_py():
            place = int(np.argmax(wrong.to_numpy(zero_copy_only=False)))
            found = f"found {lengths[place].as_py()} numbers"
            _refuse(wrong, first, column, f"do not have {dimension} numbers as row 0 has; {found}")
    values = array.flatten()
    if values.null_count:
        gaps = values.is_null().to_numpy(zero_copy_only=False).reshape(-1, dimension).any(axis=1)
        _refuse(pa.array(gaps), first, column, "hold null; allowed are numbers")
    with np.errstate(over="ignore"):  # infinity is found, and named, later
        return values.to_numpy(zero_copy_only=False).astype(np.float32).reshape(-1, dimension)


def _refuse(wrong: pa.Array, first: int, column: str, said: str) -> None:
    places = np.flatnonzero(wrong.to_numpy(zero_copy_only=False)) + first
    named = name_rows(places[: SHOWN + 1].tolist(), len(places), "")
    raise UserError(f"{column}: {named}{said}")
