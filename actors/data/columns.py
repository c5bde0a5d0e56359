"""Which columns of a table are the images and their labels."""

import json
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from actors.errors import UserError

ALLOWED = "encoded images (the Image of `datasets`, or bytes) or a fixed-shape tensor of uint8"


@dataclass(frozen=True)
class Columns:
    """Names and types of the columns, and how many classes the schema says that there are."""

    image: str
    label: str | None
    types: tuple[pa.DataType, ...]
    classes: int | None


def find_columns(schema: pa.Schema, image: str | None, label: str | None) -> Columns:
    """Return the columns that are named, else the ones whose types say what they are.

    Raises:
        UserError: there is none, there are several, or the type is wrong.
    """
    features = features_of(schema)
    image = image or _only(
        "image_column",
        [field.name for field in schema if is_image(field.type)],
        f"no column holds images; allowed are {ALLOWED}",
    )
    labels = [name for name, feature in features.items() if feature.get("_type") == "ClassLabel"]
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
    names = features.get(label or "", {}).get("names")
    types = tuple(schema.field(name).type for name in (image, label) if name is not None)
    return Columns(image, label, types, len(names) if isinstance(names, list) else None)


def check_distinct(schema: pa.Schema, table: str) -> None:
    """Raise UserError, which begins with `table`, where several columns have one name."""
    repeated = next((name for name, n in Counter(schema.names).items() if n > 1), None)
    if repeated is not None:
        raise UserError(
            f"{table} has {schema.names.count(repeated)} columns {repeated!r}; allowed are names "
            "that differ"
        )


def features_of(schema: pa.Schema) -> dict[str, dict[str, object]]:
    """Return what `datasets` wrote of the columns beside a schema, {} where it did not."""
    try:
        said = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {name: feature for name, feature in said.items() if isinstance(feature, dict)}


def is_image(kind: pa.DataType) -> bool:
    """Whether a column of that type can hold images."""
    if isinstance(kind, pa.FixedShapeTensorType):
        channels = kind.shape[2] if len(kind.shape) == 3 else 1
        return kind.value_type == pa.uint8() and len(kind.shape) in (2, 3) and channels in (1, 3, 4)
    if pa.types.is_struct(kind):
        return "bytes" in [field.name for field in kind] and is_bytes(kind.field("bytes").type)
    return is_bytes(kind)


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values of that type are bytes."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _only(field: str, found: list[str], missing: str) -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(f"{field}: {missing}")
    raise UserError(f"{field}: several could be meant, {', '.join(map(repr, found))}; name one")
