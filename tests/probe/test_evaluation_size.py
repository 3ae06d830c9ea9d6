"""How many examples an evaluation asks: few far from the threshold, all of them before it is said to be passed."""

import numpy as np
import pytest
from accelerate import Accelerator
from hypothesis import given
from hypothesis import strategies as st
from small_runs import small_config

from probe.evaluate import Evaluation, accuracy_of, evaluate_near
from probe.intervals import wilson
from probe.trainer import Retrieval, prepare, run_probe
from training.run import read_curve


class Asked:
    """Questions of which some are answered right, in a known order; remembers which were asked."""

    def __init__(self, right):
        self.right = np.asarray(right)
        self.ranges = []

    def __call__(self, asked):
        self.ranges.append((asked.start, asked.stop))
        correct = int(self.right[asked.start : asked.stop].sum())
        return Evaluation([len(asked)], [correct], float(len(asked)))


def answering(share, whole, seed=0):
    return np.random.default_rng(seed).random(whole) < share


@given(st.floats(0, 1), st.integers(1, 400), st.integers(1, 4_000), st.integers(0, 9))
def test_what_is_said_is_what_asking_everything_says_or_that_it_is_not_passed_yet(share, first, whole, seed):
    first = min(first, whole)
    ask = Asked(answering(share, whole, seed))
    result = evaluate_near(0.95, first, whole, ask)
    assert ask.ranges[0] == (0, first) and ask.ranges[-1][1] == result.total <= whole
    assert all(a[1] == b[0] for a, b in zip(ask.ranges, ask.ranges[1:], strict=False)), "nothing is asked twice"
    assert sum(result.correct) == ask.right[: result.total].sum()
    if result.total < whole:
        assert wilson(sum(result.correct), result.total)[1] < 0.95, "it was clearly not passed"


def test_a_model_that_knows_everything_passes_a_threshold_of_one():
    for first in range(1, 300):
        assert evaluate_near(1.0, first, 400, Asked(np.ones(400, dtype=bool))).total == 400


def test_a_model_far_from_the_threshold_is_asked_little_and_one_near_it_everything():
    whole = 100_000
    totals = {share: evaluate_near(0.95, 2_000, whole, Asked(answering(share, whole))).total for share in (0.2, 0.9)}
    assert totals == {0.2: 2_000, 0.9: 2_000}
    assert evaluate_near(0.95, 2_000, whole, Asked(answering(0.96, whole))).total == whole
    assert evaluate_near(0.95, 2_000, whole, Asked(answering(0.96, whole)), decide=False).total == 2_000
    near = evaluate_near(0.95, 2_000, whole, Asked(answering(0.947, whole))).total
    assert 2_000 < near < whole


@pytest.mark.parametrize("length", [50, 100, 200])
def test_the_size_follows_from_the_wanted_interval_and_every_position_is_asked_20_times(length):
    config = small_config(length=length, held_out_examples=100_000)
    size = config.evaluation_examples
    assert size % length == 0 and size >= 20 * length
    low, high = wilson(round(0.95 * size), size)
    assert (high - low) / 2 <= 0.0101
    wider = small_config(length=length, held_out_examples=100_000, half_width=0.02).evaluation_examples
    assert wider < size or wider == 20 * length
    assert small_config(length=length, held_out_examples=100_000, half_width=0).evaluation_examples == 100_000
    assert small_config(length=length, held_out_examples=length).evaluation_examples == length


def test_every_position_is_asked_equally_often_at_every_size():
    config = small_config(held_out_examples=6_000, half_width=0.02)
    model, task = prepare(config)
    record = Retrieval(config, task).evaluate(model.eval(), Accelerator(), {})
    assert set(record["asked"]) == {config.evaluation_examples // 6} and not record["learned"]


def test_the_task_counts_as_learned_once_all_held_out_examples_have_been_asked(tmp_path):
    easy = small_config(threshold=0.01, held_out_examples=6_000, half_width=0.05, stop_at_threshold=False)
    curve = read_curve(run_probe(easy, tmp_path).folder)
    assert [sum(record["asked"]) for record in curve] == [6_000, easy.evaluation_examples, easy.evaluation_examples]
    assert easy.evaluation_examples == 120
    assert [record["learned"] for record in curve] == [True] * 3 and accuracy_of(curve[0]) > 0.01


def test_validation_is_another_set_and_leaves_the_training_as_it_is(tmp_path):
    with_it, without = (
        read_curve(run_probe(small_config(validation_examples=count), tmp_path / str(count)).folder)
        for count in (600, 0)
    )
    for one, other in zip(with_it, without, strict=True):
        assert one["validation_asked"] == 600 and "validation_asked" not in other
        assert one["correct"] == other["correct"] and one["loss"] == other["loss"]
