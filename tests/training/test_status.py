"""A folder of runs as a table: states, speed, time left and totals, and what a wing adds to them."""

import json
import os

import pytest
from small_runs import RAN, in_state, one_in_each_state, small_config

from training.config import ConfigError
from training.progress import last_line, progress_of, seconds_left
from training.run import Run, read_status, run_folders
from training.status import Words, duration, overview, print_json, print_status, watch_status

WORDS = Words(
    command="baker",
    describe=lambda runs: [{"name": run.folder.name[:3], "of": len(runs)} for run in runs],
    settings={"called": lambda row: f"loaf {row['name']}"},
    results={"risen": lambda row: "yes" if row["state"] == "finished" else "no"},
    order=("name",),
    remarks=lambda seen: [f"{len(seen.runs)} loaves"],
    comparison=lambda rows: [f"{len(rows)} compared"],
)


@pytest.fixture
def runs(tmp_path):
    return one_in_each_state(tmp_path)


def test_every_state_is_counted_and_what_is_left_is_told_from_runs_alike(runs):
    alive = Run(runs, small_config(seed=6, steps=100, evaluations=4))
    with alive.owned():
        alive.start(RAN)
        alive.set_state("running", step=50, steps=100, seconds=25.0)
        seen = overview(run_folders(runs), WORDS)
    expected = {"running": 1, "planned": 1, "interrupted": 2, "failed": 1, "damaged": 1, "finished": 1}
    assert seen.totals.states == expected
    left = {row["state"]: row["seconds_left"] for row in seen.rows}
    assert left["running"] == 25.0 and left["planned"] == 50.0 and left["failed"] == 50.0, "half a second a step"
    assert left["finished"] == left["damaged"] == 0.0
    assert seen.totals.hours_left == pytest.approx((25 + 50 + 50 + 40 + 30) / 3600)
    assert seen.totals.unit == "CPU-hours" and seen.totals.unknown == 0
    (running,) = (row for row in seen.rows if row["state"] == "running")
    assert str(os.getpid()) in running["owner"] and running["steps_a_second"] == pytest.approx(2.0)


def test_the_hours_of_a_gpu_count_for_each_of_them(tmp_path):
    on_gpus = {**RAN, "device": "NVIDIA H100", "processes": 4}
    in_state(tmp_path, "interrupted", 0, on_gpus, step=50, steps=100, seconds=1800.0)
    totals = overview(run_folders(tmp_path), WORDS).totals
    assert (totals.unit, totals.hours_spent, totals.hours_left) == ("GPU-hours", 2.0, 2.0)


def test_a_speed_nobody_knows_is_said_to_be_unknown(tmp_path):
    Run(tmp_path, small_config()).plan()
    other = Run(tmp_path, small_config("tiny/mamba"))
    other.start(RAN)
    other.set_state("interrupted", step=4, steps=12, seconds=4.0)
    progress = [progress_of(Run(tmp_path, small_config(name)).folder) for name in ("tiny/pythia", "tiny/mamba")]
    assert seconds_left(progress) == [None, 8.0]
    assert overview(run_folders(tmp_path), WORDS).totals.unknown == 1


def test_a_wing_says_what_it_knows_beside_what_every_run_has(runs, capsys):
    print_status(runs, WORDS)
    shown = capsys.readouterr().out
    assert [title.strip() for title in shown.splitlines()[1].strip("┃").split("┃")] == [
        *("run", "called", "state", "step", "accuracy", "risen", "steps/s", "left")
    ]
    lines = [line.strip("│").split("│") for line in shown.splitlines() if "loaf" in line]
    assert [line[1] for line in lines] == sorted(line[1] for line in lines) and len(lines) == 6
    assert all((line[5].strip() == "yes") == (line[2].strip() == "finished") for line in lines)
    assert shown.index("6 loaves") < shown.index("6 compared")
    print_json(runs, WORDS)
    rows = json.loads(capsys.readouterr().out)["runs"]
    assert all(list(row)[:5] == ["run", "kind", "name", "of", "state"] and row["of"] == 6 for row in rows)


def test_a_wing_with_nothing_to_add_has_a_table_all_the_same(runs, capsys):
    print_status(runs, Words(command="baker", describe=lambda runs: [{} for _ in runs]))
    assert "1 planned, 2 interrupted, 1 failed, 1 damaged, 1 finished" in capsys.readouterr().out


def test_a_folder_without_runs_names_the_commands_of_the_wing(tmp_path):
    with pytest.raises(ConfigError, match="that baker train or baker sweep wrote to"):
        print_status(tmp_path, WORDS)


def test_watching_ends_when_nothing_is_left_to_wait_for(runs, capsys):
    for folder in run_folders(runs):
        if read_status(folder)["state"] == "planned":
            (folder / "status.json").write_text('{"state": "failed", "traceback": "E: x"}')
    watch_status(runs, WORDS)
    assert "failed" in capsys.readouterr().out


def test_a_traceback_ends_in_words():
    assert last_line("Traceback ...\n  File\ntraining.loop.Diverged: the loss became nan\n") == (
        "Diverged: the loss became nan"
    )
    assert last_line("its process ended with SIGKILL") == "its process ended with SIGKILL" and last_line("") == ""


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5 s"), (59, "59 s"), (60, "1.0 min"), (7_300, "2.0 h"), (200_000, "2.3 days")]
)
def test_a_duration_is_said_in_words(seconds, said):
    assert duration(seconds) == said
