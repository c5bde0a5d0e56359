"""Matrix products of low precision that find the pairs of rows which can be near each other."""

import torch

# rows and centres of one product, which then stays in the cache
ROW_BLOCK = 2048
CENTRE_BLOCK = 1024
# rounding of the sum of d float32 products, in units of sqrt(d) 2^-24 (|x|^2 + |c|^2)
SAFETY = 4.0


def fast_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device multiplies it faster than float32, else float32."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return torch.bfloat16 if fast else torch.float32


class Products:
    """Products x.c - |c|^2 / 2 of blocks of rows with blocks of centres, and how far to trust them.

    They are half of |x|^2 - |x - c|^2: the norm of c is put beside it as two more coordinates.
    Work space is kept, as fresh memory of this size costs more than what is done in it.
    """

    def __init__(self, dimension: int, device: torch.device) -> None:
        self._dtype = fast_dtype(device)
        self._left = torch.ones(ROW_BLOCK, dimension + 2, dtype=self._dtype, device=device)
        self._right = torch.empty(CENTRE_BLOCK, dimension + 2, dtype=self._dtype, device=device)
        self._product = torch.empty(ROW_BLOCK * CENTRE_BLOCK, dtype=self._dtype, device=device)
        self._unit = torch.finfo(self._dtype).eps / 2
        self._sum = SAFETY * dimension**0.5 * 2.0**-24 + self._unit**2

    def sizes(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the (m, 2) float32 norms of (m, d) vectors and of what rounding takes away."""
        lost = vectors - vectors.to(self._dtype)
        return torch.stack((vectors.norm(dim=1), lost.norm(dim=1)), dim=1)

    def set_centres(self, vectors: torch.Tensor, sizes: torch.Tensor) -> None:
        """Take the (m, d) centres that rows are compared with from now on."""
        m, d = vectors.shape
        right = self._right[:m]
        half = sizes[:, 0].square() / -2
        right[:, :d] = vectors
        right[:, d] = half
        right[:, d + 1] = half - right[:, d]
        self._centres = right.T
        self._largest = sizes.max(dim=0).values

    def possible(
        self, vectors: torch.Tensor, sizes: torch.Tensor, squared: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return every pair that can be a row's nearest one and below its squared distance.

        Args:
            vectors: (m, d) float32 rows.
            sizes: their sizes.
            squared: (m,) float64.

        Returns:
            Rows and centres of the pairs, (p,) each, ascending by row.
        """
        m, d = vectors.shape
        left = self._left[:m]
        left[:, :d] = vectors
        columns = self._centres.shape[1]
        product = self._product[: m * columns].view(m, columns)
        torch.mm(left, self._centres, out=product)
        slack = self._slack(sizes, squared)
        norms = sizes[:, 0].double().square()
        best = product.amax(dim=1).double()
        near = torch.nonzero(norms - 2 * best - slack < squared)[:, 0]
        # below the squared distance, and within rounding of the nearest
        least = torch.maximum((norms - slack - squared) / 2, best - slack)[near]
        row, column = torch.nonzero(product[near] >= least.float()[:, None], as_tuple=True)
        return near[row], column

    def _slack(self, sizes: torch.Tensor, squared: torch.Tensor) -> torch.Tensor:
        """Return how far |x|^2 - 2 product may be from the squared distance where that decides."""
        norm, lost = sizes.double().T
        centre_norm, centre_lost = self._largest.double()
        norms = norm.square() + centre_norm.square()
        inputs = 2 * (lost * centre_norm + (norm + lost) * centre_lost)
        output = self._unit * (norm.square() + torch.minimum(squared, 2 * norms))
        return inputs + output + self._sum * norms
