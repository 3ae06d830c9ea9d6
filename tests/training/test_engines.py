"""Engines: where runs go, and that they find the same wherever that is."""

import importlib.util
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import misbehaving
import pytest
import torch
from misbehaving import die_once, preempted_once, stop_the_sweep
from small_runs import small_config

from probe.trainer import run_probe
from training import local
from training.config import ConfigError
from training.engines import INTERRUPTED, Inline
from training.local import Local, visible_gpus
from training.options import EngineOptions
from training.ray_cluster import RayCluster
from training.run import Run, read_state
from training.slurm_cluster import SlurmCluster
from training.sweep import sweep

CONFIGS = [small_config(name, seed=seed) for seed in range(2) for name in ("tiny/pythia", "tiny/mamba")]
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
needs_submitit = pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="submitit is not installed")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The curves of these configs, run one after the other in this process."""
    return curves_of(tmp_path_factory.mktemp("alone"), Inline())


def curves_of(out, engine):
    """The lines of all curves but for their seconds, which stand last."""
    outcomes = sweep(CONFIGS, out, partial(run_probe, out=out), engine)
    assert [outcome.state for outcome in outcomes] == ["finished"] * len(CONFIGS)
    texts = ((Run(out, config).folder / "curve.jsonl").read_text() for config in CONFIGS)
    return [[line.rpartition(', "seconds": ')[0] for line in text.splitlines()] for text in texts]


def test_workers_of_this_machine_give_the_curves_of_one_process(alone, tmp_path):
    assert curves_of(tmp_path, Local(2)) == alone


@needs_ray
def test_a_ray_cluster_gives_the_curves_of_one_process(alone, tmp_path):
    assert curves_of(tmp_path, RayCluster(cpus=1)) == alone


@needs_submitit
def test_jobs_of_submitit_give_the_curves_of_one_process(alone, tmp_path):
    assert curves_of(tmp_path / "runs", SlurmCluster(tmp_path / "slurm", cluster="local")) == alone


@pytest.fixture
def importable(monkeypatch):
    """The files of these tests, for the processes that Ray and submitit start."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(misbehaving.__file__).parent), *sys.path]))


@needs_ray
def test_a_ray_task_that_is_killed_fails_its_run_and_not_the_sweep(importable, tmp_path):
    outcomes = sweep(CONFIGS[:3], tmp_path, partial(die_once, out=tmp_path, name="tiny/mamba"), RayCluster())
    assert [outcome.state for outcome in outcomes] == ["finished", "failed", "finished"]
    assert read_state(outcomes[1].run.folder) == "failed"


@needs_ray
def test_ctrl_c_saves_what_runs_on_ray_and_starts_no_other(importable, tmp_path):
    configs = [small_config(steps=100_000, evaluations=1, seed=seed) for seed in range(3)]
    outcomes = sweep(configs, tmp_path, partial(stop_the_sweep, out=tmp_path, sweep=os.getpid()), RayCluster(workers=1))
    assert [outcome.state for outcome in outcomes] == ["interrupted"]
    assert (outcomes[0].run.folder / "checkpoint" / "counters.json").exists()
    assert [read_state(Run(tmp_path, config).folder) for config in configs] == ["interrupted", "planned", "planned"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gpus": 2}, "takes one GPU at the most, not 2"),
        ({"cpus": 0.0}, "more than 0 CPUs"),
    ],
)
@needs_ray
def test_what_a_ray_run_cannot_get_is_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        RayCluster(**settings)


@needs_ray
def test_a_ray_cluster_that_is_not_there_or_too_small_is_said(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no Ray cluster at 127\.0\.0\.1:1"):
        RayCluster(address="127.0.0.1:1")
    with pytest.raises(ConfigError, match="has 0 of GPU, and a run is to get 1"):
        list(RayCluster(gpus=1).run([partial(print)]))


def test_without_its_package_an_engine_says_what_to_install(tmp_path, monkeypatch):
    for module in ("training.ray_cluster", "training.slurm_cluster"):
        monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "retrieval-probe\[ray\]"'):
        RayCluster()
    with pytest.raises(ConfigError, match=r'pip install "retrieval-probe\[slurm\]"'):
        SlurmCluster(tmp_path)


def test_workers_fill_the_gpus_in_turn_and_share_the_threads(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 12)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [place.gpu for place in Local().places()] == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-abc")
    assert visible_gpus() == ["5", "GPU-abc"]
    places = Local(workers=3, per_gpu=2).places()
    assert [(place.row, place.gpu, place.threads) for place in places] == [(0, "5", 4), (1, "GPU-abc", 4), (2, "5", 4)]
    with pytest.raises(ConfigError, match="5 workers do not fit on 2 GPUs, 2 on each"):
        Local(workers=5, per_gpu=2)


def test_runs_cannot_share_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigError, match="no GPU here to share"):
        Local(per_gpu=2)


def write_what_is_seen(folder, *, row):
    path = folder / f"{row}-{len(list(folder.iterdir()))}"
    path.write_text(f"{os.getpid()} {torch.get_num_threads()} {os.environ.get('CUDA_VISIBLE_DEVICES')}")


def test_a_worker_keeps_its_gpu_and_its_process_for_the_next_run(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(local, "visible_gpus", lambda: ["3"])
    ends = list(Local(1).run([partial(write_what_is_seen, tmp_path)] * 3))
    assert ends == [(0, 0), (1, 0), (2, 0)]
    seen = {path.read_text() for path in tmp_path.iterdir()}
    assert len(seen) == 1 and next(iter(seen)).endswith(" 3"), "one process, and one GPU"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@needs_submitit
def test_a_job_that_was_pre_empted_is_submitted_again(importable, tmp_path):
    engine = SlurmCluster(tmp_path / "slurm", cluster="local")
    assert list(engine.run([partial(preempted_once, tmp_path)])) == [(0, 0)]
    assert (tmp_path / "saved").exists()


def never_end(folder, *, row):
    """A job that fails, in a process that does not end for it."""
    threading.Thread(target=threading.Event().wait).start()
    raise SystemExit(3)


def test_a_process_that_does_not_end_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "LEAVING", 0.1)
    jobs = [partial(never_end, tmp_path), partial(end_with, 0)]
    assert list(Local(1).run(jobs)) == [(0, 3), (1, 0)]


def end_with(code, *, row):
    raise SystemExit(code)


def die(*, row):
    os.kill(os.getpid(), signal.SIGSEGV)


def test_exit_codes_come_back_whatever_a_worker_dies_of(tmp_path):
    jobs = [partial(end_with, 0), partial(end_with, 3), die, partial(end_with, INTERRUPTED), partial(end_with, 0)]
    assert sorted(Local(2).run(jobs)) == [(0, 0), (1, 3), (2, -signal.SIGSEGV), (3, INTERRUPTED), (4, 0)]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"engine": "cloud"}, "engine must be one of local, ray, slurm"),
        ({"address": "auto"}, "--address is of --engine ray"),
        ({"engine": "ray", "per_gpu": 2}, "--per-gpu is of --engine local"),
        ({"engine": "local", "gpus": 1.0}, "--gpus is of --engine ray or slurm"),
        ({"engine": "ray", "partition": "big"}, "--partition is of --engine slurm"),
    ],
)
def test_options_of_another_engine_are_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        EngineOptions(**settings)


def test_resources_are_names_and_amounts():
    assert EngineOptions(engine="ray", resources=("a100=1", "big=0.5")).amounts() == (("a100", 1.0), ("big", 0.5))
    with pytest.raises(ConfigError, match="a resource is NAME=AMOUNT"):
        EngineOptions(engine="ray", resources=("a100",)).amounts()
