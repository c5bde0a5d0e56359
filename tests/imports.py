"""What each module of the project imports, read in the syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# run with the module, in a function, or seen by type checkers only
WHERE = TOP, FUNCTION, TYPING = "top", "function", "typing"


class Import(NamedTuple):
    """An import: the module that has it, what it imports, and when: `where` is one of WHERE."""

    importer: str
    imported: str
    where: str


def modules(root: Path, packages: tuple[str, ...]) -> dict[str, Path]:
    """Return the files of some packages by the dotted names of their modules."""
    found = {}
    for package in packages:
        for file in sorted((root / package).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(files: dict[str, Path]) -> list[Import]:
    """Return every import of some modules, those for type checking included."""
    found = []
    for name, file in files.items():
        for node, where in _statements(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            else:
                # what is imported from a package may be a module of it
                full = [f"{node.module}.{one.name}" for one in node.names]
                names = [one if one in files else str(node.module) for one in full]
            found += [Import(name, one, where) for one in names]
    return found


def _statements(
    node: ast.AST, where: str = TOP
) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, where
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _statements(child, FUNCTION)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from _statements(child, TYPING)
        else:
            yield from _statements(child, where)


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Return names that lead in a circle, the first of them at both ends; [] where none do."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in done:
            for other in sorted(edges.get(name, ())):
                if way := visit(other, [*path, name]):
                    return way
            done.add(name)
        return []

    return next((way for name in sorted(edges) if (way := visit(name, []))), [])


def loaded(name: str, found: list[Import]) -> set[str]:
    """Return what importing a module imports at once, in turn, with the packages it is in."""
    by_importer: dict[str, set[str]] = {}
    for one in found:
        if one.where == TOP:
            by_importer.setdefault(one.importer, set()).add(one.imported)
    left, seen = [name], set[str]()
    while left:
        parts = left.pop().split(".")
        for module in (".".join(parts[: length + 1]) for length in range(len(parts))):
            if module not in seen:
                seen.add(module)
                left += by_importer.get(module, ())
    return seen
