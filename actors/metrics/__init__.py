"""Evaluation: what generators made, against what they were trained on and real rows."""

# files of an evaluate step
MEASURES = "measures.json"
SHARES = "shares.json"
# what is drawn, to its file
PICTURES = {"samples": "grid.png", "nearest": "nearest.png", "projection": "projection.png"}
