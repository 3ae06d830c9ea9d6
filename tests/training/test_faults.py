"""What happens to files and disks, one at a time: each ends in a correct finished run or in one clear sentence."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from small_runs import at_step, small_config, without_seconds

import training.lock
from probe.trainer import run_probe
from training import loop
from training.checkpoint import GENERATIONS, damage_of
from training.config import ConfigError, identity
from training.engines import Inline
from training.lock import Lock, TakenError, owner_of
from training.loop import Interrupted
from training.run import Run, read_curve, read_state, read_status
from training.sweep import sweep

ROOT = Path(__file__).parents[2]
CONFIG = small_config(schedule="cosine", warmup=0.2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The curve that every run here has to end with."""
    return without_seconds(read_curve(run_probe(CONFIG, tmp_path_factory.mktemp("undisturbed")).folder))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was interrupted after 8 of its 12 steps, with both generations of its checkpoint."""
    out = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, 7, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(Interrupted):
            run_probe(CONFIG, out, checkpoint_minutes=0)
    folder = out / identity(CONFIG)
    assert all((folder / name / "manifest.json").exists() for name in GENERATIONS)
    return out


@pytest.fixture
def out(stopped, tmp_path):
    return Path(shutil.copytree(stopped, tmp_path / "runs"))


def goes_on_to(expected, out, capsys=None, said=""):
    """Whether the run, started again, finishes with this curve, and says this."""
    folder = run_probe(CONFIG, out).folder
    assert read_state(folder) == "finished"
    assert without_seconds(read_curve(folder)) == expected
    assert capsys is None or said in capsys.readouterr().err
    return True


def steps_taken(monkeypatch):
    """The steps that are taken from here on."""
    taken = []
    original = loop._step

    def stepping(*arguments):
        taken.append(arguments[4])
        return original(*arguments)

    monkeypatch.setattr(loop, "_step", stepping)
    return taken


@pytest.mark.parametrize("place", range(20))
def test_a_checkpoint_that_was_cut_short_is_answered_by_the_one_before(place, out, undisturbed, capsys, monkeypatch):
    choose = random.Random(place)
    files = sorted(path for path in (out / identity(CONFIG) / "checkpoint").rglob("*") if path.is_file())
    file = files[place % len(files)]
    with open(file, "r+b") as cut:
        cut.truncate(choose.randrange(file.stat().st_size))
    taken = steps_taken(monkeypatch)
    assert goes_on_to(undisturbed, out, capsys, "checkpoint is damaged (")
    assert taken == [7, 8, 9, 10, 11], "the one before it is of step 7"


@pytest.mark.parametrize("place", range(12))
def test_a_checkpoint_with_a_flipped_bit_is_answered_by_the_one_before(place, out, undisturbed, capsys):
    choose = random.Random(place)
    files = sorted(path for path in (out / identity(CONFIG) / "checkpoint").rglob("*") if path.is_file())
    file = files[place % len(files)]
    content = bytearray(file.read_bytes())
    content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    file.write_bytes(content)
    assert damage_of(file.parent)
    assert goes_on_to(undisturbed, out, capsys, "checkpoint is damaged (")


def test_a_run_whose_checkpoints_are_all_damaged_begins_again(out, undisturbed, capsys, monkeypatch):
    for name in GENERATIONS:
        (out / identity(CONFIG) / name / "optimizer.bin").unlink()
    taken = steps_taken(monkeypatch)
    assert goes_on_to(undisturbed, out, capsys, "optimizer.bin is missing")
    assert taken == list(range(12))


@pytest.mark.parametrize("harm", ["cut", "flip", "delete", "repeat"])
def test_a_curve_that_was_harmed_is_restored_from_the_checkpoint(harm, out, undisturbed):
    curve = out / identity(CONFIG) / "curve.jsonl"
    content = curve.read_bytes()
    where = content.index(b'"correct": [') + 12
    if harm == "delete":
        curve.unlink()
    else:
        flipped = content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :]
        curve.write_bytes({"cut": content[: len(content) // 2], "flip": flipped, "repeat": content * 2}[harm])
    assert goes_on_to(undisturbed, out)


def test_a_finished_run_with_another_curve_than_it_wrote_is_refused_by_all_who_read_it(out, undisturbed):
    assert goes_on_to(undisturbed, out)
    curve = out / identity(CONFIG) / "curve.jsonl"
    content = curve.read_text()
    curve.write_text(content.replace('"step": 8', '"step": 9'))
    with pytest.raises(ConfigError, match=r"curve\.jsonl is not what the run wrote"):
        read_curve(curve.parent)
    curve.write_text(content)
    assert without_seconds(read_curve(curve.parent)) == undisturbed


def test_a_config_that_was_edited_is_refused_and_nothing_is_harmed(out):
    file = out / identity(CONFIG) / "config.json"
    written = json.loads(file.read_text())
    written["config"]["optimisation"]["learning_rate"] = 1.0
    file.write_text(json.dumps(written))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match="is not what the run was started with"):
        run_probe(CONFIG, out)
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_clock_that_was_set_back_changes_nothing(out, undisturbed, monkeypatch):
    for path in out.rglob("*"):
        os.utime(path, (4e9, 4e9))  # of a century from now
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert goes_on_to(undisturbed, out)


def left_behind(folder, host):
    """A lock as a process leaves it that died."""
    lock = {"host": host, "pid": 2**22 + 1, "token": "of the dead", "beat": 7, "step": 3}
    (folder / "lock").write_text(json.dumps(lock))


def test_a_lock_of_a_dead_process_of_this_machine_is_taken_over_at_once(out, undisturbed, monkeypatch):
    left_behind(out / identity(CONFIG), socket.gethostname())
    monkeypatch.setattr(training.lock, "STALE", 1e9)
    Run(out, CONFIG).set_state("running", step=8, steps=12)
    assert read_state(out / identity(CONFIG)) == "interrupted"
    assert goes_on_to(undisturbed, out)


def test_a_lock_of_another_machine_is_taken_over_once_it_gave_no_sign_for_long(out, undisturbed, monkeypatch, capsys):
    left_behind(out / identity(CONFIG), "elsewhere")
    monkeypatch.setattr(training.lock, "STALE", 0.2)
    monkeypatch.setattr(training.lock, "SETTLING", 0.0)
    assert goes_on_to(undisturbed, out, capsys, "watching whether process 4194305 on elsewhere is alive")


def test_a_lock_of_another_machine_that_beats_is_left_alone(tmp_path, monkeypatch):
    run = Run(tmp_path, CONFIG)
    run.plan()
    left_behind(run.folder, "elsewhere")
    ended = threading.Event()

    def beat():
        number = 8
        while not ended.wait(0.01):
            text = (run.folder / "lock").read_text().replace(f'"beat": {number - 1}', f'"beat": {number}')
            (run.folder / "lock").write_text(text)
            number += 1

    owner = threading.Thread(target=beat)
    owner.start()
    try:
        with pytest.raises(TakenError, match="is being run by process 4194305 on elsewhere"):
            Lock(run.folder).take()
    finally:
        ended.set()
        owner.join()


def test_an_owner_that_stood_still_and_lost_its_run_writes_nothing_more(tmp_path):
    run = Run(tmp_path, CONFIG)
    with run.owned():
        run.append({"step": 4})
        left_behind(run.folder, "elsewhere")
        for write in (lambda: run.append({"step": 8}), lambda: run.set_state("finished")):
            with pytest.raises(TakenError, match="was taken over by process 4194305 on elsewhere"):
                write()
    assert read_curve(run.folder) == [{"step": 4}] and read_status(run.folder) == {"state": "planned"}
    assert owner_of(run.folder).host == "elsewhere", "the lock of the new owner stays"


def test_a_heartbeat_tells_the_step_and_ends_with_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(training.lock, "HEARTBEAT", 0.01)
    run = Run(tmp_path, CONFIG)
    with run.owned():
        run.step = 5
        before = owner_of(run.folder)
        while owner_of(run.folder) is None or owner_of(run.folder).beat <= before.beat + 1:
            threading.Event().wait(0.01)
        owner = owner_of(run.folder)
        while owner is None:
            owner = owner_of(run.folder)
        assert owner.pid == os.getpid() and owner.step == 5
    assert owner_of(run.folder) is None


def in_a_small_disk(script, tmp_path):
    """Runs a shell script with a disk of 3 MiB mounted at ./disk, which nobody else sees."""
    (tmp_path / "disk").mkdir()
    mounted = f"mount -t tmpfs -o size=3m tmpfs disk || exit 77\n{script}"
    settings = "--length 6 --steps 12 --evaluations 3 --batch 8 --held-out-examples 60 --learning-rate 2e-3"
    settings += " --validation-examples 0"
    train = f"{sys.executable} -m probe train --family pythia {settings} --checkpoint-minutes 0"
    result = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted],
        cwd=tmp_path,
        env={**os.environ, "train": train, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if (result.returncode in (1, 77) and "unshare" in result.stderr) or result.returncode == 77:
        pytest.skip(f"this machine lets nobody mount a disk: {result.stderr.strip()}")
    return result


def test_a_full_disk_is_said_and_the_run_goes_on_once_there_is_room(tmp_path):
    script = (
        "head -c 1100k /dev/zero > disk/in_the_way; $train --out disk/runs; echo ended with $?; ls disk/runs/*\n"
        "rm disk/in_the_way; mount -o remount,size=64m disk\n"
        "$train --out disk/runs && cp -r disk/runs kept && $train --out undisturbed"
    )
    result = in_a_small_disk(script, tmp_path)
    assert "ended with 1" in result.stdout and result.returncode == 0, result.stderr
    (said,) = (line for line in result.stderr.splitlines() if "failed: " in line)
    assert "No space left on device" in said and "start the same command again" in said
    assert "checkpoint.partial" not in result.stdout, "what did not fit is not left in the way"
    (folder,), (expected,) = ((tmp_path / name).iterdir() for name in ("kept", "undisturbed"))
    assert read_state(folder) == read_state(expected) == "finished"
    assert without_seconds(read_curve(folder)) == without_seconds(read_curve(expected))


def test_a_disk_that_is_full_from_the_beginning_is_one_sentence(tmp_path):
    result = in_a_small_disk(
        "head -c 4m /dev/zero > disk/in_the_way; $train --out disk/runs; echo ended with $?", tmp_path
    )
    assert "ended with 2" in result.stdout
    (said,) = (line for line in result.stderr.splitlines() if not line.startswith("head:"))
    assert "No space left on device" in said and "see to the disk" in said


def test_a_disk_that_cannot_be_written_to_is_said_before_anything_is_done(tmp_path):
    script = "mkdir disk/runs; mount -o remount,ro disk; $train --out disk/runs; echo ended with $?"
    result = in_a_small_disk(script, tmp_path)
    assert "ended with 2" in result.stdout
    (said,) = result.stderr.strip().splitlines()
    assert "cannot be written to: name a folder of your own for the runs" in said


def sweep_of(configs, out):
    sweep(configs, out, partial(run_probe, out=out), Inline())


def test_two_sweeps_at_once_share_the_runs(tmp_path):
    import multiprocessing

    configs = [small_config(seed=seed, steps=30) for seed in range(5)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["probe.trainer"])
    both = [context.Process(target=sweep_of, args=(configs, tmp_path / "shared")) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    sweep_of(configs, tmp_path / "alone")
    for config in configs:
        shared, alone = (tmp_path / name / identity(config) for name in ("shared", "alone"))
        assert read_state(shared) == "finished"
        assert without_seconds(read_curve(shared)) == without_seconds(read_curve(alone))
