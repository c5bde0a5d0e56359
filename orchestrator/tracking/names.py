"""What runs, parameters and metrics are called in MLflow."""

import hashlib
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from actors.metrics.base import Measure
from orchestrator.analysis import words

NOT_ALLOWED = re.compile(r"[^\w.\- :]")
LONGEST_NAME = 250


def valid_name(name: str) -> str:
    """Return a name that MLflow accepts for a metric, parameter or tag.

    A name that it would refuse, such as a sweep's label `ddpm+edm`, keeps what can be kept and
    ends with a hash, so that two different names stay different.
    """
    levels = name.split("/")
    valid = "/".join("_" if x in ("", ".", "..") else NOT_ALLOWED.sub("_", x) for x in levels)
    if valid == name and len(name) <= LONGEST_NAME:
        return name
    ending = f"-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    return valid[: LONGEST_NAME - len(ending)] + ending


def metric_name(generator: str, measure: Measure) -> str:
    """Return a measure's name in an arm's run: behind what it is of, and whose."""
    if measure.subject == "training_set":
        return f"training_set/{measure.metric}/{generator}"
    return f"{generator}/{own_metric_name(measure)}"


def own_metric_name(measure: Measure) -> str:
    """Return a measure's name in its generator's run, e.g. frechet_distance."""
    if measure.subject == "training_set":
        return f"training_set/{measure.metric}"
    return words.metric_name(measure.metric, measure.subject)


def share_name(share: dict[str, Any]) -> str:
    """Return the name of a source's share of a training set in a generator's run."""
    return f"training_set/selected_share/{share['value']}"


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one mapping of dotted paths."""
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        path: leaf
        for key, inner in value.items()
        for path, leaf in flatten(inner, f"{prefix}.{key}" if prefix else str(key)).items()
    }


@cache
def git_commit() -> str | None:
    """Return the commit of this source tree, None outside a checkout."""
    folder = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
