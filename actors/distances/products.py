"""Matrix products of low precision that find the pairs of rows which can be near each other."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from actors.distances.rounding import relative_error, underflow

# rows and centres of one product, which then stays in the cache
ROW_BLOCK = 2048
CENTRE_BLOCK = 1024
# products that a GPU does at once, so that it does not wait for calls
CUDA_BLOCKS = 4
# length of centres of which float32 holds the products
LONGEST = 2.0**60


def fast_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device multiplies it faster than float32, else float32."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return torch.bfloat16 if fast else torch.float32


def row_block(device: torch.device) -> int:
    """Return how many rows one product has."""
    return ROW_BLOCK * (CUDA_BLOCKS if device.type == "cuda" else 1)


@contextmanager
def whole_precision() -> Iterator[None]:
    """Multiply and convolve without TF32 on a GPU, and add in float32.

    The flags are those of the process; on leaving they are what they were before.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    tf32 = matmul.allow_tf32, cudnn.allow_tf32
    reduced = matmul.allow_bf16_reduced_precision_reduction
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    matmul.allow_bf16_reduced_precision_reduction = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = tf32
        matmul.allow_bf16_reduced_precision_reduction = reduced


class Products:
    """Products x.c - |c|^2 / 2 of blocks of rows with blocks of centres, and how far to trust them.

    They are half of |x|^2 - |x - c|^2: the norm of c is put beside it as two more coordinates.
    Both are taken about an origin and scaled: that does not matter to what is near what, but far
    from the origin a product loses digits, and out of scale it overflows.
    Work space is kept, as fresh memory of this size costs more than what is done in it.
    """

    def __init__(self, origin: torch.Tensor, scale: float = 1.0) -> None:
        """Take a (d,) float32 origin and a power of two that most rows are brought to size by."""
        dimension, device = len(origin), origin.device
        self._moved = origin * -scale
        self._scale = scale
        # on a GPU float32 is fast enough, and leaves far fewer pairs to be decided exactly: of
        # Gaussian rows of 3,072 dimensions a seventh
        self._dtype = torch.float32 if device.type == "cuda" else fast_dtype(device)
        rows = row_block(device)
        self._left = torch.ones(rows, dimension + 2, dtype=self._dtype, device=device)
        self._right = torch.empty(CENTRE_BLOCK, dimension + 2, dtype=self._dtype, device=device)
        self._product = torch.empty(rows * CENTRE_BLOCK, dtype=self._dtype, device=device)
        self._unit = torch.finfo(self._dtype).eps / 2
        # d + 2 roundings of sums of up to |x|^2 + 2 |c|^2, those of x and c, and of the limit;
        # what adds on a GPU cuts digits off, which is twice the rounding
        roundings = (4 if device.type == "cuda" else 2) * (dimension + 8)
        self._sum = relative_error(roundings, np.float32) * (1 + self._unit) ** 2 + self._unit**2
        self._underflow = underflow(dimension)

    def sizes(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the (m, 2) float64 norms of (m, d) vectors and of what rounding takes away.

        Both are of the vectors about the origin, scaled.
        """
        moved = self._centred(vectors)
        norms = torch.linalg.vector_norm(moved, dim=1, dtype=torch.float64)
        lost = torch.zeros_like(norms)
        if self._dtype != moved.dtype:
            lost = torch.linalg.vector_norm(moved - moved.to(self._dtype), dim=1).double()
        return torch.stack((norms, lost), dim=1)

    def set_centres(self, vectors: torch.Tensor, sizes: torch.Tensor) -> None:
        """Take the (m, d) centres that rows are compared with from now on."""
        m, d = vectors.shape
        right = self._right[:m]
        half = sizes[:, 0].square() / -2
        self._centred(vectors, right[:, :d])
        right[:, d] = half
        right[:, d + 1] = half - right[:, d]
        self._centres = right.T
        self._largest = sizes.max(dim=0).values

    def possible(
        self, vectors: torch.Tensor, sizes: torch.Tensor, squared: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return every pair that can be a row's nearest one and below its squared distance.

        Args:
            vectors: (m, d) float32 rows, of which scaled float32 holds the squared lengths.
            sizes: their sizes.
            squared: (m,) float64, not scaled.

        Returns:
            Rows and centres of the pairs, (p,) each, ascending by row.
        """
        m, d = vectors.shape
        columns = self._centres.shape[1]
        if self._largest[0] > LONGEST:
            row, column = torch.nonzero(squared.new_ones(m, columns), as_tuple=True)
            return row, column
        left = self._left[:m]
        self._centred(vectors, left[:, :d])
        product = self._product[: m * columns].view(m, columns)
        with whole_precision():
            torch.mm(left, self._centres, out=product)
        squared = squared * self._scale**2
        slack = self._slack(sizes, squared)
        norms = sizes[:, 0].square()
        best = product.amax(dim=1).double()
        near = torch.nonzero(norms - 2 * best - slack < squared)[:, 0]
        # below the squared distance, and within rounding of the nearest
        least = torch.maximum((norms - slack - squared) / 2, best - slack)[near]
        row, column = torch.nonzero(product[near] >= least.float()[:, None], as_tuple=True)
        return near[row], column

    def _centred(self, vectors: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        return torch.add(self._moved, vectors, alpha=self._scale, out=out)

    def _slack(self, sizes: torch.Tensor, squared: torch.Tensor) -> torch.Tensor:
        """Return how far |x|^2 - 2 product may be from the squared distance where that decides.

        A product that is rounded once more at the end is, where it decides, half of no more than
        |x|^2 and the known squared distance; rounding keeps the order of the others.
        """
        norm, lost = sizes.T
        centre_norm, centre_lost = self._largest
        norms = norm.square() + centre_norm.square()
        inputs = 2 * (lost * centre_norm + (norm + lost) * centre_lost)
        before = inputs + self._sum * norms + self._underflow
        return before + self._unit * (norm.square() + torch.minimum(squared, 2 * norms) + before)
