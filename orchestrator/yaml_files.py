"""Reading YAML that anybody may have written: safe types only, within bounds, mistakes by line."""

from pathlib import Path
from typing import Any

import yaml

from actors.errors import UserError

MOST_BYTES = 1 << 20
MOST_VALUES = 100_000
DEEPEST = 50

# libyaml where PyYAML was built with it: ten times as fast
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: str) -> Any:
    """Read a YAML file.

    Raises:
        UserError: it is not there, is too large, is no YAML, or names a field twice.
    """
    try:
        size = Path(path).stat().st_size
        text = Path(path).read_text(encoding="utf-8") if size <= MOST_BYTES else ""
    except (OSError, UnicodeDecodeError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UserError(f"configuration {path!r}: {cause}; give a YAML file") from None
    if size > MOST_BYTES:
        raise UserError(
            f"configuration {path!r}: found {size:,} bytes; allowed are up to {MOST_BYTES:,}"
        )
    return parse_yaml(text, f"configuration {path!r}")


def parse_yaml(text: str, where: str) -> Any:
    """Return the value of a YAML document.

    Args:
        text: the document.
        where: what it is called in messages.

    Raises:
        UserError: it is no YAML, is too large or too deep once its aliases are written out, refers
            to itself, or names a field twice.
    """
    try:
        _check_size(text, where)
        loader = Loader(text)
        try:
            node = loader.get_single_node()
            _check_keys(node, where)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    # a number of 5,000 digits or the 31st of February is a ValueError
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{where}: {' '.join(str(error).split())}") from None


def _check_size(text: str, where: str) -> None:
    """Raise UserError for a document that would take too long or too much memory to build.

    Parser events are read one by one, which takes no recursion, and an alias counts as much as
    what it stands for.
    """
    values = depth = 0
    # values before each collection that is open, with its anchor
    opened: list[tuple[int, str | None]] = []
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for _, anchor in opened):
                raise UserError(f"{where}: line {line}: *{event.anchor} contains itself")
            # an unknown alias is refused by the parser afterwards
            values += sizes.get(str(event.anchor), 0)
        elif isinstance(event, yaml.ScalarEvent):
            values += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            values += 1
            opened.append((values - 1, event.anchor))
            depth = max(depth, len(opened))
        elif isinstance(event, yaml.CollectionEndEvent):
            before, anchor = opened.pop()
            if anchor:
                sizes[anchor] = values - before
        if depth > DEEPEST:
            raise UserError(
                f"{where}: line {line}: found more than {DEEPEST} levels; allowed are {DEEPEST}"
            )
        if values > MOST_VALUES:
            raise UserError(
                f"{where}: line {line}: found more than {MOST_VALUES:,} values, aliases written "
                f"out; allowed are {MOST_VALUES:,}"
            )


def _check_keys(node: yaml.Node | None, where: str, path: str = "") -> None:
    """Raise UserError for a key that is no plain value or stands twice in its mapping."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item, where, path)
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise UserError(
                f"{where}: line {line}: found a {key.id} as the name of a field; allowed is text"
            )
        here = f"{path}.{key.value}" if path else str(key.value)
        if key.value in lines:
            raise UserError(
                f"{here}: named twice, in lines {lines[key.value]} and {line}; allowed is once"
            )
        lines[key.value] = line
        _check_keys(value, where, here)
