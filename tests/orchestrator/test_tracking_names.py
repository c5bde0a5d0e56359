"""Names that MLflow accepts, and records of which one is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag_name

from orchestrator.tracking.names import LONGEST_NAME, valid_name
from orchestrator.tracking.runs import write_metrics, write_params


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_mlflow_accepts(name: str) -> None:
    for validate in (_validate_metric_name, _validate_param_name, _validate_tag_name):
        validate(valid_name(name))
    assert len(valid_name(name)) <= LONGEST_NAME


@given(st.text("ab+,[%=/.", max_size=6), st.text("ab+,[%=/.", max_size=6))
def test_two_names_stay_two(one: str, other: str) -> None:
    assert (valid_name(one) == valid_name(other)) == (one == other)


@pytest.mark.parametrize("name", ["generators.ddpm.kind", "training_set/entropy/ddpm", "a b: c-d"])
def test_a_name_that_is_accepted_stays_as_it_is(name: str) -> None:
    assert valid_name(name) == name


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    return MlflowClient(f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db")


@pytest.fixture
def run_id(client: MlflowClient, tmp_path: Path) -> str:
    experiment = client.create_experiment(tmp_path.name, tmp_path.as_uri())
    return str(client.create_run(experiment).info.run_id)


def test_labels_of_a_sweep_are_all_written(client: MlflowClient, run_id: str) -> None:
    params = {f"space.generators.overrides.{label}": label for label in ("a+b", "a,b", "[a]", "%=")}
    write_params(client, run_id, params | {"name": "x"})
    written = client.get_run(run_id).data.params
    assert sorted(written.values()) == sorted([*params.values(), "x"])


def test_a_refused_metric_costs_only_itself(client: MlflowClient, run_id: str) -> None:
    metrics = [Metric(f"m{i}", float(i), 1, 0) for i in range(250)]
    metrics[137] = Metric("not+valid", 1.0, 1, 0)
    metrics[4] = Metric("neither=this", 1.0, 1, 0)
    with pytest.raises(MlflowException, match="neither=this"):
        write_metrics(client, run_id, metrics)
    written = client.get_run(run_id).data.metrics
    assert written == {f"m{i}": float(i) for i in range(250) if i not in (4, 137)}


def test_a_refused_parameter_costs_only_itself(client: MlflowClient, run_id: str) -> None:
    params = {f"p{i}": i for i in range(230)}
    write_params(client, run_id, {"p7": "other"})
    with pytest.raises(MlflowException, match="p7"):
        write_params(client, run_id, params)
    written = client.get_run(run_id).data.params
    assert written == {name: str(value) for name, value in params.items()} | {"p7": "other"}
