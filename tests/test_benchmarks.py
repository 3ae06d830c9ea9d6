"""What the benchmarks measure on, and what counts as a cost."""

import random
import statistics
import subprocess
import sys

import pytest
from golden_samples import read_all

from benchmarks import scoring
from benchmarks.mix import IMAGE, MAX_LENGTH, TASKS, draw_lengths
from benchmarks.vqa_files import QUESTIONS, draw_picture, write_vqa
from vlm.data.picture_check import check_picture
from vlm.data.readers.vqa_v2 import ANNOTATORS, VQA_V2


@pytest.mark.parametrize("task", TASKS)
def test_samples_of_a_task_are_as_long_as_their_ranges_say(task):
    lengths, generator = TASKS[task], random.Random(0)
    mean = statistics.mean(lengths.draw(generator) for _ in range(4_000))
    # Only pieces that do not fit may be missing.
    assert mean == pytest.approx(lengths.mean, rel=0.05)


def test_the_mix_is_two_thirds_grounded_captions_that_fit():
    share = TASKS["grounded_captioning"].samples / sum(task.samples for task in TASKS.values())
    assert share == pytest.approx(2 / 3, abs=0.02)
    lengths = draw_lengths(4_000)
    assert min(lengths) > IMAGE and max(lengths) <= MAX_LENGTH
    expected = sum(task.samples * task.mean for task in TASKS.values()) / sum(task.samples for task in TASKS.values())
    assert statistics.mean(lengths) - IMAGE == pytest.approx(expected, rel=0.03)


def test_the_same_seed_draws_the_same_lengths():
    assert draw_lengths(50, seed=3) == draw_lengths(50, seed=3) != draw_lengths(50, seed=4)


def test_drawn_files_of_vqa_v2_are_read_whole(tmp_path):
    write_vqa(tmp_path, 6, draw_picture())
    for split, count in {"train": 4, "validation": 2, "test": 2}.items():
        samples, tally = read_all(VQA_V2, tmp_path, split)
        assert (len(samples), tally.skipped, sum(tally.dropped.values())) == (count, 0, 0)
        assert check_picture(tmp_path / samples[0].image).fault is None
        if split != "test":
            assert {len(sample.questions) for sample in samples} == {QUESTIONS}
            assert {len(question.answers) for sample in samples for question in sample.questions} == {ANNOTATORS}


def test_what_a_child_computes_is_a_cost_of_scoring():
    computes = "import time; sum(range(5_000_000)); print(time.process_time())"
    child, cost = scoring.taken(lambda: subprocess.run([sys.executable, "-c", computes], capture_output=True))
    assert cost.cpu_seconds >= float(child.stdout) > 0


def test_the_start_of_java_is_taken_off_the_official_tool_before_it_is_compared():
    def total(own):
        official, start = scoring.Cost(cpu_seconds=5, seconds=1), scoring.Cost(cpu_seconds=2, seconds=9)
        return scoring.sum_of("all", [scoring.row_of("a", official, start, scoring.Cost(cpu_seconds=own), 0)] * 2)

    assert total(3)["no_slower"] and not total(3.1)["no_slower"]
    assert (total(3)["cpu_seconds"], total(3)["official_seconds"]) == (6, 2)


def test_without_java_scoring_is_not_compared(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"^The official tool needs Java, .*: install a Java runtime, .*\.$"):
        scoring.main()
