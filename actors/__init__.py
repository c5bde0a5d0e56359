"""What does the work: plain functions on arrays in rooms that import one way, workers above."""
