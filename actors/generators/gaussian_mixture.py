"""A mixture of Gaussians over pixels, fitted by expectation maximisation: a generator whose density
is known. Dempster, Laird, Rubin, "Maximum likelihood from incomplete data", JRSS B 1977."""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file

from actors.errors import UserError
from actors.generators.family import Conduct, Draw, TrainedFamily, TrainingNeeds, TrainingSet
from actors.seeds import derive_seed

WEIGHTS, PARAMETERS = "mixture.safetensors", "mixture.json"


@dataclass(frozen=True)
class Mixture:
    """A fitted mixture over d = channels x height x width pixels in [-1, 1], all float64.

    Attributes:
        weights: (k,), of sum 1.
        means: (k, d).
        scale_tril: (k, d, d) lower Cholesky factors of the covariances.
    """

    weights: torch.Tensor
    means: torch.Tensor
    scale_tril: torch.Tensor
    converged: bool = True


class GaussianMixture(TrainedFamily):
    """scikit-learn's Gaussian mixture; `components: 1` is a single Gaussian."""

    has_density: ClassVar[bool] = True

    kind: Literal["gaussian_mixture"]
    components: int = Field(10, ge=1, description="Gaussians in the mixture")
    covariance: Literal["full", "diag", "tied", "spherical"] = Field(
        "full", description="each its own; diagonal; one for all; one variance each"
    )
    regularization: float = Field(1e-3, ge=0, description="added to the variance of every pixel")
    fit_iterations: int = Field(100, ge=1, description="most iterations of the fit")

    @property
    def needs(self) -> TrainingNeeds:
        return TrainingNeeds(rows=max(2, self.components))

    @property
    def gaussian(self) -> Literal["full", "diag", "spherical"] | None:
        if self.components > 1 or self.regularization > 0:
            return None
        return "full" if self.covariance == "tied" else self.covariance

    def train(self, data: TrainingSet, seed: int, conduct: Conduct) -> Mixture:
        """Fit the mixture.

        Raises:
            UserError: fewer rows than components, or a covariance is singular.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture as Estimator

        if data.rows < self.needs.rows:
            raise UserError(
                f"components: found {self.components}, but the training set has {data.rows} rows; "
                f"at least {self.needs.rows} are needed"
            )
        images = torch.from_numpy(data.images(np.arange(data.rows))).permute(0, 3, 1, 2)
        estimator = Estimator(
            self.components,
            covariance_type=self.covariance,
            reg_covar=self.regularization,
            max_iter=self.fit_iterations,
            random_state=derive_seed(seed, "mixture") % 2**32,
        )
        conduct.report(0.0, f"fitting {self.components} components to {data.rows} rows")
        try:
            with warnings.catch_warnings():
                # what fit_iterations is for; the checkpoint says whether it came to an end
                warnings.simplefilter("ignore", ConvergenceWarning)
                estimator.fit(images.flatten(1).double().div(127.5).sub(1).numpy())
        except ValueError as error:
            if "covariance" not in str(error):
                raise
            raise UserError(
                f"regularization: found {self.regularization:g}, with which a covariance is "
                "singular; allowed is more, or fewer components"
            ) from None
        means = torch.from_numpy(estimator.means_)
        covariances = FULL[self.covariance](torch.from_numpy(estimator.covariances_), *means.shape)
        return Mixture(
            torch.from_numpy(estimator.weights_),
            means,
            torch.linalg.cholesky(covariances),
            bool(estimator.converged_),
        )

    def save(self, model: Mixture, folder: Path) -> None:
        components, pixels = model.means.shape
        parameters = {"components": components, "pixels": pixels, "converged": model.converged}
        (folder / PARAMETERS).write_text(json.dumps(parameters, indent=1), encoding="utf-8")
        tensors = {name: getattr(model, name) for name in ("weights", "means", "scale_tril")}
        save_file({n: t.contiguous() for n, t in tensors.items()}, folder / WEIGHTS)

    def load(self, folder: Path, device: torch.device) -> Mixture:
        parameters = json.loads((folder / PARAMETERS).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS, device=str(device))
        return Mixture(**tensors, converged=parameters["converged"])

    def sample(self, model: Mixture, draw: Draw) -> tuple[torch.Tensor, None]:
        """Return mean + L z of a component picked by a uniform that belongs to the sample."""
        noise = draw.noise(0)
        z = noise.flatten(1).double()
        uniform = torch.special.ndtr(draw.noise(1)[:, 0, 0, 0].double())
        # without the last edge, which rounding may leave below 1
        edges = model.weights.cumsum(0)[:-1]
        component = torch.searchsorted(edges, uniform, right=True)
        pixels = model.means[component]
        for k in component.unique().tolist():
            here = component == k
            pixels[here] += z[here] @ model.scale_tril[k].T
        return pixels.float().reshape(noise.shape), None


# scikit-learn's covariances_ for k components of d pixels to (k, d, d)
FULL: dict[str, Callable[[torch.Tensor, int, int], torch.Tensor]] = {
    "full": lambda matrices, k, d: matrices,
    "tied": lambda matrix, k, d: matrix.expand(k, d, d),
    "diag": lambda variances, k, d: variances.diag_embed(),
    "spherical": lambda variances, k, d: variances[:, None].expand(k, d).diag_embed(),
}
