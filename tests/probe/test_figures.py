"""The figures: the CSV beside each is what is drawn, and runs that do not reach the threshold stay in the picture."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from small_runs import as_of_another_version, small_config, with_curve

from probe.curves import carried_to_the_end, load_runs, overall
from probe.figures import draw_all
from training.config import ConfigError, to_dict
from training.run import Run

LENGTH = 6
ASKED = 10


def write_run(out, name, hits_by_step, asked=ASKED, **settings):
    """A run whose curve is given: for each evaluated step, the hits at each position, of so many that were asked."""
    config = small_config(name, length=LENGTH, steps=400, evaluations=4, **settings)
    run = Run(out, config)
    run.start({"model": {"family": "mamba" if "mamba" in name else "pythia", "parameters": 1000}})
    for step, hits in hits_by_step.items():
        run.append(
            {
                "step": step,
                "examples": 8 * step,
                "loss": 1.0,
                "correct": hits,
                "asked": [asked] * LENGTH,
                "seconds": 1.0,
            }
        )
    run.set_state("finished")
    return run


@pytest.fixture
def runs(tmp_path):
    """Three suffix runs of each family, one of which learns at 200, one at 400 and one never; prefix at chance."""
    out = tmp_path / "runs"
    for name in ("tiny/pythia", "tiny/mamba"):
        write_run(out, name, {100: [2] * 6, 200: [10] * 6}, seed=0)
        write_run(out, name, {100: [1] * 6, 200: [2] * 6, 300: [5] * 6, 400: [10, 10, 9, 10, 10, 10]}, seed=1)
        write_run(out, name, {100: [1] * 6, 200: [2] * 6, 300: [4] * 6, 400: [0, 0, 5, 5, 10, 10]}, seed=2)
        write_run(out, name, {step: [2, 1, 2, 2, 1, 2] for step in (100, 200, 300, 400)}, order="prefix")
    return out


def test_tables_hold_the_settings_the_counts_and_the_steps_to_the_threshold(runs):
    table, curves = load_runs(runs)
    suffix = table[table["order"] == "suffix"]
    assert sorted(suffix["steps_to_threshold"].fillna(-1)) == [-1, -1, 200, 200, 400, 400]
    assert set(table["family"]) == {"pythia", "mamba"}
    one = curves[(curves["run"] == curves["run"].iloc[0]) & (curves["step"] == 100)]
    assert one["position"].tolist() == list(range(LENGTH)) and (one["asked"] == ASKED).all()


def test_a_run_that_stopped_keeps_its_accuracy_to_the_end(runs):
    _, curves = load_runs(runs)
    suffix = overall(curves[curves["order"] == "suffix"])
    carried = carried_to_the_end(suffix, ["family"])
    assert (carried.groupby("run")["step"].max() == 400).all()
    first = carried[(carried["data_seed"] == 0) & (carried["family"] == "mamba")].set_index("step")["accuracy"]
    assert first.to_dict() == {100: 0.2, 200: 1.0, 300: 1.0, 400: 1.0}


def test_every_figure_comes_as_png_pdf_and_csv(runs, tmp_path):
    drawn = {path.name for path in draw_all(runs, tmp_path / "figures")}
    kinds = ["learning_curves", "sample_efficiency", "orders_6"]
    names = kinds + [f"{kind}_{order}_6" for kind in ("positions", "fifths") for order in ("suffix", "prefix")]
    assert drawn == {f"{name}.{ending}" for name in names for ending in ("png", "pdf", "csv")}
    assert all((tmp_path / "figures" / name).stat().st_size > 100 for name in drawn)
    assert not plt.get_fignums(), "no figure is left open"


def test_orders_are_compared_at_the_lengths_that_have_both(runs, tmp_path):
    config = small_config("tiny/mamba", length=5, steps=400, evaluations=4)
    run = Run(runs, config)
    run.start({"model": {"family": "mamba", "parameters": 1000}})
    run.append({"step": 100, "examples": 800, "loss": 1.0, "correct": [1] * 5, "asked": [ASKED] * 5, "seconds": 1.0})
    names = {path.stem for path in draw_all(runs, tmp_path / "figures")}
    assert "positions_suffix_5" in names and "orders_6" in names and "orders_5" not in names


def test_the_same_curves_draw_the_same_files_however_long_they_took(runs, tmp_path):
    first = draw_all(runs, tmp_path / "a")
    for curve in runs.glob("*/curve.jsonl"):
        with_curve(curve.parent, curve.read_text().replace('"seconds": 1.0', '"seconds": 2.0'))
    second = draw_all(runs, tmp_path / "b")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_runs_that_never_learn_are_drawn_as_censored(runs, tmp_path):
    draw_all(runs, tmp_path)
    data = pd.read_csv(tmp_path / "sample_efficiency.csv")
    suffix = data[(data["order"] == "suffix") & (data["family"] == "mamba")].sort_values("data_seed")
    assert suffix["steps"].tolist() == [200, 400, 400]
    assert suffix["censored"].tolist() == [False, False, True]
    assert suffix["share_of_training"].tolist() == [0.5, 1.0, 1.0]


def test_sample_efficiency_carries_the_median_by_kaplan_and_meier_and_its_interval(runs, tmp_path):
    write_run(runs, "tiny/mamba", {100: [1] * 6}, seed=3).set_state("interrupted")  # of it nothing is known after 100
    draw_all(runs, tmp_path)
    data = pd.read_csv(tmp_path / "sample_efficiency.csv").groupby(["order", "family"])
    columns = ["median_steps", "median_low", "median_high"]
    assert (data[columns].nunique() <= 1).all(axis=None), "one value a group, in each of its rows"
    half, low, high = (data[column].first() for column in columns)
    # Pythia: 2/3 on their way at 200, 1/3 at 400. Mamba: one of four is lost before, which changes no share.
    assert half["suffix", "pythia"] == half["suffix", "mamba"] == 400
    assert half["prefix", "pythia"] == np.inf and np.isnan(low["prefix", "pythia"])
    assert (low["suffix"] == 200).all() and (high == np.inf).all()


def test_the_positions_figure_pools_runs_and_marks_its_lines(runs, tmp_path):
    draw_all(runs, tmp_path, steps=[90, 400])
    data = pd.read_csv(tmp_path / "positions_suffix_6.csv")
    mamba = data[(data["family"] == "mamba") & (data["step"] == 400)].sort_values("position")
    assert mamba["asked"].tolist() == [30] * 6
    assert mamba["correct"].tolist() == [20, 20, 24, 25, 30, 30]
    assert (mamba["low"] < mamba["accuracy"] + 1e-9).all() and (mamba["accuracy"] < mamba["high"] + 1e-9).all()
    assert set(data[data["line"]]["step"]) == {100, 400}


def test_a_run_that_was_asked_more_does_not_outweigh_the_others(tmp_path):
    write_run(tmp_path / "runs", "tiny/mamba", {400: [600] * 6}, asked=1000, seed=0)
    write_run(tmp_path / "runs", "tiny/mamba", {400: [0] * 6}, asked=10, seed=1)
    draw_all(tmp_path / "runs", tmp_path / "figures")
    data = pd.read_csv(tmp_path / "figures" / "positions_suffix_6.csv")
    assert np.allclose(data["accuracy"], 0.3), "the mean of 60 % and 0 %, and not 59 %"
    assert np.allclose(data["asked"], 4 / (1 / 1000 + 1 / 10)), "worth about 40 questions, and not 1,010"


def test_lines_are_drawn_where_accuracy_passes_quarters(runs, tmp_path):
    draw_all(runs, tmp_path)
    data = pd.read_csv(tmp_path / "positions_suffix_6.csv")
    lines = data[data["line"] & (data["family"] == "pythia")]
    accuracy = lines.groupby("step")[["correct", "asked"]].sum().pipe(lambda sums: sums["correct"] / sums["asked"])
    assert accuracy.index.tolist() == [200, 300, 400]
    assert np.allclose(accuracy, [14 / 30, 19 / 30, (10 + 59 / 6 + 5) / 30])


def test_one_family_one_run_and_one_evaluation_are_enough(tmp_path):
    write_run(tmp_path / "runs", "tiny/mamba", {100: [1] * 6})
    names = {path.stem for path in draw_all(tmp_path / "runs", tmp_path / "figures")}
    assert names == {"learning_curves", "positions_suffix_6", "fifths_suffix_6", "sample_efficiency"}


def test_a_broken_config_is_named_and_nothing_is_drawn(runs, tmp_path):
    folder = sorted(runs.iterdir())[0]
    config = to_dict(small_config())
    (folder / "config.json").write_text(json.dumps({"config": config})[:-5])
    with pytest.raises(ConfigError, match="cannot be read"):
        draw_all(runs, tmp_path / "figures")
    assert not (tmp_path / "figures").exists()


def test_a_run_that_has_not_learned_is_not_carried_on(tmp_path):
    write_run(tmp_path / "runs", "tiny/mamba", {100: [1] * 6, 200: [3] * 6}, seed=0)  # interrupted there
    write_run(tmp_path / "runs", "tiny/mamba", {100: [1] * 6, 200: [2] * 6, 300: [4] * 6}, seed=1)
    _, curves = load_runs(tmp_path / "runs")
    last = carried_to_the_end(overall(curves), ["family"]).groupby("data_seed")["step"].max()
    assert last.to_dict() == {0: 200, 1: 300}


def test_pairs_of_different_sizes_have_figures_of_their_own(tmp_path):
    for pair in ("tiny", "small"):
        write_run(tmp_path / "runs", f"{pair}/mamba", {100: [1] * 6})
    Run(tmp_path / "runs", small_config("1b/mamba", length=LENGTH)).plan()  # not yet judged
    names = {path.stem for path in draw_all(tmp_path / "runs", tmp_path / "figures")}
    kinds = ("learning_curves", "positions_suffix_6", "fifths_suffix_6", "sample_efficiency")
    assert names == {"pairs_6"} | {f"{pair}_{kind}" for pair in ("tiny", "small") for kind in kinds}


def test_pairs_are_set_side_by_side_where_they_share_a_length(tmp_path):
    out = tmp_path / "runs"
    for seed in (0, 1):
        write_run(out, "tiny/mamba", {100: [1] * 6, 200: [4 + seed] * 6}, seed=seed)
        write_run(out, "tiny-pretrained/mamba", {100: [10] * 6}, seed=seed)
    write_run(out, "tiny-pretrained/pythia", {100: [10] * 6}, order="prefix")
    draw_all(out, tmp_path / "figures")
    data = pd.read_csv(tmp_path / "figures" / "pairs_6.csv")
    assert data["pair"].unique().tolist() == ["tiny", "tiny-pretrained"]
    last = data[data["query"] == "suffix"].groupby(["pair", "data_seed"])["accuracy"].last()
    assert last["tiny"].tolist() == [0.4, 0.5] and last["tiny-pretrained"].tolist() == [1, 1]
    own = pd.read_csv(tmp_path / "figures" / "tiny_pretrained_learning_curves.csv")
    assert len(own) == 3 and set(own["pair"]) == {"tiny-pretrained"}


def test_runs_that_differ_in_what_a_figure_does_not_show_are_drawn_apart(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path / "runs", "tiny/mamba", {100: [1] * 6}, seed=seed)
        write_run(tmp_path / "runs", "tiny/mamba", {100: [2] * 6}, seed=seed, pool=9, schedule="constant")
    runs, _ = load_runs(tmp_path / "runs")
    assert set(runs["variant"]) == {"schedule cosine, pool None", "schedule constant, pool 9"}
    draw_all(tmp_path / "runs", tmp_path / "figures")
    data = pd.read_csv(tmp_path / "figures" / "schedule_constant_pool_9_positions_suffix_6.csv")
    assert data["asked"].tolist() == [20] * 6 and data["correct"].tolist() == [4] * 6


def test_runs_that_agree_in_what_sets_others_of_their_pair_apart_stay_in_one_figure(tmp_path):
    for batch in (8, 16):
        write_run(tmp_path / "runs", "tiny/mamba", {100: [1] * 6}, order="prefix", batch=batch)
    write_run(tmp_path / "runs", "tiny/mamba", {100: [1] * 6}, order="prefix", supervision="from-target")
    write_run(tmp_path / "runs", "small/mamba", {100: [1] * 6}, order="prefix")
    runs, _ = load_runs(tmp_path / "runs")
    tiny = runs[runs["pair"] == "tiny"]
    assert sorted(tiny["variant"]) == ["batch 16", "batch 8", "batch 8"]
    assert set(runs[runs["pair"] == "small"]["variant"]) == {""}
    names = {path.stem for path in draw_all(tmp_path / "runs", tmp_path / "figures")}
    assert "tiny_batch_8_orders_6" in names and "tiny_batch_16_orders_6" not in names


def test_what_a_figure_shows_apart_makes_no_variant(tmp_path):
    for name in ("tiny/pythia", "tiny/mamba"):
        for change in ({}, {"seed": 1}, {"learning_rate": 0.1}, {"order": "prefix"}, {"weight_seed": 3}):
            write_run(tmp_path / "runs", name, {100: [1] * 6}, **change)
    runs, curves = load_runs(tmp_path / "runs")
    assert set(runs["variant"]) == {""} == set(curves["variant"])


def test_two_models_of_one_family_are_not_taken_for_one(tmp_path):
    for name in ("/models/a/mamba", "/models/b/mamba"):
        write_run(tmp_path / "runs", name, {100: [1] * 6})
    runs, _ = load_runs(tmp_path / "runs")
    assert set(runs["variant"]) == {"a/mamba", "b/mamba"}
    hub = "state-spaces/mamba-130m-hf"
    write_run(tmp_path / "hub", hub, {100: [1] * 6})
    write_run(tmp_path / "hub", "160m/pythia", {100: [1] * 6})
    assert set(load_runs(tmp_path / "hub")[0]["pair"]) == {"160m"}


def test_a_run_of_another_version_is_named(runs):
    folder = sorted(runs.iterdir())[0]
    folder = as_of_another_version(folder, lambda config: config.pop("supervision"))
    with pytest.raises(ConfigError, match=f"{folder.name} is not a run of the probe .*supervision"):
        load_runs(runs)
