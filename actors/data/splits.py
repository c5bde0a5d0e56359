"""Which tables of a folder belong together: one split of a data set, never several in one."""

import json
import os
import re
from collections.abc import Sequence

from actors.errors import UserError

# what `save_to_disk` of `datasets` leaves beside the tables of each split
STATE, INFO = "state.json", "dataset_info.json"
# what the hub and `datasets` call the tables of a split
SHARD = re.compile(r"(?P<split>.+)-\d{5}-of-\d{5}(-\w+)?\.\w+")


def tables_of_one_split(root: str, names: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:
    """Return which of the files below a folder are the tables of its data set.

    Args:
        names: paths of all files relative to the root, sorted.

    Raises:
        UserError: there are several splits; it names them, and how to give one.
    """
    there = set(names)
    ending = f"/{STATE}"
    saved = [name[: -len(ending)] for name in names if name.endswith(ending)]
    saved = [folder for folder in saved if f"{folder}/{INFO}" in there]
    if {STATE, INFO} <= there:
        return _saved(root, "", there)
    if len(saved) == 1:
        return _saved(root, saved[0] + "/", there)
    if saved:
        _refuse(root, saved, os.path.join(root, saved[0]))
    tables = [name for name in names if name.lower().endswith(suffixes)]
    first: dict[str, str] = {}
    for name in tables:
        if shard := SHARD.fullmatch(os.path.basename(name)):
            first.setdefault(shard["split"], name)
    if len(first) > 1:
        split, name = next(iter(first.items()))
        pattern = f"{split}-*{os.path.splitext(name)[1]}"
        _refuse(root, list(first), os.path.join(root, os.path.dirname(name), pattern))
    return tables


def _saved(root: str, folder: str, there: set[str]) -> list[str]:
    """Return the tables that a saved split says it has: others beside them are caches."""
    path = os.path.join(root, folder, STATE)
    try:
        with open(path, encoding="utf-8") as file:
            tables = [f"{folder}{one['filename']}" for one in json.load(file)["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path!r} is not what `datasets` writes: {error!r}") from None
    if lost := next((name for name in tables if name not in there), None):
        raise UserError(f"{path!r} names {lost!r}, which is not there")
    return tables


def _refuse(root: str, splits: list[str], example: str) -> None:
    found = ", ".join(map(repr, splits))
    raise UserError(f"{root!r} holds the splits {found}; allowed is one of them, like {example}")
