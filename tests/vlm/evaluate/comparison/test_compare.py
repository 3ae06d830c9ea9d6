"""Two models compared: differences, tests and means of tasks, each against a slower way to have it, and the figure."""

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats
from small_predictions import predictions, saying

from training.config import ConfigError
from vlm.evaluate.comparison.compare import compare_benchmarks, compare_tasks
from vlm.evaluate.comparison.forest import draw_differences
from vlm.evaluate.comparison.paired import Paired
from vlm.evaluate.comparison.screen import as_json, print_comparison
from vlm.evaluate.results import difference

WORLD = ("world-caption", "world-vqa", "world-choice", "world-grounding", "world-reading")


def paired(benchmark, a=0.5, b=0.7, number=60):
    return Paired(a=predictions(benchmark, a, number, seed=1), b=predictions(benchmark, b, number, seed=2))


def exchanged(compared):
    return [Paired(a=one.b, b=one.a) for one in compared]


def scoring(benchmark, of_a, of_b):
    """One question, which the two score so much at."""
    (asked,) = saying(["red"], benchmark)
    return Paired(a=[dataclasses.replace(asked, score=of_a)], b=[dataclasses.replace(asked, score=of_b)])


def test_a_benchmark_has_a_row_for_all_of_it_for_each_group_and_for_each_kind():
    compared = paired("world-vqa")
    frame = compare_benchmarks([compared])
    assert frame[["group", "kind", "n"]].to_numpy().tolist() == [
        ["all", "all", 60],
        ["held-out", "all", 15],
        ["seen", "all", 45],
        ["all", "colour", 30],
        ["all", "count", 30],
    ]
    own = difference(compared.b, compared.a)
    pd.testing.assert_frame_equal(frame[own.columns.tolist()], own)
    row = frame.iloc[3]
    of_a, of_b = (np.array([one.score for one in some if one.kind == "colour"]) for some in (compared.a, compared.b))
    assert (row["score_a"], row["score_b"]) == (of_a.mean(), of_b.mean())
    assert row["relative"] == pytest.approx((of_b.mean() - of_a.mean()) / of_a.mean())
    assert (row["only_a"], row["only_b"]) == (sum(of_a > of_b), sum(of_b > of_a))
    assert row["mcnemar"] == pytest.approx(stats.binomtest(sum(of_b > of_a), sum(of_b != of_a)).pvalue)


def test_scores_between_0_and_1_have_no_mcnemar_and_everything_else():
    frame = compare_benchmarks([paired("world-caption"), scoring("vqa_v2", 0.3, 1.0)])
    assert frame[["only_a", "only_b", "mcnemar", "mid"]].isna().all(axis=None)
    assert frame[["difference", "low", "high", "p"]].notna().all(axis=None)


def test_p_values_of_whole_benchmarks_are_adjusted_for_how_many_there_are():
    compared = [paired(name, b=0.6) for name in WORLD]
    frame = compare_benchmarks(compared)
    whole = (frame["group"] == "all") & (frame["kind"] == "all")
    assert frame.loc[whole, "holm"].notna().all() and frame.loc[~whole, "holm"].isna().all()
    smallest = frame.loc[whole].sort_values("p").iloc[0]
    assert smallest["holm"] == pytest.approx(len(WORLD) * smallest["p"])
    alone = compare_benchmarks(compared[:1])
    assert alone.loc[0, "holm"] == alone.loc[0, "p"]


@settings(max_examples=15, deadline=None)
@given(st.floats(0.2, 0.9), st.floats(0.2, 0.9), st.sampled_from(WORLD))
def test_a_and_b_exchanged_have_the_negative_difference_and_the_same_p(a, b, benchmark):
    compared = [paired(benchmark, a, b, number=24)]
    for table in (compare_benchmarks, compare_tasks):
        own, other = table(compared), table(exchanged(compared))
        for name, sign, counterpart in [
            ("difference", -1, "difference"),
            ("low", -1, "high"),
            ("high", -1, "low"),
            ("score_a", 1, "score_b"),
            ("only_a", 1, "only_b"),
            ("only_b", 1, "only_a"),
            ("p", 1, "p"),
            ("holm", 1, "holm"),
            ("mcnemar", 1, "mcnemar"),
            ("mid", 1, "mid"),
        ]:
            expected = (sign * other[counterpart]).astype(float).to_numpy()
            assert own[name].astype(float).to_numpy() == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_model_does_not_differ_from_itself():
    same = [Paired(a=some, b=some) for some in map(predictions, WORLD)]
    for frame in (compare_benchmarks(same), compare_tasks(same)):
        assert (frame[["difference", "low", "high", "relative"]] == 0).all(axis=None)
        assert (frame["p"] == 1).all() and (frame["holm"].dropna() == 1).all()
        assert (frame[["mcnemar", "mid"]].dropna() == 1).all(axis=None)


def test_means_of_tasks_are_those_of_their_benchmarks():
    compared = [paired("world-match", 0.7, 0.6, number=30), *(paired(name) for name in WORLD)]
    whole = compare_benchmarks(compared).query("group == 'all' and kind == 'all'")
    frame = compare_tasks(compared)
    assert frame["tasks"].tolist() == ["summary", "retrieval", "reading"]
    for row in frame.to_dict("records"):
        own = whole[whole["tasks"] == row["tasks"]]
        assert (row["benchmarks"], row["n"]) == (len(own), own["n"].sum())
        for name in ("score_a", "score_b", "difference", "relative"):
            assert row[name] == pytest.approx(own[name].mean())
        assert row["total"] == pytest.approx(own["score_b"].sum() - own["score_a"].sum())
        assert (row["only_a"], row["only_b"]) == (own["only_a"].sum(), own["only_b"].sum())
        assert row["mcnemar"] == pytest.approx(stats.binomtest(row["only_a"], row["only_a"] + row["only_b"]).pvalue)
        assert row["low"] <= row["difference"] <= row["high"]
    assert frame["holm"].min() == pytest.approx(3 * frame["p"].min())


def test_the_interval_of_tasks_draws_pictures_with_all_that_their_benchmarks_ask():
    """Against resamples that are made up of questions, one after the other. World benchmarks share their pictures."""
    compared = [paired("world-vqa", number=40), paired("world-caption", number=40)]
    (row,) = compare_tasks(compared).to_dict("records")
    generator, pictures, means = np.random.default_rng(3), np.arange(20), []
    apart = [np.subtract(*one.scores[::-1]).reshape(20, 2) for one in compared]  # two questions a picture, in order
    for _ in range(4000):
        drawn = generator.choice(pictures, 20)
        means.append(np.mean([some[drawn].mean() for some in apart]))
    width = row["high"] - row["low"]
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.05 * width)


def test_tasks_without_right_and_wrong_answers_have_no_mcnemar_and_gains_on_nothing_are_none():
    (row,) = compare_tasks([scoring("textcaps", 0.0, 0.9), scoring("text_vqa", 0.3, 0.6)]).to_dict("records")
    assert row["tasks"] == "reading" and row["difference"] == pytest.approx(0.6)
    assert pd.isna(row["relative"]) and pd.isna(row["only_a"]) and pd.isna(row["mcnemar"])


def test_gains_have_the_sign_and_the_size_of_the_papers_table_of_orders():
    """Mamba-VL, from task-agnostic to task-aware (reference-facts, 7.7), with the sign of Visual7W corrected."""
    table = {
        "refcoco": (76.60, 77.77, 1.53),
        "refcoco+": (68.40, 68.25, -0.22),
        "refcocog": (68.82, 70.01, 1.73),
        "visual7w-pointing": (80.18, 77.04, -3.92),
    }
    compared = [scoring(name, of_a / 100, of_b / 100) for name, (of_a, of_b, _) in table.items()]
    gains = compare_benchmarks(compared).set_index("benchmark")["relative"]
    assert (100 * gains).round(2).to_dict() == {name: gain for name, (_, _, gain) in table.items()}
    (row,) = compare_tasks(compared).to_dict("records")
    assert 100 * row["relative"] == pytest.approx(np.mean([gain for _, _, gain in table.values()]), abs=0.005)
    assert 100 * row["total"] == pytest.approx(1.17 - 0.15 + 1.19 - 3.14)


def test_the_screen_shows_every_benchmark_and_the_mean_and_sum_of_tasks_in_80_columns():
    compared = [paired(name) for name in WORLD]
    benchmarks, tasks = compare_benchmarks(compared), compare_tasks(compared)
    out = io.StringIO()
    print_comparison(Console(file=out, width=80), "a", "b", benchmarks, tasks)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "…" not in out.getvalue()
    for row in benchmarks.query("group == 'all' and kind == 'all'").to_dict("records"):
        of_a, of_b, apart = (100 * row[name] for name in ("score_a", "score_b", "difference"))
        said = f"{row['benchmark']} {row['metric']} {of_a:.1f} {of_b:.1f} {apart:+.1f} {100 * row['low']:+.1f} to"
        assert any(line.startswith(said) for line in lines)
        assert any(line.startswith(f"{row['benchmark']} {row['n']} ") for line in lines)
    summary = tasks.iloc[0]
    assert any(line.startswith("mean of summary") and f"{100 * summary['difference']:+.1f}" in line for line in lines)
    assert any(line.startswith("sum of summary") and f"{100 * summary['total']:+.1f}" in line for line in lines)
    assert not any(line.startswith("sum of reading") for line in lines)
    assert any(f"{summary['only_a']} {summary['only_b']}" in line for line in lines if "all of summary" in line)


def test_json_has_every_row_and_null_where_there_is_nothing():
    compared = [paired("world-caption"), paired("world-match")]
    benchmarks, tasks = compare_benchmarks(compared), compare_tasks(compared)
    said = as_json("a", "b", benchmarks, tasks)
    assert [row["benchmark"] for row in said["benchmarks"]] == benchmarks["benchmark"].tolist()
    assert said["benchmarks"][0]["mcnemar"] is None and said["benchmarks"][1]["holm"] is None
    assert said["tasks"][0]["difference"] == tasks["difference"][0]


def test_the_figure_is_the_same_each_time_and_not_over_a_file(tmp_path):
    compared = [paired(name) for name in WORLD]
    benchmarks, tasks = compare_benchmarks(compared), compare_tasks(compared)
    paths = draw_differences(benchmarks, tasks, tmp_path / "figures", "a", "b")
    assert [path.name for path in paths] == ["comparison.png", "comparison.pdf"]
    first = [path.read_bytes() for path in paths]
    assert [p.read_bytes() for p in draw_differences(benchmarks, tasks, tmp_path / "figures", "a", "b")] == first
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="name a folder for the figure"):
        draw_differences(benchmarks, tasks, tmp_path / "file", "a", "b")
