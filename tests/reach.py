"""What code can be reached from some methods, found in the syntax trees of a package.

Every name is followed, to functions, classes and constants in whichever module they are. Of a class
come the methods whose names occur anywhere in what is reached, and those that Python or a library
calls. Texts hold no comments, docstrings, annotations of functions, messages of errors or places.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

# fields of syntax trees that say nothing, or something to people: `msg` of an assertion
LEFT_OUT = {"ctx", "kind", "msg", "returns", "type_comment"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# bases and decorators from elsewhere that call no method but those with two underscores
PLAIN_BASES = {"ABC", "ArithmeticError", "BaseModel", "Exception", "Generic", "NamedTuple"}
PLAIN_BASES |= {"OSError", "Protocol", "ValueError"}
PLAIN_DECORATORS = {"abstractmethod", "cache", "cached_property", "classmethod", "contextmanager"}
PLAIN_DECORATORS |= {"lru_cache", "property", "setter", "staticmethod"}


@dataclass(frozen=True, eq=False)
class Module:
    """What the names of a module stand for.

    Attributes:
        package: that it belongs to.
        imports: dotted path by name.
        definitions: the statements that bind a name.
        loose: statements that bind none and are run on import.
        calls_by_text: whether texts in it may be names of methods, for getattr.
    """

    package: Path
    name: str
    imports: dict[str, str] = field(default_factory=dict)
    definitions: defaultdict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    loose: list[ast.stmt] = field(default_factory=list)
    calls_by_text: bool = False

    def is_ours(self, path: str) -> bool:
        """Whether a dotted path leads into the package."""
        return path.partition(".")[0] == self.package.name

    def path(self, node: ast.expr, imports: dict[str, str]) -> str | None:
        """Return the dotted path of a name, or of an attribute of a module; None for others."""
        if isinstance(node, ast.Name):
            defined = f"{self.name}.{node.id}" if node.id in self.definitions else None
            return imports.get(node.id, defined)
        path = self.path(node.value, imports) if isinstance(node, ast.Attribute) else None
        if path and isinstance(node, ast.Attribute):
            is_module = not self.is_ours(path) or read_module(self.package, path)
            return f"{path}.{node.attr}" if is_module else None
        return None


class Method(NamedTuple):
    """A method of a class that is reached, by the dotted path of the class."""

    path: str
    module: Module
    owner: ast.ClassDef
    node: ast.FunctionDef | ast.AsyncFunctionDef


def reach(package: Path, roots: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the texts of all definitions that some methods can reach, by their dotted paths.

    Args:
        package: its folder.
        roots: names of methods by the dotted path of their class.

    Raises:
        LookupError: something named is not there.
    """
    texts: dict[str, str] = {}
    left = list(roots)
    # names that a method may be called by, and methods by names that none is called by so far
    called = {name for names in roots.values() for name in names}
    waiting: defaultdict[str, list[Method]] = defaultdict(list)

    def take(path: str, module: Module, statements: list[ast.stmt]) -> None:
        if path not in texts:
            written = [_write(module, statement) for statement in statements]
            texts[path] = "\n".join(one.text for one in written)
            for one in written:
                left.extend(one.paths)
                called.update(one.names)

    while left or called & waiting.keys():
        while left:
            for path, module, statements in _find(package, left.pop()):
                if path in texts:
                    continue
                take(path, module, statements)
                for method in _methods(path, module, statements):
                    if _is_hook(method):
                        take(f"{path}.{method.node.name}", module, [method.node])
                    else:
                        waiting[method.node.name].append(method)
        for name in called & waiting.keys():
            for method in waiting.pop(name):
                take(f"{method.path}.{name}", method.module, [method.node])
    return texts


def _find(package: Path, path: str) -> Iterator[tuple[str, Module, list[ast.stmt]]]:
    """Yield what a dotted path of the package stands for, and what is run on its import."""
    parts = path.split(".")
    module, name = None, ""
    for length in range(1, len(parts) + 1):
        found = read_module(package, ".".join(parts[:length]))
        if found is None:
            break
        module, name = found, ".".join(parts[length : length + 1])
        yield f"{module.name}:", module, module.loose
    if module is None:
        raise LookupError(f"{path}: no module")
    for one in [name] if name else [*module.definitions, *module.imports]:
        if one in module.definitions:
            yield f"{module.name}.{one}", module, module.definitions[one]
        elif one not in module.imports:
            raise LookupError(f"{path}: {module.name} has no {one}")
        elif module.is_ours(module.imports[one]):
            yield from _find(package, module.imports[one])


def _methods(path: str, module: Module, statements: list[ast.stmt]) -> Iterator[Method]:
    """Yield the methods of the classes among some statements."""
    for owner in statements:
        if isinstance(owner, ast.ClassDef):
            for node in owner.body:
                if isinstance(node, FUNCTIONS):
                    yield Method(path, module, owner, node)


def _is_hook(method: Method) -> bool:
    """Whether Python or a library calls a method that nobody names."""
    _, module, owner, node = method
    decorated = any(_last(one) not in PLAIN_DECORATORS for one in node.decorator_list)
    foreign = any(
        _last(base) not in PLAIN_BASES | module.definitions.keys()
        and not module.is_ours(module.imports.get(_last(base), ""))
        for base in owner.bases
    )
    return decorated or foreign or node.name.startswith("__")


@dataclass
class _Written:
    """A statement as text, and what it names.

    Attributes:
        imports: dotted path by name.
        paths: dotted paths in the package.
        names: attributes, and texts that may be such.
    """

    module: Module
    imports: dict[str, str]
    text: str = ""
    paths: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def write(self, node: object, silent: bool = False, top: bool = False) -> str:
        """Return a syntax tree as text.

        Args:
            silent: whether words for people are left out.
            top: whether methods are left out, being definitions of their own.
        """
        match node:
            case (
                None
                | ast.Import()
                | ast.ImportFrom()
                | ast.keyword(arg="description")
                | ast.Expr(value=ast.Constant(value=str()))
            ):
                return ""
            case ast.Constant(value=str() as words):
                self.names.update({words} if self.module.calls_by_text else ())
                return "" if silent else repr(words)
            case ast.Name() | ast.Attribute() if path := self.module.path(node, self.imports):
                self.paths.update({path} if self.module.is_ours(path) else ())
                return _last(node) if self.module.is_ours(path) else path
            case list():
                parts = [self.write(one, silent) for one in node]
                return f"[{' '.join(filter(None, parts))}]" if any(parts) else ""
            case ast.AST():
                left_out = isinstance(node, ast.JoinedStr) and silent
                text = f"({type(node).__name__}{self._fields(node, silent, top)})"
                return "" if left_out else text
        return repr(node)

    def _fields(self, node: ast.AST, silent: bool, top: bool) -> str:
        silent = silent or isinstance(node, ast.Raise)
        self.names.update({node.attr} if isinstance(node, ast.Attribute) else ())
        text = ""
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                self._annotated(value)
            if name in LEFT_OUT or (isinstance(node, ast.arg) and name != "arg"):
                continue
            methods = top and name == "body" and isinstance(node, ast.ClassDef)
            kept = [one for one in value if not isinstance(one, FUNCTIONS)] if methods else value
            if written := self.write(kept, silent):
                text += f" {name}={written}"
        return text

    def _annotated(self, annotation: ast.expr | None) -> None:
        """Take what an annotation names, which is what may be given; it may be a text."""
        self.write(annotation)
        for node in ast.walk(annotation) if annotation else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.write(ast.Name(node.value, ast.Load()))


@cache
def _write(module: Module, statement: ast.stmt) -> _Written:
    """Return a statement of a module as text."""
    imports = dict(module.imports)
    for node in ast.walk(statement):
        imports |= _imported(node)
    written = _Written(module, imports)
    written.text = written.write(statement, top=True)
    return written


@cache
def read_module(package: Path, name: str) -> Module | None:
    """Return the module of a dotted path, None where the package has none."""
    first, *rest = name.split(".")
    path = package.joinpath(*rest)
    files = (path.with_suffix(".py"), path / "__init__.py")
    file = next(filter(Path.is_file, files), None)
    if first != package.name or file is None:
        return None
    source = file.read_text(encoding="utf-8")
    module = Module(package, name, calls_by_text="getattr(" in source)
    left = ast.parse(source).body
    while left:
        statement = left.pop(0)
        if isinstance(statement, ast.If) and _last(statement.test) == "TYPE_CHECKING":
            left = [*statement.body, *statement.orelse, *left]
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            module.imports.update(_imported(statement))
        elif names := set(_bound(statement)):
            for one in names:
                module.definitions[one].append(statement)
        else:
            module.loose.append(statement)
    return module


def _imported(node: ast.AST) -> dict[str, str]:
    """Return what an import gives names to, by name; nothing for another statement."""
    if isinstance(node, ast.Import):
        whole = {one.asname: one.name for one in node.names if one.asname}
        firsts = [one.name.split(".")[0] for one in node.names if not one.asname]
        return whole | {one: one for one in firsts}
    if isinstance(node, ast.ImportFrom):
        if node.level or any(one.name == "*" for one in node.names):
            raise LookupError(f"line {node.lineno}: allowed are imports of names by whole paths")
        return {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return {}


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module binds."""
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name
        yield from _imported(node)


def _last(node: ast.expr) -> str:
    """Return the last name of a dotted path that may be called or subscripted."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Call():
            return _last(node.func)
        case ast.Subscript():
            return _last(node.value)
    return ""
