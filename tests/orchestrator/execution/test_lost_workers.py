"""Processes that die in mid-training, in a real Ray: the training goes on from its checkpoint."""

import os
import re
import signal
from collections import deque
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from actors.pool.step import Step
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.execution.execute import StepError, execute
from orchestrator.execution.executor import Executor
from orchestrator.planning import make_plan
from tests.orchestrator.execution.test_executor import behind


def experiment(store: Path, **training: Any) -> config.Experiment:
    fields = {"steps": 200, "batch_size": 16, "warmup_steps": 5, "checkpoint_every": 20, **training}
    return config.validate(
        {
            "name": "lost",
            "iterations": 1,
            "store": str(store),
            "dataset": {"kind": "digits", "rows": 64, "reference_rows": 64},
            "generators": {
                "edm": {
                    "kind": "edm",
                    "labels": True,
                    "network": {"widths": [8, 8], "norm_groups": 4},
                    "training": fields,
                    "sampling": {"rows": 4, "steps": 1},
                }
            },
            "selection": {"kind": "random"},
        }
    )


def train(
    chosen: config.Experiment, kill: str | None = None, times: int = 1
) -> tuple[Step, int, list[str]]:
    """Run up to the training; kill a process by its title as often, each time at a checkpoint.

    Returns:
        The train step, how many processes were killed, and what was said of it.
    """
    storage, plan = Storage(chosen.store), make_plan(chosen)
    (step,) = [p.step for p in plan.steps.values() if p.step.kind == "train"]
    executor, dead = Executor(storage), set[int]()
    try:
        for _ in execute(deque(behind(step, plan)), executor):
            if kill and len(dead) < times and storage.files(f"{step.path}/training"):
                children = psutil.Process().children(recursive=True)
                victims = [p.pid for p in children if titled(p, kill) and p.pid not in dead]
                for victim in victims[-1:]:
                    os.kill(victim, signal.SIGKILL)
                    dead.add(victim)
    finally:
        executor.stop()
    return step, len(dead), executor.notes()


def titled(process: psutil.Process, title: str) -> bool:
    try:
        return any(title in part for part in process.cmdline())
    except psutil.Error:
        return False


def weights(chosen: config.Experiment, step: Step) -> dict[str, torch.Tensor]:
    (file,) = Path(chosen.store).glob(f"{step.path}/checkpoint/unet/*.safetensors")
    return load_file(file)


@pytest.fixture(scope="module")
def unbroken(local_ray: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    chosen = experiment(tmp_path_factory.mktemp("unbroken"))
    return weights(chosen, train(chosen)[0])


def test_a_training_whose_actor_is_killed_ends_with_the_very_weights_of_an_unbroken_one(
    unbroken: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    chosen = experiment(tmp_path)
    step, killed, (note,) = train(chosen, kill="::Worker: train")
    assert killed == 1
    said = r"train edm, iteration 1 of main: its worker on 127\.0\.0\.1 \(\w{8}\) died: .*exits"
    assert re.match(said, note)
    found = weights(chosen, step)
    assert all(torch.equal(found[name], unbroken[name]) for name in unbroken)
    storage = Storage(chosen.store)
    assert not storage.files(f"{step.path}/training")
    # the curve goes over the gap: a look every 50 steps, and at every checkpoint
    steps = [pair[0] for pair in storage.read_json(f"{step.path}/losses.json")]
    assert steps == list(range(20, 201, 20))


@pytest.mark.usefixtures("local_ray")
def test_a_step_whose_worker_dies_each_time_is_given_up_with_the_cause(tmp_path: Path) -> None:
    chosen = experiment(tmp_path, steps=2000)
    with pytest.raises(
        StepError, match=r"train edm.*: its worker died 4 times in a row; .*unexpectedly exits"
    ) as at:
        train(chosen, kill="::Worker: train", times=4)
    assert "\n" not in str(at.value)


@pytest.mark.soak
def test_a_lost_worker_of_two_is_replaced_and_the_weights_are_those_of_one(
    unbroken: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    chosen = experiment(tmp_path, workers=2)
    step, killed, _ = train(chosen, kill="ray::RayTrainWorker")
    assert killed == 1
    found = weights(chosen, step)
    for name, tensor in unbroken.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("local_ray")
@pytest.mark.soak
def test_a_loss_that_is_not_finite_in_a_group_is_one_line_and_not_tried_again(
    tmp_path: Path,
) -> None:
    bad = experiment(tmp_path, workers=2, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(StepError, match=r"generator 'edm', iteration 1: the training loss is"):
        train(bad)
