"""Tracking in MLflow: nested runs, found again by key, written beside the work.

experiment -> arm -> generator; in a sweep: sweep -> trial -> generator.
"""

from orchestrator.tracking.log import Log
from orchestrator.tracking.server import check_answers
from orchestrator.tracking.tracker import Tracker

__all__ = ["Log", "Tracker", "check_answers"]
