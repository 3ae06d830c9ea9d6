"""Runs and sweeps whose processes are killed at random moments, and started again: what they leave is what an
undisturbed run leaves, byte for byte, but for the seconds.

The processes are forked from one that has imported everything, so that most kills find them at work.
"""

import json
import multiprocessing
import os
import random
import signal
from functools import partial

import pytest
from safetensors.torch import load_file
from small_runs import small_config

from probe.trainer import run_probe
from training.engines import Inline
from training.local import Local
from training.lock import owner_of
from training.run import Run, read_state
from training.sweep import sweep


@pytest.fixture(scope="module")
def warm():
    """Processes that start in no time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["probe.trainer", "training.local"])
    return context


def owners(runs):
    """Processes that are at these runs, or that were when they were killed."""
    return [owner.pid for run in runs if (owner := owner_of(run.folder)) is not None]


def lines_of(folder):
    """The lines of a curve as they are written, but for the seconds, which stand last."""
    lines = (folder / "curve.jsonl").read_text().splitlines()
    return [line.rpartition(', "seconds": ')[0] for line in lines]


def tensors_of(folder):
    return {key: value.tolist() for key, value in load_file(folder / "checkpoint" / "model.safetensors").items()}


def train(config, out):
    # A checkpoint about every tenth of a second: kills find the run while it writes one as well.
    run_probe(config, out, checkpoint_minutes=0.1 / 60)


@pytest.mark.parametrize(("name", "kills"), [("tiny/pythia", 30), ("tiny/mamba", 10)])
def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_been(name, kills, warm, tmp_path):
    config = small_config(name, steps=240, evaluations=60, schedule="cosine", warmup=0.1, half_width=0.1)
    undisturbed = run_probe(config, tmp_path / "undisturbed").folder
    run = Run(tmp_path / "killed", config)
    moments = random.Random(0)
    found = {"at work": 0, "with a checkpoint": 0}
    for _ in range(kills):
        process = warm.Process(target=train, args=(config, tmp_path / "killed"))
        process.start()
        # From its first sign of life on, so that a slow machine does not kill it before it has begun.
        while process.is_alive() and process.pid not in owners([run]):
            process.join(0.01)
        process.join(moments.uniform(0.0, 0.5))
        found["at work"] += process.is_alive()
        process.kill()
        process.join()
        found["with a checkpoint"] += (run.folder / "checkpoint").exists()
        assert read_state(run.folder) in ("planned", "interrupted", "finished")
    train(config, tmp_path / "killed")
    assert read_state(run.folder) == "finished"
    assert lines_of(run.folder) == lines_of(undisturbed) and len(lines_of(undisturbed)) == 60
    assert tensors_of(run.folder) == tensors_of(undisturbed)
    assert min(found.values()) > kills / 4, "the kills came in time to disturb it"
    assert not list(run.folder.glob("checkpoint.*"))


def carry_out(configs, out):
    sweep(configs, out, partial(run_probe, out=out, checkpoint_minutes=0.1 / 60), Local(2))


def test_a_sweep_whose_workers_and_whose_parent_are_killed_ends_as_if_nothing_had_been(warm, tmp_path):
    configs = [small_config(seed=seed, steps=120, evaluations=30) for seed in range(6)]
    sweep(configs, tmp_path / "undisturbed", partial(run_probe, out=tmp_path / "undisturbed"), Inline())
    runs = [Run(tmp_path / "killed", config) for config in configs]
    chosen = random.Random(1)
    killed = set()
    for victim in ("worker", "parent", "worker", "parent"):
        parent = warm.Process(target=carry_out, args=(configs, tmp_path / "killed"))
        parent.start()
        while parent.is_alive() and not set(owners(runs)) - killed:
            parent.join(0.02)
        parent.join(chosen.uniform(0.0, 0.5))
        at_work = set(owners(runs)) - killed
        if victim == "worker" and at_work:
            worker = chosen.choice(sorted(at_work))
            killed.add(worker)
            os.kill(worker, signal.SIGKILL)
            parent.join(chosen.uniform(0.0, 0.5))
        parent.kill()
        parent.join()
    outcomes = sweep(configs, tmp_path / "killed", partial(run_probe, out=tmp_path / "killed"), Local(2))
    assert {outcome.state for outcome in outcomes} <= {"finished", "skipped"}
    assert killed, "a worker was found at work"
    for run in runs:
        assert lines_of(run.folder) == lines_of(tmp_path / "undisturbed" / run.folder.name)
        assert len(json.loads((run.folder / "config.json").read_text())["ran_with"]) >= 1
