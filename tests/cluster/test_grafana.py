"""The dashboard, read by the types that Grafana generates from its own schema."""

import json
from typing import Any

import pytest

from tests.runs import ROOT

DASHBOARD = json.loads((ROOT / "cluster" / "grafana.json").read_text(encoding="utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}


def lost(given: Any, read: Any, path: str = "") -> list[str]:
    """Return where what was read, and written again, lacks or changes what was given."""
    if isinstance(given, dict) and isinstance(read, dict):
        inside = [lost(value, read.get(key), f"{path}.{key}") for key, value in given.items()]
        return [place for places in inside for place in places]
    if isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        pairs = enumerate(zip(given, read, strict=True))
        return [place for i, pair in pairs for place in lost(*pair, f"{path}[{i}]")]
    return [] if given == read else [path]


def written(model: Any) -> Any:
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    return json.loads(json.dumps(model, cls=JSONEncoder))


def test_grafana_knows_every_field_of_the_dashboard() -> None:
    dashboard = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
    assert lost(DASHBOARD, written(dashboard.Dashboard.from_json(DASHBOARD))) == []


@pytest.mark.parametrize("title", PANELS)
def test_grafana_knows_every_query_and_option_of_a_panel(title: str) -> None:
    prometheus = pytest.importorskip("grafana_foundation_sdk.models.prometheus")
    timeseries = pytest.importorskip("grafana_foundation_sdk.models.timeseries")
    panel = PANELS[title]
    assert panel["type"] == "timeseries"
    options = panel["fieldConfig"]["defaults"]["custom"]
    assert lost(options, written(timeseries.FieldConfig.from_json(options))) == []
    for query in panel["targets"]:
        assert lost(query, written(prometheus.Dataquery.from_json(query))) == []


def test_an_unknown_field_would_be_noticed() -> None:
    dashboard = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
    wrong = {**DASHBOARD, "refreshed": "10s"}
    assert lost(wrong, written(dashboard.Dashboard.from_json(wrong))) == [".refreshed"]


def test_no_two_panels_lie_on_each_other() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
