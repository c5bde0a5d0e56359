import numpy as np
import pytest

from actors.distances import before
from actors.distances.before import nearest_before


@pytest.mark.parametrize("direct", [1, 7, 64])
@pytest.mark.parametrize("m", [1, 2, 700])
def test_distances_are_to_the_nearest_of_all_rows_before(
    m: int, direct: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(before, "DIRECT", direct)
    rng = np.random.default_rng(m)
    rows = rng.normal(size=(m, 5)).astype(np.float32)
    rows[m // 2 : m // 2 + m // 4] = rows[: m // 4]
    exact = rows.astype(np.float64)
    expected = [np.linalg.norm(exact[:i] - exact[i], axis=1).min() for i in range(1, m)]
    found = nearest_before(rows)
    assert found[0] == np.inf
    np.testing.assert_allclose(found[1:], expected, rtol=1e-12)
