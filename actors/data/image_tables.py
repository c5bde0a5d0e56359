"""Tables with a column of images and perhaps one of labels."""

import os
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.dataset import Source
from actors.data.files import Files
from actors.data.images import Header, Stored
from actors.data.reading import BATCH, Item
from actors.data.tables import Table, class_names, features_of, is_image
from actors.errors import UserError

ALLOWED = "encoded images (the Image of `datasets`, or bytes) or a fixed-shape tensor of uint8"


def open_image_table(
    table: Table,
    image_column: str | None,
    label_column: str | None,
    content: str | Files,
    *,
    may_name_files: bool = False,
) -> Source:
    """Return the images and labels of a table; columns that are not named are looked for.

    Args:
        may_name_files: whether images may be paths of files, in a table that was written here.

    Raises:
        UserError: a file cannot be read, or has other columns; no column does; labels are none.
    """
    image, label = find_columns(table.schema, image_column, label_column)
    table.check_alike(image, label)
    count = sum(table.lengths)
    if not count:
        raise UserError("the table has no rows; allowed are at least 4")
    classes, labels = None, None
    if label is not None:
        labels = class_numbers(label, table.column(label))
        classes = len(class_names(table.schema, label) or ()) or int(labels.max()) + 1

    def take(positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray | None]:
        items = _items(table, image, positions, may_name_files)
        return items, None if labels is None else labels[positions]

    header, kind = None, table.schema.field(image).type
    if isinstance(kind, pa.FixedShapeTensorType):
        height, width, *channels = kind.shape
        header = Header(width, height, 1 if channels in ([], [1]) else 3)
    return Source(count, classes, content, take, header)


def _items(
    table: Table, column: str, positions: np.ndarray, may_name_files: bool
) -> Iterator[Item]:
    """Yield the images at (n,) positions in the order of the table's rows."""
    order = np.argsort(positions)
    rising = positions[order]

    def wanted(first: int, stop: int) -> bool:
        low, high = np.searchsorted(rising, (first, stop))
        return bool(low < high)

    for first, array in table.arrays(column, BATCH, wanted):
        low, high = np.searchsorted(rising, (first, first + len(array)))
        rows = rising[low:high]
        images = _stored(array.take(pa.array(rows - first)), rows, may_name_files)
        for place, row, image in zip(order[low:high].tolist(), rows.tolist(), images, strict=True):
            yield Item(place, f"row {row}", image)


def _stored(array: pa.Array, rows: np.ndarray, may_name_files: bool) -> Iterator[Stored]:
    """Yield what is stored in some rows of a column of images."""
    if isinstance(array.type, pa.FixedShapeTensorType):
        yield from array.to_numpy_ndarray()
        return
    for row, value in zip(rows.tolist(), array, strict=True):
        content, path = value.as_py(), None
        if isinstance(content, dict):
            content, path = content["bytes"], content.get("path")
        if content is not None:
            yield bytes(content)
        elif may_name_files and path and os.path.isfile(path):
            yield str(path)
        else:
            raise UserError(f"row {row} has no image")


def find_columns(schema: pa.Schema, image: str | None, label: str | None) -> tuple[str, str | None]:
    """Return the columns that are named, else the ones whose types say what they are.

    Raises:
        UserError: there is none, there are several, or the type is wrong.
    """
    image = image or _only(
        "image_column",
        [field.name for field in schema if is_image(field.type)],
        f"no column holds images; allowed are {ALLOWED}",
    )
    features = features_of(schema).items()
    labels = [name for name, feature in features if feature.get("_type") == "ClassLabel"]
    label = label or (_only("label_column", labels, "") if labels else None)
    for field, name in (("image_column", image), ("label_column", label)):
        if name is not None and name not in schema.names:
            raise UserError(
                f"{field} {name!r} is not there; allowed are {', '.join(map(repr, schema.names))}"
            )
    if not is_image(schema.field(image).type):
        raise UserError(
            f"image_column {image!r} is of type {schema.field(image).type}; allowed are {ALLOWED}"
        )
    return image, label


def _only(field: str, names: Sequence[str], missing: str) -> str:
    if len(names) == 1:
        return names[0]
    if not names:
        raise UserError(f"{field}: {missing}")
    raise UserError(f"{field}: several could be meant, {', '.join(map(repr, names))}; name one")


def class_numbers(column: str, values: pa.Array) -> np.ndarray:
    """Return labels as (n,) int64; texts are numbered in alphabetical order.

    Raises:
        UserError: a label is missing, negative or neither a whole number nor text.
    """
    if values.null_count:
        row = pc.index(pc.is_null(values), True).as_py()
        raise UserError(f"label_column {column!r} has nothing in row {row}; allowed is a label")
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        encoded = values.dictionary_encode()
        order = np.argsort(encoded.dictionary.to_numpy(zero_copy_only=False), kind="stable")
        return np.argsort(order)[encoded.indices.to_numpy()].astype(np.int64)
    if not pa.types.is_integer(values.type):
        raise UserError(
            f"label_column {column!r} is of type {values.type}; allowed are whole numbers and text"
        )
    labels = values.to_numpy().astype(np.int64)
    if labels.min() < 0:
        row = int(labels.argmin())
        raise UserError(
            f"label_column {column!r} is {labels[row]} in row {row}; allowed are 0 and more"
        )
    return labels
