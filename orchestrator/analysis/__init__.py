"""Analysis: means, intervals, paired differences, what is best, and what may be compared at all.

The terminal, MLflow, the report and Ray Tune ask here, so that all of them say the same.
"""
