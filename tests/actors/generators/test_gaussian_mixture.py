from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits
from sklearn.mixture import GaussianMixture as Estimator

from actors.errors import UserError
from actors.generators import GENERATORS
from actors.generators.family import Conduct, Draw, TrainingSet
from actors.generators.gaussian_mixture import Mixture
from actors.seeds import derive_seed

CONDUCT = Conduct(torch.device("cpu"))
SHAPE = (4, 4, 1)


def family(**fields: Any) -> Any:
    return GENERATORS["gaussian_mixture"].model_validate({"kind": "gaussian_mixture", **fields})


def pixels(rows: int) -> np.ndarray:
    """Return the middles of digits, (rows, 4, 4, 1) uint8."""
    return (load_digits().images[:rows, 2:6, 2:6, None] * 15.9).astype(np.uint8)


def training_set(rows: int) -> TrainingSet:
    images = pixels(rows)
    return TrainingSet(lambda chosen: images[chosen], rows, SHAPE)


def known(components: int = 3) -> Mixture:
    torch.manual_seed(0)
    factors = torch.randn(components, 16, 16).double().tril(-1) * 0.05
    factors += torch.diag_embed(torch.rand(components, 16).double() * 0.2 + 0.1)
    weights = torch.arange(1.0, components + 1).double()
    return Mixture(weights / weights.sum(), torch.rand(components, 16).double() - 0.5, factors)


def log_density(model: Mixture, rows: np.ndarray) -> np.ndarray:
    """Return the (n,) log densities of (n, d) rows by SciPy's normal distributions."""
    each = [
        np.log(weight) + multivariate_normal(mean, factor @ factor.T).logpdf(rows)
        for weight, mean, factor in zip(
            model.weights.numpy(), model.means.numpy(), model.scale_tril.numpy(), strict=True
        )
    ]
    return np.asarray(logsumexp(each, axis=0))


@pytest.mark.parametrize("covariance", ["full", "diag", "tied", "spherical"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fit_is_scikit_learns_and_gives_its_scores(covariance: str) -> None:
    data = training_set(300)
    # sixteen components for sixteen pixels: shapes alone would not tell the types apart
    model = family(components=16, covariance=covariance, regularization=0.01, fit_iterations=5)
    fitted = model.train(data, 7, CONDUCT)
    scaled = pixels(400).reshape(400, 16) / 127.5 - 1
    estimator = Estimator(
        16,
        covariance_type=covariance,
        reg_covar=0.01,
        max_iter=5,
        random_state=derive_seed(7, "mixture") % 2**32,
    ).fit(scaled[:300])
    np.testing.assert_allclose(
        log_density(fitted, scaled), estimator.score_samples(scaled), rtol=1e-6
    )


def test_samples_have_the_moments_of_the_mixture() -> None:
    model = known()
    images, labels = family().sample(model, Draw(3, torch.arange(40_000), SHAPE))
    assert labels is None
    assert images.shape == (40_000, 1, 4, 4)
    weights = model.weights[:, None]
    mean = (weights * model.means).sum(0)
    within = model.scale_tril @ model.scale_tril.mT
    apart = (model.means - mean)[:, :, None] * (model.means - mean)[:, None, :]
    covariance = (weights[:, :, None] * (within + apart)).sum(0)
    rows = images.flatten(1).double()
    torch.testing.assert_close(rows.mean(0), mean, atol=0.01, rtol=0)
    torch.testing.assert_close(rows.T.cov(), covariance, atol=0.01, rtol=0)


def test_samples_of_one_component_follow_it_and_the_components_their_weights() -> None:
    model = known()
    centres = torch.tensor([[-9.0], [0.0], [9.0]]).double()
    far = Mixture(model.weights, centres.expand(3, 16), model.scale_tril)
    images, _ = family().sample(far, Draw(0, torch.arange(6000), SHAPE))
    nearest = (images.flatten(1).mean(1) / 9).round().long() + 1
    shares = torch.bincount(nearest, minlength=3) / 6000
    torch.testing.assert_close(shares.double(), model.weights, atol=0.02, rtol=0)
    rows = images.flatten(1)[nearest == 2].double()
    torch.testing.assert_close(
        rows.T.cov(), model.scale_tril[2] @ model.scale_tril[2].T, atol=0.01, rtol=0
    )


def test_a_sample_depends_on_its_seed_and_index_alone() -> None:
    model, gaussians = family(), known()
    whole, _ = model.sample(gaussians, Draw(5, torch.arange(30), SHAPE))
    backwards = [
        model.sample(gaussians, Draw(5, torch.arange(i, i + 6), SHAPE))[0]
        for i in (24, 18, 12, 6, 0)
    ]
    torch.testing.assert_close(torch.cat(backwards[::-1]), whole)
    other, _ = model.sample(gaussians, Draw(6, torch.arange(30), SHAPE))
    assert len(torch.unique(torch.cat((whole, other)).flatten(1), dim=0)) == 60


def test_a_saved_model_is_the_same_when_opened_and_no_pickle(tmp_path: Path) -> None:
    model = family(components=1, regularization=0.01)
    fitted = model.train(training_set(50), 0, CONDUCT)
    assert fitted.converged
    model.save(fitted, tmp_path)
    opened = model.load(tmp_path, torch.device("cpu"))
    for name in ("weights", "means", "scale_tril"):
        assert torch.equal(getattr(opened, name), getattr(fitted, name))
    assert opened.converged
    assert {file.suffix for file in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_one_component_is_the_gaussian_with_the_mean_and_covariance_of_the_rows() -> None:
    fitted = family(components=1, regularization=0).train(training_set(500), 0, CONDUCT)
    rows = pixels(500).reshape(500, 16) / 127.5 - 1
    covariance = fitted.scale_tril[0] @ fitted.scale_tril[0].T
    np.testing.assert_allclose(fitted.means[0], rows.mean(0), atol=1e-9)
    np.testing.assert_allclose(covariance, np.cov(rows.T, bias=True), atol=1e-9)


def test_a_fit_that_was_cut_short_says_so() -> None:
    assert not family(fit_iterations=1).train(training_set(300), 0, CONDUCT).converged


def test_too_few_rows_and_singular_covariances_are_one_line_that_names_the_field() -> None:
    assert family(components=20).needs.rows == 20
    assert family(components=1).needs.rows == 2
    with pytest.raises(UserError, match=r"^components: found 20, but the training set has 9 rows"):
        family(components=20).train(training_set(9), 0, CONDUCT)
    with pytest.raises(UserError, match=r"^regularization: found 0, with which a covariance is"):
        family(components=5, regularization=0).train(training_set(12), 0, CONDUCT)
