"""Features as one array: in memory where they fit well, else in a file that has no name."""

import os
import tempfile

import numpy as np

from actors.data.feature_source import FeatureSource, Progress, blocks
from actors.errors import UserError
from actors.features.limits import memory_left

# share of the available memory that features may take; selection and measures need some too
SHARE = 0.25


def load(source: FeatureSource, progress: Progress | None = None, first: int = 0) -> np.ndarray:
    """Return every row of a source, (N, d) float32; `first` is the number of its first row.

    Raises:
        UserError: rows hold NaN or infinity, or there is no room for them.
    """
    features = allocate(source.rows, source.dimension)
    for start, block in blocks(source, progress, first):
        features[start : start + len(block)] = block
    return features


def allocate(rows: int, dimension: int) -> np.ndarray:
    """Return an empty (rows, dimension) float32 array in memory or mapped from an unlinked file."""
    size = 4 * rows * dimension
    if size < SHARE * available_memory():
        return np.empty((rows, dimension), np.float32)
    with tempfile.TemporaryFile(prefix="ouroboros-") as file:
        try:
            # a hole in a file that the disk cannot fill later ends the process, without a word
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
        except OSError as error:
            raise UserError(
                f"input: its features take {size / 1e9:,.1f} GB, more than {SHARE:.0%} of the "
                f"available memory and more than {tempfile.gettempdir()} has room for "
                f"({error.strerror}); name a folder with more room in TMPDIR"
            ) from None
        return np.memmap(file, np.float32, "r+", shape=(rows, dimension)).view(np.ndarray)


def available_memory() -> int:
    """Return the bytes of memory that are free, on the machine and within control groups."""
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return int(min(os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE"), memory_left()))
