"""Sweeps: an experiment over a space of its fields, by Ray Tune."""
