"""Digests of the code behind each kind of step, by which a change of it is noticed.

A step's key holds a number of `orchestrator.steps.VERSIONS` in the place of its code. A line of the
file beside this one says of a kind: its number, and the digest of all code that does such a step.

    python -m tests.digests                after a number was raised
    python -m tests.digests --same-output  after a change that leaves what all steps make the same
"""

import hashlib
import sys
from pathlib import Path

from orchestrator.steps import VERSIONS
from tests.reach import reach

FILE = Path(__file__).with_name("digests.txt")
ACTORS = Path(__file__).resolve().parents[1] / "actors"
# of each kind of step the function that does it, or the class with the method that does
THREADS: dict[str, tuple[str, ...]] = {"actors.workers.worker._use_threads": ()}
ROOTS: dict[str, dict[str, tuple[str, ...]]] = {
    "real": {"actors.workers.real.write": ()},
    "fit": {"actors.workers.embed.fit": (), **THREADS},
    "embed": {"actors.workers.embed.Embedder": ("make",), **THREADS},
    "order": {"actors.workers.select.order": (), **THREADS},
    "select": {"actors.workers.select.select": (), **THREADS},
    "train": {"actors.workers.train.train": (), **THREADS},
    "sample": {"actors.workers.sample.Sampler": ("make",), **THREADS},
    "evaluate": {"actors.workers.evaluate.evaluate": (), **THREADS},
}


def digest(texts: dict[str, str]) -> str:
    """Return the hash of definitions, wherever they are."""
    kept = sorted(filter(None, texts.values()))  # a module that runs nothing on import has no text
    return hashlib.sha256("\0".join(kept).encode()).hexdigest()[:16]


def current() -> dict[str, tuple[int, str]]:
    """Return number and digest of each kind of step as the code now is."""
    return {kind: (VERSIONS[kind], digest(reach(ACTORS, roots))) for kind, roots in ROOTS.items()}


def recorded() -> dict[str, tuple[int, str]]:
    """Return number and digest of each kind of step as the file says."""
    lines = [line.split() for line in FILE.read_text(encoding="utf-8").splitlines()]
    return {kind: (int(number), digest) for kind, number, digest in lines}


def changed(before: dict[str, tuple[int, str]], now: dict[str, tuple[int, str]]) -> list[str]:
    """Return the kinds whose code is another, though their number is not."""
    return [
        kind
        for kind, (number, digest) in now.items()
        if kind in before and before[kind][0] == number and before[kind][1] != digest
    ]


def main(arguments: list[str]) -> int:
    """Write the file; without --same-output only if every kind that changed has a new number."""
    now = current()
    left = changed(recorded(), now) if FILE.exists() and arguments != ["--same-output"] else []
    if left:
        print(
            f"the code of {', '.join(left)} has changed: where the output has too, raise the "
            "number in orchestrator.steps.VERSIONS; then give --same-output for the rest",
            file=sys.stderr,
        )
        return 1
    lines = [f"{kind} {number} {digest}\n" for kind, (number, digest) in now.items()]
    FILE.write_text("".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
