"""The order in which positions are learned: the steps it is read from, and what its p-value promises."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.fifths import order_of, steps_of_fifths


def curves_of(run, length, accuracy_by_step):
    """A run in which each position has an accuracy, in tenths, at each step."""
    rows = [
        {"run": run, "length": length, "step": step, "position": p, "asked": 10, "correct": tenths}
        for step, accuracies in accuracy_by_step.items()
        for p, tenths in enumerate(accuracies)
    ]
    return pd.DataFrame(rows)


def test_a_fifth_counts_from_the_step_at_which_its_positions_together_pass_half():
    later = {200: [9, 1, *[0] * 6, 9, 9], 300: [0, 0, 9, 9, 9, 9, 0, 9, 9, 9]}
    learning = curves_of("a", 10, {100: [0] * 8 + [5, 5], **later})
    curves = pd.concat([learning, curves_of("b", 10, {100: [0] * 10, 200: [4] * 10})])
    steps = steps_of_fifths(curves)
    assert steps.loc["a"].tolist() == [200, 300, 300, np.inf, 100]
    assert np.isinf(steps.loc["b"]).all()


@given(st.integers(5, 60))
def test_fifths_are_of_equal_size_within_one_position(length):
    curves = curves_of("a", length, {1: [10] * length})
    sizes = (curves["position"] * 5 // length).value_counts()
    assert len(sizes) == 5 and sizes.max() - sizes.min() <= 1


def table(rows):
    return pd.DataFrame(rows, columns=range(1, 6), dtype=float)


def test_runs_that_agree_have_an_order_and_those_that_do_not_have_none():
    agreed = order_of(table([[3, 4, 5, 2, 1], [30, 40, 50, 20, 10], [6, 8, 9, 4, 2], [3, 4, 5, 2, 1]]))
    assert agreed.mean_ranks == [3, 4, 5, 2, 1] and agreed.p_value < 0.001
    assert (agreed.runs, agreed.end_first, agreed.beginning_first) == (4, 4, 0)
    alike = order_of(table([[7] * 5] * 4))
    assert alike.mean_ranks == [3] * 5 and alike.p_value == 1
    assert (alike.end_first, alike.beginning_first) == (0, 0)


def test_what_never_passed_is_last_and_runs_that_never_did_are_left_out():
    order = order_of(table([[np.inf, np.inf, 3, 2, 1], [np.inf] * 5]))
    assert order.runs == 1 and order.mean_ranks == [4.5, 4.5, 3, 2, 1]
    assert order_of(table([[np.inf] * 5])) is None


def test_one_run_alone_proves_nothing():
    assert order_of(table([[5, 4, 3, 2, 1]])).p_value == pytest.approx(1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31))
def test_the_p_value_does_not_depend_on_the_scale_of_the_steps(seed):
    rows = np.random.default_rng(seed).integers(1, 30, (4, 5)).astype(float)
    assert order_of(table(rows)) == order_of(table(rows**3 + 7))


def test_random_orders_are_called_an_order_as_rarely_as_the_p_value_says():
    generator = np.random.default_rng(0)
    values = [order_of(table(generator.permuted(np.tile(np.arange(5.0), (5, 1)), axis=1))).p_value for _ in range(60)]
    assert sum(value <= 0.05 for value in values) <= 9 and np.mean(values) > 0.35
