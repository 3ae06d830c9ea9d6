"""A run's directory: what it refuses, what it keeps, and that a cut-off line harms nothing."""

import json
import os

import pytest
from small_runs import small_config

from training.config import ConfigError, identity, to_dict
from training.lock import TakenError
from training.run import Run, read_config, read_curve, read_ran_with, read_state, read_status, run_folders


def test_the_directory_is_named_by_the_config_and_holds_all_of_it(tmp_path):
    config = small_config()
    run = Run(tmp_path, config)
    assert run.state is None and not run.folder.exists()
    run.plan()
    assert run.folder.name == identity(config)
    assert read_config(run.folder) == to_dict(config)
    assert run.state == "planned" and run_folders(tmp_path) == [run.folder]


def test_planning_again_leaves_a_run_as_it_is(tmp_path):
    run = Run(tmp_path, small_config())
    run.start({"device": "cpu"})
    run.set_state("finished", step=3)
    Run(tmp_path, small_config()).plan()
    status = read_status(run.folder)
    assert status["state"] == "finished" and status["step"] == 3


def test_each_kind_of_session_is_recorded_once(tmp_path):
    run = Run(tmp_path, small_config())
    for device in ("cpu", "cpu", "gpu", "cpu"):
        run.start({"device": device})
    written = json.loads((run.folder / "config.json").read_text())
    assert [session["device"] for session in written["ran_with"]] == ["cpu", "gpu", "cpu"]
    assert read_ran_with(run.folder) == {"device": "cpu"}


def test_the_curve_is_put_back_to_a_copy_and_loses_half_a_line(tmp_path):
    run = Run(tmp_path, small_config())
    run.plan()
    for step in (4, 8, 12):
        run.append({"step": step})
    with open(run.folder / "curve.jsonl", "a") as curve:
        curve.write('{"step": 16')
    assert [record["step"] for record in read_curve(run.folder)] == [4, 8, 12]
    copy = tmp_path / "copy.jsonl"
    copy.write_text('{"step": 4}\n{"step": 8}\n')
    run.put_curve(copy)
    assert (run.folder / "curve.jsonl").read_text() == copy.read_text()
    run.put_curve(None)
    assert read_curve(run.folder) == []


@pytest.mark.parametrize("damage", ["{half\n", "3\n", "\n"])
def test_a_damaged_line_of_the_curve_is_named(tmp_path, damage):
    run = Run(tmp_path, small_config())
    run.plan()
    run.append({"step": 4})
    with open(run.folder / "curve.jsonl", "a") as curve:
        curve.write(damage)
    run.append({"step": 8})
    with pytest.raises(ConfigError, match=r"line 2 of .*curve\.jsonl is damaged"):
        read_curve(run.folder)


def test_files_that_are_not_a_run_are_refused_and_left_alone(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        Run(tmp_path / "file", small_config())
    with pytest.raises(ConfigError, match="file is a file: name a folder for the runs"):
        Run(tmp_path / "file" / "below", small_config())
    run = Run(tmp_path, small_config())
    run.plan()
    with pytest.raises(ConfigError, match="itself the folder of a run"):
        Run(run.folder, small_config())
    (run.folder / "config.json").write_text("{half")
    with pytest.raises(ConfigError, match="cannot be read"):
        Run(tmp_path, small_config())
    (run.folder / "config.json").write_text('{"kind": "ProbeConfig", "config": {"task": {"length": 6}}}')
    with pytest.raises(ConfigError, match="is not what the run was started with"):
        Run(tmp_path, small_config())
    (run.folder / "config.json").write_text('{"config": 3}')
    with pytest.raises(ConfigError, match="is not the config of a run"):
        Run(tmp_path, small_config())
    assert (run.folder / "config.json").read_text() == '{"config": 3}'


def test_a_run_has_one_owner_at_a_time(tmp_path):
    run, same = Run(tmp_path, small_config()), Run(tmp_path, small_config())
    with run.owned():
        with pytest.raises(TakenError, match=f"is being run by process {os.getpid()} on "), same.owned():
            pass
        with Run(tmp_path, small_config(seed=1)).owned():
            pass
    with same.owned():
        same.set_state("running")
        assert read_state(run.folder) == "running"
    assert read_state(run.folder) == "interrupted", "nobody is at it any more"
    with same.owned():
        same.set_state("finished")
    assert read_state(run.folder) == "finished"
    with pytest.raises(TakenError, match="has just been finished"), run.owned():
        pass


def test_a_failure_keeps_what_is_known_of_the_run(tmp_path):
    run = Run(tmp_path, small_config())
    run.start({})
    run.set_state("interrupted", step=8, seconds=2.0)
    assert run.fail("RuntimeError: out of luck")
    assert read_status(run.folder) == {
        "state": "failed",
        "step": 8,
        "seconds": 2.0,
        "traceback": "RuntimeError: out of luck",
    }


def test_a_run_that_is_finished_or_another_s_is_not_said_to_have_failed(tmp_path):
    run, same = Run(tmp_path, small_config()), Run(tmp_path, small_config())
    with same.owned():
        same.start({})
        assert not run.fail("RuntimeError: out of memory while it was prepared")
        assert read_state(run.folder) == "running"
        same.set_state("finished")
    assert not run.fail("RuntimeError: after all") and run.state == "finished"


def test_a_run_s_own_folder_is_no_folder_of_runs(tmp_path):
    run = Run(tmp_path, small_config())
    run.plan()
    with pytest.raises(ConfigError, match="is itself the folder of a run: name the folder above it"):
        run_folders(run.folder)
