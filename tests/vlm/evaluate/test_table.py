"""One tidy table of all models, one of all paired differences, both on the screen, and the figure with its data."""

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from small_predictions import predictions

from training.config import ConfigError
from vlm.evaluate.figure import draw_results
from vlm.evaluate.paper import PUBLISHED
from vlm.evaluate.results import headlines, summarise
from vlm.evaluate.screen import print_measures, print_results
from vlm.evaluate.table import Evaluated, differences, scores

SHARES = {
    ("mamba", "task-aware"): 0.9,
    ("mamba", "task-agnostic"): 0.4,
    ("pythia", "task-agnostic"): 0.6,
    ("pythia", "task-aware"): 0.5,
}


def evaluated(*benchmarks):
    return [
        Evaluated(family=family, order=order, predictions=predictions(name, share, seed=seed))
        for name in benchmarks
        for seed, ((family, order), share) in enumerate(SHARES.items())
    ]


def test_a_summary_has_a_row_for_the_whole_and_for_each_part():
    some = predictions("world-vqa", number=40)
    some[0] = dataclasses.replace(some[0], score=0.0, parsed=False)
    frame = summarise(some)
    assert frame[["group", "kind", "n"]].to_numpy().tolist() == [
        ["all", "all", 40],
        ["held-out", "all", 10],
        ["seen", "all", 30],
        ["all", "colour", 20],
        ["all", "count", 20],
    ]
    assert frame["score"][0] == np.mean([one.score for one in some])
    assert frame["score"][2] == np.mean([one.score for one in some if one.group == "seen"])
    assert frame["parse_failures"].tolist() == [1, 0, 1, 1, 0]
    assert (frame["low"] <= frame["score"]).all() and (frame["score"] <= frame["high"]).all()


def test_scores_start_with_the_constants_and_have_every_model_of_every_benchmark():
    frame = scores(evaluated("world-vqa", "world-match"))
    whole = headlines(frame[(frame["group"] == "all") & (frame["kind"] == "all")])
    assert whole[["benchmark", "family", "order"]].to_numpy().tolist() == [
        ["world-vqa", "constant", ""],
        ["world-vqa", "constant by kind", ""],
        ["world-vqa", "pythia", "task-agnostic"],
        ["world-vqa", "pythia", "task-aware"],
        ["world-vqa", "mamba", "task-agnostic"],
        ["world-vqa", "mamba", "task-aware"],
        ["world-match", "constant", ""],
        ["world-match", "pythia", "task-agnostic"],
        ["world-match", "pythia", "task-aware"],
        ["world-match", "mamba", "task-agnostic"],
        ["world-match", "mamba", "task-aware"],
    ]


def test_differences_are_those_of_families_in_an_order_and_of_orders_in_a_family():
    models = evaluated("world-reading")
    frame = differences(models)
    whole = frame[frame["group"] == "all"].set_index(["comparison", "within"])
    assert set(whole.index) == {
        ("mamba - pythia", "task-agnostic"),
        ("mamba - pythia", "task-aware"),
        ("task-aware - task-agnostic", "pythia"),
        ("task-aware - task-agnostic", "mamba"),
        ("(task-aware - task-agnostic), mamba - pythia", ""),
    }
    table = scores(models)
    table = table[table["group"] == "all"].set_index(["family", "order"])["score"]
    row = whole.loc["mamba - pythia", "task-aware"]
    assert row["difference"] == pytest.approx(table["mamba", "task-aware"] - table["pythia", "task-aware"])
    row = whole.loc["task-aware - task-agnostic", "mamba"]
    assert row["difference"] == pytest.approx(table["mamba", "task-aware"] - table["mamba", "task-agnostic"])
    assert 0 < row["low"] <= row["difference"] <= row["high"]
    effects = whole["difference"].loc["task-aware - task-agnostic"]
    row = whole.loc["(task-aware - task-agnostic), mamba - pythia", ""]
    assert row["difference"] == pytest.approx(effects["mamba"] - effects["pythia"])
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert not any("(" in name for name in differences(models[:3])["comparison"])


def test_models_are_compared_within_a_pair(tmp_path):
    models = [dataclasses.replace(one, pair=pair) for pair in ("1b", "160m") for one in evaluated("world-match")]
    frame = differences(models)
    whole = frame[frame["group"] == "all"]
    assert whole["within"].str.startswith(("1b", "160m")).all() and len(whole) == 2 * 5
    alone = differences(evaluated("world-match"))
    assert sorted(whole["difference"]) == sorted(2 * alone[alone["group"] == "all"]["difference"].tolist())
    table = scores(models)
    assert table["pair"].unique().tolist() == ["", "1b", "160m"]
    assert draw_results(table, tmp_path)[0].exists()


def test_one_model_alone_has_no_differences():
    assert len(differences(evaluated("world-vqa")[:1])) == 0


@pytest.mark.parametrize("table", [scores, differences])
def test_models_that_cannot_be_compared_are_refused(table):
    with pytest.raises(ConfigError, match="nothing to compare"):
        table([])
    models = evaluated("world-vqa")
    with pytest.raises(ConfigError, match="several predictions of world-vqa by pythia, task-aware"):
        table([*models, models[-1]])
    with pytest.raises(ConfigError, match="cannot be paired: 1 samples"):
        table([dataclasses.replace(models[0], predictions=models[0].predictions[1:]), *models[1:]])


def test_the_screen_shows_scores_differences_and_what_could_not_be_read():
    models = evaluated("world-vqa", "world-caption")
    unread = dataclasses.replace(models[2].predictions[0], prediction="", score=0.0, parsed=False)
    models[2] = dataclasses.replace(models[2], predictions=[unread, *models[2].predictions[1:]])
    table, apart = scores(models), differences(models)
    out = io.StringIO()
    print_results(Console(file=out, width=100), table, apart)
    print_measures(Console(file=out, width=100), table)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    whole = table[(table["group"] == "all") & (table["kind"] == "all")]
    beside = whole.drop(headlines(whole).index)
    assert {"BLEU-4", "ROUGE-L"} <= set(beside["metric"])
    for row in beside.itertuples():
        said = f"{row.family} {row.order} {100 * row.score:.1f} {100 * row.low:.1f} to {100 * row.high:.1f}"
        assert any(line.endswith(said) for line in lines)
    for row in headlines(whole).itertuples():
        unread = f" {row.parse_failures}" if row.parse_failures else ""
        model = f"{row.family} {row.order}".strip()
        said = f"{model} {100 * row.score:.1f} {100 * row.low:.1f} to {100 * row.high:.1f}{unread}"
        assert any(line.endswith(said) for line in lines)
    for row in apart[(apart["group"] == "all") & (apart["kind"] == "all")].itertuples():
        interval = f"{100 * row.low:+.1f} to {100 * row.high:+.1f}"
        said = f"{', '.join(filter(None, (row.comparison, row.within)))} {100 * row.difference:+.1f} {interval}"
        assert any(line.endswith(said) for line in lines)


def test_the_figure_is_written_with_its_data(tmp_path):
    table = scores(evaluated("world-caption", "world-vqa"))
    paths = draw_results(table, tmp_path / "figures", title="tiny")
    assert [path.name for path in paths] == ["benchmarks.png", "benchmarks.pdf", "benchmarks.csv"]
    read = pd.read_csv(paths[2], keep_default_na=False, na_values={"published": [""]})
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in draw_results(table, tmp_path / "figures", title="tiny")] == first


def test_a_figure_over_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="name a folder for the figure"):
        draw_results(scores(evaluated("world-match")), tmp_path / "file")


def test_models_of_the_papers_sizes_stand_beside_its_scores():
    some = predictions("refcoco", number=40)
    some = [dataclasses.replace(one, group=("testA", "testB")[n % 2]) for n, one in enumerate(some)]
    models = [
        Evaluated(family=family, order="task-aware", predictions=some, size=size)
        for family, size in (("pythia", "tiny"), ("mamba", "1.4b"))
    ]
    table = scores(models)
    known = table[table["published"].notna()]
    assert known[["family", "group", "kind", "published"]].to_numpy().tolist() == [
        ["mamba", "testA", "all", 0.7777],
        ["mamba", "testB", "all", 0.6535],
    ]
    out = io.StringIO()
    print_results(Console(file=out, width=100), table, differences(models))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "benchmark model score 95 % interval paper unread" in lines
    assert any(line.startswith("testA mamba task-aware") and line.endswith(" 77.8") for line in lines)
    assert not any(line.startswith("testA pythia task-aware") and line.endswith(" 82.8") for line in lines)


def test_the_papers_scores_are_those_of_its_tables():
    """Table 1, 2 and 11, a number of each; relative gains of the paper follow from them, with the signs set right."""
    assert PUBLISHED["1b", "pythia", "task-agnostic", "coco", "all"] == pytest.approx(1.3289)
    assert PUBLISHED["2.8b", "mamba", "task-agnostic", "ai2d", "all"] == pytest.approx(0.8371)
    assert PUBLISHED["1.4b", "pythia", "task-aware", "visual7w-telling", "all"] == pytest.approx(0.7930)
    gains = {
        benchmark: PUBLISHED["1.4b", "mamba", "task-aware", benchmark, group] / score - 1
        for (pair, family, order, benchmark, group), score in PUBLISHED.items()
        if (pair, family, order) == ("1.4b", "mamba", "task-agnostic")
        and ("1.4b", "mamba", "task-aware", benchmark, group) in PUBLISHED
    }
    assert round(100 * gains["coco"], 2) == 0.51 and round(100 * gains["visual7w-pointing"], 2) == -3.92
    assert round(100 * gains["ai2d"], 2) == -0.82 and len(gains) == 11
