"""Evaluation: entropy, generalization, Fréchet distance, variance, pictures."""

MEASURES = "measures.json"
GRID = "grid.png"
