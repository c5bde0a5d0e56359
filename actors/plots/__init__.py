"""Pictures of arrays: image grids, pairs of near images, projections. None knows of runs."""
