"""Imports go one way, as DESIGN.md draws it; a function imports only what is costly to import."""

from pathlib import Path

import pytest

from tests.imports import FUNCTION, ROOT, TYPING, Import, circle, imports, loaded, modules

# from below to above: a room may import those before it and those beside it
ROOMS = (
    ("errors", "config", "seeds", "batches", "refusals"),
    ("data", "distances", "plots", "pool"),
    ("features",),
    ("generators", "metrics"),
    ("selection",),
    ("curation",),
    ("workers",),
    ("orchestrator",),
)
# libraries, and parts of them, that take a tenth of a second to import, or may not be installed
HEAVY = {
    *("datasets", "diffusers", "duckdb", "faiss", "huggingface_hub", "joblib", "matplotlib"),
    *("mlflow", "optuna", "pandas", "pyarrow", "pyarrow.dataset", "ray", "requests", "scipy"),
    *("scipy.linalg", "scipy.stats", "sklearn", "torch", "torch._dynamo", "torch._dynamo.exc"),
    *("torch_fidelity", "transformers"),
}
# what a library that is light itself brings
BRINGS = {"safetensors.torch": "torch"}
# checks take an experiment by its type, and the experiment calls them
KNOT = {
    ("orchestrator.checks", "orchestrator.config"),
    ("orchestrator.candidates", "orchestrator.config"),
}
# commands put off all that they need: even what is light adds up in `--help`
COMMANDS = ("orchestrator.cli", "orchestrator.commands", "orchestrator.declarations")

TREE = {
    "actors/errors.py": "",
    "actors/data/images.py": "from PIL import Image\n",
    "actors/pool/shards.py": "import pyarrow\nfrom actors.errors import UserError\n",
    "actors/features/network.py": "def run():\n    import torch\n",
    "actors/selection/greedy.py": "import torch\nfrom actors.pool import shards\n",
    "orchestrator/loop.py": "from actors.selection import greedy\n",
}


@pytest.fixture(scope="module")
def found() -> list[Import]:
    return imports(modules(ROOT, ("actors", "orchestrator")))


def room(module: str) -> str:
    """Return the room that a module is in."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "actors" else first


def upward(found: list[Import]) -> list[str]:
    """Return the imports of a room above the importer's, in words."""
    level = {name: place for place, names in enumerate(ROOMS) for name in names}
    return [
        f"{one.importer} imports {one.imported}"
        for one in found
        if one.imported.startswith(("actors.", "orchestrator"))
        and level[room(one.importer)] < level[room(one.imported)]
    ]


def circles(found: list[Import]) -> list[str]:
    """Return the first circle of modules and the first of rooms, in words."""
    edges: dict[str, set[str]] = {}
    between: dict[str, set[str]] = {}
    for one in found:
        if (one.importer, one.imported) in KNOT and one.where == TYPING:
            continue
        edges.setdefault(one.importer, set()).add(one.imported)
        if room(one.importer) != room(one.imported):
            between.setdefault(room(one.importer), set()).add(room(one.imported))
    return [" imports ".join(way) for way in (circle(edges), circle(between)) if way]


def costs(module: str, found: list[Import]) -> set[str]:
    """Return the heavy libraries that importing a module loads."""
    names = {BRINGS.get(name, name) for name in loaded(module, found)}
    return {one for one in HEAVY for name in names if f"{name}.".startswith(f"{one}.")}


def cheap(found: list[Import]) -> list[str]:
    """Return the imports in functions that spare their module no heavy library, in words."""
    return [
        f"{one.importer} imports {one.imported} in a function"
        for one in found
        if one.where == FUNCTION
        and not one.importer.startswith(COMMANDS)
        and not costs(one.imported, found) - costs(one.importer, found)
    ]


def test_no_room_imports_one_above_it(found: list[Import]) -> None:
    assert not upward(found)


def test_neither_modules_nor_rooms_import_in_a_circle(found: list[Import]) -> None:
    assert not circles(found)


def test_a_function_imports_only_what_spares_its_module_a_heavy_library(
    found: list[Import],
) -> None:
    assert not cheap(found)


def planted(root: Path, lines: dict[str, str]) -> list[Import]:
    """Return the imports of a small tree with some lines more at the ends of its files."""
    for name in {**TREE, **lines}:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(TREE.get(name, "") + lines.get(name, ""))
    return imports(modules(root, ("actors", "orchestrator")))


def test_a_tree_that_is_in_order_passes(tmp_path: Path) -> None:
    tree = planted(tmp_path, {})
    assert upward(tree) + circles(tree) + cheap(tree) == []


@pytest.mark.parametrize(
    "line",
    [
        "from actors.selection import greedy\n",
        "import actors.selection.greedy\n",
        "from actors.selection.greedy import greedy\n",
        "def later():\n    from actors.selection.greedy import greedy\n",
        "if TYPE_CHECKING:\n    from actors.selection.greedy import greedy\n",
        "class A:\n    async def later(self):\n        import actors.selection.greedy\n",
    ],
)
def test_an_import_of_a_room_above_is_found_wherever_it_stands(tmp_path: Path, line: str) -> None:
    tree = planted(tmp_path, {"actors/data/images.py": line})
    assert upward(tree) == ["actors.data.images imports actors.selection.greedy"]


def test_rooms_beside_each_other_import_one_another_one_way_only(tmp_path: Path) -> None:
    one = {"actors/data/images.py": "from actors.pool import shards\n"}
    tree = planted(tmp_path, one)
    assert upward(tree) + circles(tree) == []
    tree = planted(tmp_path, {**one, "actors/pool/paths.py": "import actors.data.images\n"})
    assert upward(tree) == []
    assert circles(tree) == ["data imports pool imports data"]


def test_a_circle_is_found_though_a_function_and_a_type_hide_it(tmp_path: Path) -> None:
    hidden = {
        "actors/features/one.py": "if TYPE_CHECKING:\n    import actors.features.pca\n",
        "actors/features/pca.py": "def f():\n    from actors.features import one\n",
    }
    way = "actors.features.one imports actors.features.pca imports actors.features.one"
    assert circles(planted(tmp_path, hidden)) == [way]


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("actors.data.images", "json"),
        ("actors.pool.shards", "pyarrow.compute"),
        ("orchestrator.loop", "torch"),
        ("orchestrator.loop", "actors.features.network"),
    ],
)
def test_an_import_in_a_function_that_spares_nothing_is_found(
    tmp_path: Path, module: str, imported: str
) -> None:
    file = f"{module.replace('.', '/')}.py"
    tree = planted(tmp_path, {file: f"def f():\n    import {imported}\n"})
    assert cheap(tree) == [f"{module} imports {imported} in a function"]


@pytest.mark.parametrize("library", ["mlflow.entities", "scipy.stats", "safetensors.torch"])
def test_an_import_in_a_function_that_spares_a_heavy_library_passes(
    tmp_path: Path, library: str
) -> None:
    line = f"import scipy.sparse\ndef f():\n    import {library}\n"
    assert cheap(planted(tmp_path, {"actors/data/images.py": line})) == []
