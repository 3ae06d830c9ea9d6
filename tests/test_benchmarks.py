"""What the benchmarks measure on."""

import random
import statistics

import pytest
from golden_samples import read_all

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
