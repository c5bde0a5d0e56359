"""The fields of every schema, for help and completion: `python -m orchestrator.fields` writes them.

Importing the schema takes seconds, as it brings PyTorch, and --help is to be at once; so they are
kept beside it as data, and a test compares the two.
"""

import json
import types
import typing
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from orchestrator.config import Experiment
from orchestrator.curate import Curation
from orchestrator.declarations import FIELDS
from orchestrator.evaluate import Request
from orchestrator.schema import members
from orchestrator.sweep.config import SweepConfig

SCHEMAS: dict[str, type[BaseModel]] = {
    "experiment": Experiment,
    "sweep": SweepConfig,
    "curate": Curation,
    "evaluate": Request,
}


def choices(annotation: Any) -> list[str]:
    """Return the values that are allowed where they can be listed, as YAML."""
    described = []
    for member in members(annotation):
        if typing.get_origin(member) is Literal:
            described += [str(value) for value in typing.get_args(member)]
        elif member is bool:
            described += ["true", "false"]
    return described


def type_name(annotation: Any) -> str:
    """Return what a field takes in a word or two."""
    names = []
    for member in members(annotation):
        origin = typing.get_origin(member)
        if origin is Literal:
            names += [str(value) for value in typing.get_args(member)]
        elif origin in (list, tuple, set):
            names.append("LIST")
        elif origin is dict or (isinstance(member, type) and issubclass(member, BaseModel)):
            names.append("BLOCK")
        elif member is types.NoneType:
            names.append("null")
        else:
            names.append({bool: "true|false"}.get(member, getattr(member, "__name__", "VALUE")))
    return "|".join(dict.fromkeys(names))


def fields(model: type[BaseModel], prefix: str = "", kind: str = "") -> dict[str, dict[str, Any]]:
    """Return the fields of a schema by dotted path: type, choices, default, what they mean.

    A name that the user gives stands as NAME; a field that only some kinds of a block have says so.
    """
    described: dict[str, dict[str, Any]] = {}
    for name, field in model.model_fields.items():
        path, annotation = f"{prefix}{name}", field.annotation
        blocks, named = [], []
        for member in members(annotation):
            if typing.get_origin(member) is dict:
                named += members(typing.get_args(member)[1])
            blocks.append(member)
        models = [m for m in blocks if isinstance(m, type) and issubclass(m, BaseModel)]
        inner = [m for m in named if isinstance(m, type) and issubclass(m, BaseModel)]
        if not models or len(models) < len(blocks) - (types.NoneType in blocks):
            default = field.default
            given = default is not PydanticUndefined and not isinstance(default, BaseModel)
            described[path] = {
                "type": type_name(annotation),
                "choices": choices(annotation),
                "default": _text(default) if given and name != "kind" else None,
                "says": field.description or ("which one" if name == "kind" else ""),
                "only": kind if name != "kind" else "",
            }
        for block, under in ((models, path), (inner, f"{path}.NAME")):
            for choice in block:
                tag = _kind(choice) if len(block) > 1 else kind
                _join(described, fields(choice, f"{under}.", tag), len(block))
    return described


def _kind(model: type[BaseModel]) -> str:
    tag = model.model_fields.get("kind")
    return "" if tag is None else str(typing.get_args(tag.annotation)[0])


def _join(
    described: dict[str, dict[str, Any]], more: dict[str, dict[str, Any]], kinds: int
) -> None:
    """Add the fields of one kind of a block; a field of every kind is said once."""
    for path, field in more.items():
        known = described.setdefault(path, field)
        if known is field:
            continue
        known["choices"] = list(dict.fromkeys([*known["choices"], *field["choices"]]))
        if known["type"] != field["type"]:
            known["type"] = "|".join(
                dict.fromkeys([*known["type"].split("|"), *field["type"].split("|")])
            )
        if field["says"] not in known["says"]:
            known["says"] = f"{known['says']} / {field['says']}".removeprefix(" / ")
        if field["default"] != known["default"]:
            known["default"] = None
        only = dict.fromkeys([*known["only"].split(", "), *field["only"].split(", ")])
        known["only"] = ", ".join(kind for kind in only if kind)
        if kinds > 1 and len(only) == kinds:
            known["only"] = ""


def _text(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value, default=str)


def every_schema() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the fields of every schema that a command takes."""
    return {name: fields(model) for name, model in SCHEMAS.items()}


def main() -> None:
    """Write the fields beside the code."""
    Path(FIELDS).write_text(json.dumps(every_schema(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
