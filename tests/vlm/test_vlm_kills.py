"""Runs of both stages that are killed or interrupted at random moments, and started again: what they leave is what
undisturbed ones leave, but for the seconds. The processes are forked from one that has imported everything."""

import contextlib
import io
import multiprocessing
import os
import random
import signal
import sys

import pytest
from small_runs import at_step
from small_world import FAMILIES, both_stages, curve_of, weights_of

from training.lock import owner_of
from training.run import Run, read_state, read_status
from vlm.dispatch import run_configs
from vlm.train import run_vlm

LONG = {"steps": 24, "evaluations": 12, "schedule": "cosine", "warmup": 0.1}


@pytest.fixture(scope="module")
def warm():
    """Processes that start in no time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vlm.train", "vlm.dispatch"])
    return context


@pytest.fixture(scope="module", params=FAMILIES)
def undisturbed(request, world, tmp_path_factory):
    """A run of both stages, and where it and the one before it lie."""
    config = both_stages(world, f"tiny/{request.param}", **LONG)
    out = tmp_path_factory.mktemp("undisturbed")
    run_vlm(config, out)
    return config, out


def stages(config, out):
    return [Run(out, config.start), Run(out, config)]


def assert_as_undisturbed(config, out, undisturbed):
    for run, whole in zip(stages(config, out), stages(config, undisturbed), strict=True):
        assert read_state(run.folder) == "finished"
        assert curve_of(run) == curve_of(whole) and len(curve_of(run)) == 12
        mine, other = weights_of(run), weights_of(whole)
        assert mine.keys() == other.keys() and all(mine[name].equal(other[name]) for name in mine)
        assert not list(run.folder.glob("checkpoint.*"))


def train(config, out):
    with contextlib.redirect_stderr(io.StringIO()):
        run_vlm(config, out, checkpoint_minutes=0.05 / 60)  # kills find it while it writes a checkpoint as well


def owners(runs):
    return [owner.pid for run in runs if (owner := owner_of(run.folder)) is not None]


def test_runs_that_are_killed_in_both_stages_end_as_if_nothing_had_been(undisturbed, warm, tmp_path):
    config, whole = undisturbed
    moments = random.Random(0)
    killed = {"align": 0, "instruct": 0}
    for _ in range(6):
        process = warm.Process(target=train, args=(config, tmp_path))
        process.start()
        runs = stages(config, tmp_path)
        if killed["align"] >= 2:  # the second stage has its share
            runs = runs[1:]
        while process.is_alive() and process.pid not in owners(runs):
            process.join(0.01)
        process.join(moments.uniform(0.0, 0.4))
        at_work = [run.config.stage for run in stages(config, tmp_path) if process.pid in owners([run])]
        process.kill()
        process.join()
        for stage in at_work:
            killed[stage] += 1
    assert killed["align"] and killed["instruct"], "the kills came in time to disturb both"
    train(config, tmp_path)
    assert_as_undisturbed(config, tmp_path, whole)


def press_ctrl_c(config, out, step):
    """`vlm train` with Ctrl-C in the step of this number of both stages together."""
    with pytest.MonkeyPatch.context() as patch, open(os.devnull, "w") as nowhere:
        patch.setattr(sys, "stdout", nowhere)
        patch.setattr(sys, "stderr", nowhere)
        at_step(patch, step, lambda: os.kill(os.getpid(), signal.SIGINT))
        run_configs([config], out, None)


def test_runs_that_are_interrupted_in_both_stages_go_on(undisturbed, warm, tmp_path):
    config, whole = undisturbed
    for step, states in ((9, ("interrupted", "planned")), (14 + 7, ("finished", "interrupted"))):
        process = warm.Process(target=press_ctrl_c, args=(config, tmp_path, step))
        process.start()
        process.join()
        assert process.exitcode == 130
        assert tuple(read_status(run.folder).get("state", "planned") for run in stages(config, tmp_path)) == states
    train(config, tmp_path)
    assert_as_undisturbed(config, tmp_path, whole)
