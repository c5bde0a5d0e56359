"""Pages, charts and pictures of arrays. None knows of runs."""
