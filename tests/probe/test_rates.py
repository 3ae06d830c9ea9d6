"""The learning rate of a family is chosen on validation alone, and reported on what had no part in the choice."""

import numpy as np
import pandas as pd
import pytest
from small_runs import small_config, with_curve

from probe.curves import load_runs
from probe.figures import draw_all
from probe.rates import chosen_rates, with_several_rates
from training.run import Run

LENGTH = 6
RATES = (1e-4, 1e-3)


def write_run(out, name, rate, held_out, validation, seed=0, state="finished", **settings):
    """A run whose accuracies on both splits are given, an evaluation each 100 steps; None for no validation."""
    config = small_config(name, length=LENGTH, steps=400, evaluations=4, learning_rate=rate, seed=seed, **settings)
    run = Run(out, config)
    run.start({"model": {"family": name.partition("/")[2], "parameters": 1000}})
    for number, accuracy in enumerate(held_out):
        counts = {"asked": [100] * LENGTH, "correct": [round(100 * accuracy)] * LENGTH}
        if validation is not None:
            counts |= {"validation_asked": 600, "validation_correct": round(600 * validation[number])}
        run.append({"step": 100 * (number + 1), "examples": 1, "loss": 1.0, "seconds": 1.0, **counts})
    run.set_state(state)


def choice(out):
    (row,) = chosen_rates(load_runs(out)[0]).to_dict("records")
    return row


NEVER, LATE, EARLY = [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.5, 1.0], [0.1, 1.0]


@pytest.mark.parametrize(
    ("validation_of_small", "validation_of_large", "chosen"),
    [
        ([EARLY, NEVER], [LATE, LATE], 1e-3),  # most runs reach it, however late
        ([EARLY, EARLY], [LATE, LATE], 1e-4),  # as many: sooner
        ([NEVER, [0.1, 0.2, 0.3, 0.5]], [NEVER, NEVER], 1e-4),  # none: the higher accuracy at the end
        ([NEVER, NEVER], [NEVER, [0.1, 0.2, 0.3, 0.5]], 1e-3),
        ([NEVER, NEVER], [NEVER, NEVER], 1e-4),  # alike in all: the smaller
    ],
)
def test_the_rate_is_chosen_by_arrivals_then_steps_then_accuracy_then_size(
    tmp_path, validation_of_small, validation_of_large, chosen
):
    for rate, curves in zip(RATES, (validation_of_small, validation_of_large), strict=True):
        for seed, validation in enumerate(curves):
            write_run(tmp_path, "tiny/mamba", rate, NEVER[: len(validation)], validation, seed)
    assert choice(tmp_path)["learning_rate"] == chosen


def test_what_is_reported_is_held_out_and_has_no_part_in_the_choice(tmp_path):
    for seed in range(3):
        write_run(tmp_path, "tiny/mamba", 1e-4, EARLY, NEVER[:2], seed)  # best on the held-out split
        write_run(tmp_path, "tiny/mamba", 1e-3, LATE if seed else NEVER, LATE, seed)  # best on validation
    row = choice(tmp_path)
    assert row["learning_rate"] == 1e-3 and (row["runs"], row["reached"]) == (3, 2)
    # One of three never arrives: 1/3 are on their way after 400, and the band holds one half from there on.
    assert (row["median_steps"], row["median_low"], row["median_high"]) == (400, 400, np.inf)


@pytest.mark.parametrize("known", [[], [1e-4]])
def test_no_rate_is_chosen_where_a_run_was_not_judged_on_validation(tmp_path, known):
    for rate in RATES:
        write_run(tmp_path, "tiny/mamba", rate, EARLY, EARLY if rate in known else None)
    row = choice(tmp_path)
    assert np.isnan(row["learning_rate"]) and pd.isna(row["runs"]) and np.isnan(row["median_steps"])


def test_a_run_that_was_judged_on_validation_from_some_step_on_is_not_enough(tmp_path):
    write_run(tmp_path, "tiny/mamba", 1e-3, EARLY, EARLY)
    (curve,) = tmp_path.glob("*/curve.jsonl")
    first, second = curve.read_text().splitlines()
    with_curve(curve.parent, first.replace("validation_asked", "other") + "\n" + second + "\n")
    assert np.isnan(choice(tmp_path)["learning_rate"])


def test_a_run_that_has_not_been_judged_yet_does_not_prevent_the_choice(tmp_path):
    write_run(tmp_path, "tiny/mamba", 1e-3, EARLY, EARLY)
    write_run(tmp_path, "tiny/mamba", 1e-4, [], None, state="planned")
    assert choice(tmp_path)["learning_rate"] == 1e-3


@pytest.fixture
def swept(tmp_path):
    """Both families at both rates and one order; the other order at one rate alone."""
    for family in ("pythia", "mamba"):
        for seed in range(3):
            for rate in RATES:
                curve = EARLY if (family == "pythia") == (rate == 1e-3) else LATE
                write_run(tmp_path / "runs", f"tiny/{family}", rate, curve, curve, seed)
            write_run(tmp_path / "runs", f"tiny/{family}", 1e-3, EARLY, EARLY, seed, order="prefix")
    return tmp_path / "runs"


def test_rates_are_drawn_where_there_are_several_and_each_family_has_its_own(swept, tmp_path):
    written = {path.name for path in draw_all(swept, tmp_path / "figures")}
    assert {f"learning_rates.{ending}" for ending in ("png", "pdf", "csv")} <= written
    assert {name for name in written if name.startswith("chosen_rates")} == {"chosen_rates.csv"}
    chosen = pd.read_csv(tmp_path / "figures" / "chosen_rates.csv").set_index(["query", "family"])
    assert chosen["learning_rate"].to_dict() == {("suffix", "pythia"): 1e-3, ("suffix", "mamba"): 1e-4}
    assert (chosen["median_steps"] == 200).all() and (chosen["reached"] == 3).all()
    drawn = pd.read_csv(tmp_path / "figures" / "learning_rates.csv")
    assert len(drawn) == 12 and set(drawn["query"]) == {"suffix"}
    assert set(map(tuple, drawn[drawn["chosen"]][["family", "learning_rate"]].to_numpy())) == {
        ("pythia", 1e-3),
        ("mamba", 1e-4),
    }
    slow = drawn[~drawn["chosen"]]
    assert (slow["median_steps"] == 400).all() and not slow["censored"].any()


def test_rates_that_differ_between_lengths_alone_are_no_question(tmp_path):
    for rate, order in zip(RATES, ("suffix", "prefix"), strict=True):
        write_run(tmp_path / "runs", "tiny/mamba", rate, EARLY, EARLY, order=order)
    assert with_several_rates(load_runs(tmp_path / "runs")[0]).empty
    written = {path.stem for path in draw_all(tmp_path / "runs", tmp_path / "figures")}
    assert not written & {"learning_rates", "chosen_rates"}
    assert "sample_efficiency" in written


def test_a_figure_without_a_choice_says_so(tmp_path, monkeypatch):
    for rate in RATES:
        write_run(tmp_path / "runs", "tiny/mamba", rate, EARLY, None)
    said = []
    monkeypatch.setattr("probe.rates.set_title", lambda figure, text, setting: said.append(setting))
    draw_all(tmp_path / "runs", tmp_path / "figures")
    assert "no rate chosen: runs without validation" in said[0]
    assert not pd.read_csv(tmp_path / "figures" / "learning_rates.csv")["chosen"].any()
    assert pd.read_csv(tmp_path / "figures" / "chosen_rates.csv")["learning_rate"].isna().all()
