"""Selection: choosing rows among candidates.

To add a method: a file with its function and its configuration, and its line here.
"""

from actors.selection.greedy import Greedy, greedy
from actors.selection.random import Random, random_rows
from actors.selection.reasons import explain
from actors.selection.selection import Method, Reasons, Selection
from actors.selection.threshold_decay import ThresholdDecay, threshold_decay
from actors.selection.two_level import TwoLevel, two_level

METHODS: dict[str, type[Method]] = {
    "random": Random,
    "greedy": Greedy,
    "threshold_decay": ThresholdDecay,
    "two_level": TwoLevel,
}

__all__ = [
    "METHODS",
    "Method",
    "Reasons",
    "Selection",
    "explain",
    "greedy",
    "random_rows",
    "threshold_decay",
    "two_level",
]
