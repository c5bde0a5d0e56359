from pathlib import Path

import pytest

from tests.digests import digest
from tests.reach import reach, read_module

ROOTS: dict[str, tuple[str, ...]] = {"package.actor.Actor": ("work",)}
FILES = {
    "__init__.py": "",
    "noise.py": "WEYL = 5\ndef noise(x):\n    return x + WEYL\n",
    "base.py": """
class Base:
    def shared(self):
        return 1

    def never_called(self):
        ...
""",
    "registry.py": "from package.models import Model\nKINDS = {'model': Model}\n",
    "models.py": '''
import math
from package import noise as lower
from package.base import Base
from package.errors import Wrong

class Model(Base):
    """A model."""

    size: int = 3

    def work_on(self, x):
        """Work."""
        if x < 0:
            raise Wrong(f"found {x}; allowed is 0 and more")
        return math.sqrt(lower.noise(x)) + self.shared()

    def __len__(self):
        return self.size

    def never_named(self):
        return 0
''',
    "errors.py": "class Wrong(ValueError):\n    ...\n",
    "actor.py": """
from package.registry import KINDS

class Actor:
    def work(self, kind):
        return KINDS[kind]().work_on(2)

    def other(self):
        return self.beside()

    def beside(self):
        return "beside"
""",
}


def digest_with(folder: Path, file: str = "actor.py", old: str = "", new: str = "") -> str:
    """Return the digest of the package with one text in the place of another."""
    read_module.cache_clear()
    package = folder / "package"
    package.mkdir(exist_ok=True)
    for name, text in FILES.items():
        (package / name).write_text(text)
    assert old in FILES[file]
    (package / file).write_text(FILES[file].replace(old, new) if old else FILES[file] + new)
    return digest(reach(package, ROOTS))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("noise.py", "x + WEYL", "x - WEYL"),
        ("noise.py", "WEYL = 5", "WEYL = 7"),
        ("base.py", "return 1", "return 2"),
        ("models.py", "size: int = 3", "size: int = 4"),
        ("models.py", "return self.size", "return 1 + self.size"),
        ("models.py", "x < 0", "x < 1"),
        ("models.py", "math.sqrt", "math.exp"),
        ("models.py", "import math", "import cmath as math"),
        ("registry.py", "'model': Model", "'model': Model, 'other': Model"),
        ("registry.py", "", "print()"),
        ("__init__.py", "", "import os\nos.environ['THREADS'] = '1'"),
        ("actor.py", "work_on(2)", "work_on(3)"),
    ],
)
def test_a_change_of_what_is_computed_is_seen(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    assert digest_with(tmp_path, file, old, new) != digest_with(tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("models.py", "A model.", "The model."),
        ("models.py", "found {x}; allowed is 0 and more", "{x} is below 0"),
        ("models.py", "def work_on(self, x)", "def work_on(self, x: float) -> float"),
        ("models.py", "return self.size", "return self.size  # rows"),
        ("models.py", "return 0", "return 1"),
        ("base.py", "...", "return 3"),
        ("actor.py", '"beside"', '"aside"'),
        ("noise.py", "", "\ndef not_named():\n    return 1\n"),
        ("noise.py", "", "import numpy as np"),
    ],
)
def test_a_change_of_words_or_of_what_is_not_run_is_not(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    assert digest_with(tmp_path, file, old, new) == digest_with(tmp_path)


def test_a_function_may_move_to_another_module_of_another_package(tmp_path: Path) -> None:
    before = digest_with(tmp_path)
    (tmp_path / "package" / "inner").mkdir()
    (tmp_path / "package" / "inner" / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "package" / "inner" / "philox.py").write_text(FILES["noise.py"])
    models = FILES["models.py"].replace(
        "from package import noise", "from package.inner import philox"
    )
    (tmp_path / "package" / "models.py").write_text(models)
    read_module.cache_clear()
    assert digest(reach(tmp_path / "package", ROOTS)) == before


def test_what_is_named_but_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"package\.noise has no nothing"):
        digest_with(tmp_path, "actor.py", "", "from package.noise import nothing\nnothing()")
