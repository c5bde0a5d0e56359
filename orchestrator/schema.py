"""Raw values beside their schema: overrides merged, and errors in terms of fields."""

import difflib
import types
import typing
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from actors.errors import UserError

Model = TypeVar("Model", bound=BaseModel)


def members(annotation: Any) -> list[Any]:
    """Return the types that an annotation allows, aliases of unions taken apart."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [member for arg in typing.get_args(annotation) for member in members(arg)]
    return [annotation]


def _model(annotation: Any, raw: Any) -> type[BaseModel] | None:
    """Return the block that `raw` is a value of, by its `kind` where there are several."""
    models = [m for m in members(annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
    if len(models) < 2:
        return models[0] if models else None
    kinds = _kinds(annotation)
    if not isinstance(raw, dict):
        return None
    if "kind" in raw:
        return kinds.get(raw["kind"])
    return next((m for m in kinds.values() if not m.model_fields["kind"].is_required()), None)


def _kinds(annotation: Any) -> dict[Any, type[BaseModel]]:
    """Return the blocks that an annotation allows, by their `kind`."""
    models = [m for m in members(annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
    return {
        typing.get_args(m.model_fields["kind"].annotation)[0]: m
        for m in models
        if "kind" in m.model_fields
    }


def _child(annotation: Any, raw: Any, key: str) -> Any:
    """Return the annotation of the field or entry `key` of a value, or None."""
    for member in members(annotation):
        if typing.get_origin(member) is dict:
            return typing.get_args(member)[1]
    model = _model(annotation, raw)
    if model is None or key not in model.model_fields:
        return None
    return model.model_fields[key].annotation


def merge(annotation: Any, base: Any, override: Any) -> Any:
    """Return `base` with `override` laid over it, field by field.

    Where the override changes a block's `kind`, the fields that the new kind does not have go;
    an empty block takes the place of what was there.
    """
    if not isinstance(base, dict) or not isinstance(override, dict):
        return override
    if "kind" in override and override["kind"] != base.get("kind"):
        model = _model(annotation, override)
        known = model.model_fields if model else {}
        base = {key: value for key, value in base.items() if key in known}
    override = {_same_key(base, key): value for key, value in override.items()}
    merged = {**base, **override}
    for key, value in override.items():
        if key in base and value != {}:
            merged[key] = merge(_child(annotation, merged, key), base[key], value)
    return merged


def assign(annotation: Any, base: Any, path: list[str], value: Any) -> Any:
    """Return `base` with the value at a path set to `value`, as on the command line.

    A block is laid over what was there, field by field, as `merge` does; a mapping whose keys are
    names (generators, arms, objectives) takes the place of the one that was there.
    """
    base = base if isinstance(base, dict) else {}
    key, rest = _same_key(base, path[0]), path[1:]
    child = _child(annotation, base, key)
    if rest:
        return {**base, key: assign(child, base.get(key), rest, value)}
    is_named = any(typing.get_origin(member) is dict for member in members(child))
    if is_named and isinstance(value, dict):
        return {**base, key: value}
    return merge(annotation, base, {key: value})


def _same_key(base: dict[Any, Any], key: Any) -> Any:
    """Return the key of `base` that reads like `key`: YAML has 2 where a dotted path has "2"."""
    return next((known for known in base if str(known) == str(key)), key)


def validate(
    model: type[Model], raw: dict[str, Any], prefix: str = "", context: Any = None
) -> Model:
    """Return a validated configuration.

    Args:
        raw: its fields, as read.
        prefix: before the name of a field in errors.
        context: for the validators of the model.

    Raises:
        UserError: a line for each mistake: the field, what was found, what is allowed.
    """
    try:
        return model.model_validate(raw, context=context)
    except ValidationError as error:
        lines = [prefix + _describe(model, raw, details) for details in error.errors()]
        raise UserError("\n".join(lines)) from None


def _describe(root: type[BaseModel], raw: Any, details: Any) -> str:
    path: list[str] = []
    annotation: Any = root
    value = raw
    *parents, last = details["loc"] or ("",)
    for step in parents:
        if isinstance(value, dict) and step in value:
            annotation, value = _child(annotation, value, step), value[step]
            path.append(str(step))
        elif isinstance(value, list) and isinstance(step, int):
            path.append(str(step))
            value = value[step]
        # else: the kind of a union's member, which is no field
    is_kind = last in _kinds(annotation) and not (isinstance(value, dict) and last in value)
    if last not in ("", "[key]") and not is_kind:
        path.append(str(last))
    field = ".".join(path)
    given = details["input"]
    message = details["msg"].removeprefix("Value error, ")
    match details["type"]:
        case "extra_forbidden":
            model = _model(annotation, value)
            allowed = sorted(model.model_fields) if model else []
            near = difflib.get_close_matches(str(last), allowed, 1)
            hint = f" did you mean {near[0]}?" if near else ""
            return f"{field}: unknown field;{hint} allowed are {', '.join(allowed)}"
        case "missing":
            return f"{field}: missing; it must be given"
        case "union_tag_invalid" | "union_tag_not_found":
            tag = given.get("kind") if isinstance(given, dict) else given
            said = f"found {tag!r}" if tag is not None else "missing"
            kinds = details.get("ctx", {}).get("expected_tags") or ", ".join(
                repr(typing.get_args(m.model_fields["kind"].annotation)[0])
                for m in members(_child(annotation, value, str(last)))
            )
            return f"{field}.kind: {said}; allowed are {kinds}"
        case "value_error" if not isinstance(given, str | int | float):
            return f"{field}: {message}" if field else message
        case _:
            allowed_text = message[0].lower() + message[1:]
            return f"{field}: found {given!r}; {allowed_text}"
