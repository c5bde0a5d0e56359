import pytest

from orchestrator.steps import VERSIONS
from tests.digests import ACTORS, ROOTS, changed, current, recorded
from tests.reach import reach


def test_the_code_of_no_step_has_changed_without_a_word_on_its_output() -> None:
    before, now = recorded(), current()
    assert now == before, (
        f"the code that {', '.join(changed(before, now)) or 'a step'} can reach has changed. Where "
        "what a step makes has changed too, raise its number in orchestrator.steps.VERSIONS. Then "
        "run: python -m tests.digests --same-output"
    )


def test_every_kind_of_step_has_a_version_and_a_digest() -> None:
    assert VERSIONS.keys() == ROOTS.keys() == recorded().keys()


@pytest.mark.parametrize(
    ("kind", "reached", "not_reached"),
    [
        (
            "sample",
            "actors.seeds.philox",
            "actors.generators.training.optimisation.Optimisation.update",
        ),
        ("train", "actors.generators.ddpm.DDPM.loss", "actors.generators.sampling.sample"),
        ("train", "actors.seeds.derive_seed", "actors.selection.greedy.greedy"),
        ("select", "actors.selection.greedy.greedy", "actors.generators.ddpm.DDPM"),
        ("real", "actors.data.dataset.range_positions", "actors.features.pca.Pca"),
        ("embed", "actors.features.pca.Pca.extract", "actors.features.pca.Pca.fit"),
        ("evaluate", "actors.metrics.frechet.frechet_distance", "actors.generators.ddpm.DDPM"),
    ],
)
def test_a_step_reaches_what_it_runs_across_rooms(
    kind: str, reached: str, not_reached: str
) -> None:
    found = reach(ACTORS, ROOTS[kind])
    assert reached in found
    assert not_reached not in found
