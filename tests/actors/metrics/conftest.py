"""One thread: on a busy machine those of faiss, BLAS and torch wait for each other."""

from collections.abc import Iterator

import faiss  # noqa: F401
import pytest
import torch  # noqa: F401
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield
