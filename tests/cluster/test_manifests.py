"""What `cluster/` ships is what Ray, KubeRay and the shell take, with the tested versions."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.runtime_env import RuntimeEnv

from tests.runs import ROOT, installed

CLUSTER = ROOT / "cluster"
KUBERNETES = sorted((CLUSTER / "kubernetes").glob("*.yaml"))
RAY_UP = sorted(file for file in CLUSTER.glob("*.yaml") if "provider:" in file.read_text())
SCRIPTS = [CLUSTER / "slurm.sbatch", ROOT / ".ci" / "run"]
# of KubeRay's definitions as JSON schemas, beside the project
DEFINITIONS = ROOT.parent / "shared" / "kuberay"
KINDS = {"RayCluster": "raycluster", "RayJob": "rayjob"}
# what a container may do
CLOSED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
WRITABLE = {"/tmp", "/dev/shm", "/store", "/cache", "/mlflow"}


def named(file: Path) -> str:
    return file.name


def documents(file: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def pods(value: Any) -> Iterator[dict[str, Any]]:
    """Give the specification of every pod in a manifest."""
    if isinstance(value, dict):
        if "containers" in value:
            yield value
        for inner in value.values():
            yield from pods(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pods(inner)


def pinned() -> dict[str, set[str]]:
    """Return the versions of each package that constraints.txt has."""
    versions: dict[str, set[str]] = {}
    for line in (CLUSTER / "constraints.txt").read_text().splitlines():
        if match := re.match(r"([\w.-]+)==([^;\s]+)", line):
            versions.setdefault(match[1], set()).add(match[2])
    return versions


def test_every_way_in_has_its_files() -> None:
    assert [file.stem for file in RAY_UP] == ["aws", "gcp", "onpremise"]
    kinds = [document["kind"] for file in KUBERNETES for document in documents(file)]
    assert kinds.count("RayJob") == 2
    assert {"RayCluster", "PersistentVolumeClaim", "Deployment", "Service"} <= set(kinds)


@pytest.mark.parametrize("file", RAY_UP, ids=named)
def test_files_for_ray_up_pass_rays_own_validator_and_start_ray_with_tokens_on(file: Path) -> None:
    config = prepare_config(yaml.safe_load(file.read_text()))
    validate_config(config)
    for start in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        (line,) = [line for line in start if "ray start" in line]
        assert "RAY_AUTH_MODE=token ray start" in line
    assert "--dashboard-host=127.0.0.1" in config["head_start_ray_commands"][-1]
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    for commands in ("head_setup_commands", "worker_setup_commands"):
        installs = [line for line in config[commands] if "install" in line]
        assert installs
        assert all("--constraint ~/ouroboros/cluster/constraints.txt" in one for one in installs)


@pytest.mark.parametrize("change", [{"provider": {}}, {"idle": 1}, {"head_node_type": "other"}])
def test_a_file_for_ray_up_with_a_mistake_does_not_pass(change: dict[str, Any]) -> None:
    config = yaml.safe_load((CLUSTER / "gcp.yaml").read_text()) | change
    with pytest.raises((jsonschema.ValidationError, ValueError, KeyError)):
        validate_config(prepare_config(config))


def errors(document: dict[str, Any]) -> list[str]:
    """Return what KubeRay's definition says against a manifest."""
    schema = DEFINITIONS / f"{KINDS[document['kind']]}.schema.json"
    if not schema.exists():
        pytest.skip(f"no KubeRay definitions at {DEFINITIONS}")
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("file", KUBERNETES, ids=named)
def test_kuberay_takes_the_manifests(file: Path) -> None:
    for document in documents(file):
        if document["kind"] in KINDS:
            assert not errors(document)


def test_kuberays_definition_refuses_a_field_that_it_does_not_have() -> None:
    (document,) = documents(CLUSTER / "kubernetes" / "raycluster.yaml")
    document["spec"]["workerGroupSpecs"][0]["minReplica"] = 1
    assert errors(document)


def test_kuberay_starts_ray_with_tokens_on() -> None:
    for file in KUBERNETES:
        for document in documents(file):
            spec = document.get("spec", {}).get("rayClusterSpec", document.get("spec", {}))
            if "headGroupSpec" in spec:
                assert spec["authOptions"] == {"mode": "token"}


@pytest.mark.parametrize("file", KUBERNETES, ids=named)
def test_no_pod_runs_as_root_or_writes_where_no_volume_is(file: Path) -> None:
    for pod in pods(documents(file)):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 1000
        for container in pod["containers"]:
            assert container["securityContext"] == CLOSED
            paths = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert "/tmp" in paths
            assert paths <= WRITABLE
            volumes = {volume["name"] for volume in pod["volumes"]}
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


def test_no_manifest_holds_a_token_or_listens_to_the_outside() -> None:
    for file in KUBERNETES:
        for document in documents(file):
            assert document["kind"] != "Secret"
            if document["kind"] == "Service":
                assert document["spec"].get("type", "ClusterIP") == "ClusterIP"
        assert "RAY_AUTH_TOKEN" not in file.read_text()


@pytest.mark.parametrize("file", SCRIPTS, ids=named)
def test_shellcheck_finds_nothing(file: Path) -> None:
    shellcheck = installed("shellcheck")
    done = subprocess.run([shellcheck, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_versions_are_the_tested_ones_wherever_they_are_named() -> None:
    versions = pinned()
    found = []
    for file in sorted(CLUSTER.rglob("*")):
        if not file.is_file() or file.name == "constraints.txt":
            continue
        text = file.read_text()
        for name, version in re.findall(r"([A-Za-z][\w.-]*)==([\w.]+)", text):
            assert version in versions[name.lower()], f"{file.name}: {name}=={version}"
        found += [(file.name, version) for version in re.findall(r'rayVersion: "(.*?)"', text)]
        for tag in re.findall(r"rayproject/ray:([\w.]+)", text):
            found += [(file.name, tag)]
    assert {name for name, _ in found} >= {"raycluster.yaml", "rayjob.yaml"}
    assert {version for _, version in found} == versions["ray"]


def test_the_packages_that_a_job_installs_are_the_tested_ones() -> None:
    environment = RuntimeEnv(**yaml.safe_load((CLUSTER / "runtime_env.yaml").read_text()))
    constraint, project = environment["pip"]["packages"]
    root = "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}"
    assert constraint == f"--constraint {root}/cluster/constraints.txt"
    assert project.startswith(f"{root}[")
