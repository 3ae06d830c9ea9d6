"""`vlm compare`: two files or two folders of predictions, on the screen, as JSON and as tables; and what it refuses."""

import dataclasses
import json
import subprocess
import sys

import pandas as pd
import pytest
from small_predictions import predictions

from vlm.evaluate.predictions import read_predictions, write_predictions

BOTH = ("world-caption", "world-vqa", "world-grounding")


@pytest.fixture
def answers(tmp_path):
    """A folder for each of two models, with three benchmarks that both answered and one each that the other did not."""
    for seed, (name, right, alone) in enumerate([("a", 0.4, "world-choice"), ("b", 0.8, "world-match")]):
        (tmp_path / name).mkdir()
        for benchmark in (*BOTH, alone):
            write_predictions(tmp_path / name / f"{benchmark}.jsonl", predictions(benchmark, right, seed=seed))
    return tmp_path


def change(path, **fields):
    """Gives the first prediction of a file other fields."""
    first, *others = read_predictions(path)
    write_predictions(path, [dataclasses.replace(first, **fields), *others])


def refused(result, sentence):
    assert result.code == 2, result.stderr
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr and len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_two_files_are_compared_on_the_screen(vlm, answers):
    said = vlm("compare", "a/world-vqa.jsonl", "b/world-vqa.jsonl")
    assert said.code == 0 and said.stderr == ""
    assert said.stdout.startswith("A  a/world-vqa.jsonl\nB  b/world-vqa.jsonl\n")
    assert "world-vqa" in said.stdout and "mean of summary" in said.stdout and "McNemar" in said.stdout
    assert sorted(path.name for path in answers.iterdir()) == ["a", "b"]


def test_folders_are_compared_on_what_both_answered_and_the_others_are_named(vlm, answers):
    said = vlm("compare", "a", "b")
    assert said.code == 0
    assert all(name in said.stdout for name in BOTH)
    assert "world-choice" not in said.stdout and "world-match" not in said.stdout
    assert said.stderr.splitlines() == [
        "world-choice.jsonl is in a alone: left out.",
        "world-match.jsonl is in b alone: left out.",
    ]


def test_json_is_all_there_is_on_stdout_and_says_what_the_tables_say(vlm, answers):
    said = vlm("compare", "a", "b", "--json", "--out", "tables")
    assert said.code == 0
    read = json.loads(said.stdout, parse_constant=pytest.fail)
    assert (read["a"], read["b"], read["coverage"]) == ("a", "b", 0.95)
    for rows, name in ((read["benchmarks"], "comparison"), (read["tasks"], "comparison-tasks")):
        written = pd.read_csv(answers / "tables" / f"{name}.csv", keep_default_na=False, na_values=[""])
        pd.testing.assert_frame_equal(pd.DataFrame(rows), written, check_dtype=False)
    whole = [row for row in read["benchmarks"] if row["group"] == row["kind"] == "all"]
    assert [row["benchmark"] for row in whole] == list(BOTH)
    assert whole[1]["score_b"] > whole[1]["score_a"] and whole[1]["difference"] > whole[1]["low"] > 0
    assert [row["tasks"] for row in read["tasks"]] == ["summary", "retrieval"]


def test_tables_and_a_figure_are_written_into_a_folder(vlm, answers):
    assert vlm("compare", "a", "b", "--out", "new/tables").code == 0
    written = sorted(path.name for path in (answers / "new" / "tables").iterdir())
    assert written == ["comparison-tasks.csv", "comparison.csv", "comparison.pdf", "comparison.png"]


def test_the_module_can_be_run(answers):
    command = [sys.executable, "-m", "vlm", "compare", "a/world-vqa.jsonl", "b/world-vqa.jsonl", "--json"]
    done = subprocess.run(command, cwd=answers, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["benchmarks"][0]["benchmark"] == "world-vqa"


def test_exchanged_models_have_the_negative_difference(vlm, answers):
    one, other = (json.loads(vlm("compare", *some, "--json").stdout)["tasks"] for some in (("a", "b"), ("b", "a")))
    for own, exchanged in zip(one, other, strict=True):
        assert own["difference"] == pytest.approx(-exchanged["difference"])
        assert (own["p"], own["mcnemar"]) == (exchanged["p"], exchanged["mcnemar"])


@pytest.mark.parametrize("place", ["a", "a/world-vqa.jsonl"])
def test_a_model_can_be_compared_with_itself(vlm, answers, place):
    said = vlm("compare", place, place, "--json")
    assert said.code == 0 and said.stderr == ""
    assert {(row["difference"], row["p"]) for row in json.loads(said.stdout)["benchmarks"]} == {(0, 1)}


def test_the_order_of_lines_does_not_matter(vlm, answers):
    expected = vlm("compare", "a/world-vqa.jsonl", "b/world-vqa.jsonl", "--json").stdout
    path = answers / "b" / "world-vqa.jsonl"
    write_predictions(path, read_predictions(path)[::-1])
    assert vlm("compare", "a/world-vqa.jsonl", "b/world-vqa.jsonl", "--json").stdout == expected


def test_answers_that_a_test_server_scores_are_left_out_with_a_sentence(vlm, answers):
    for name in ("a", "b"):
        change(answers / name / "world-vqa.jsonl", score=None, answers=())
    said = vlm("compare", "a/world-vqa.jsonl", "b/world-vqa.jsonl", "--json")
    assert json.loads(said.stdout)["benchmarks"][0]["n"] == 59
    assert said.stderr == (
        "world-vqa.jsonl: 1 of 60 answers have no score, as it is not given out what is right: they are left out.\n"
    )


def test_a_benchmark_without_any_score_is_left_out_and_refused_alone(vlm, answers):
    for name in ("a", "b"):
        path = answers / name / "world-vqa.jsonl"
        hidden = [dataclasses.replace(one, score=None, answers=()) for one in read_predictions(path)]
        write_predictions(path, hidden)
    said = vlm("compare", "a", "b")
    assert said.code == 0 and "world-vqa" not in said.stdout
    assert "world-vqa.jsonl: 60 of 60 answers have no score" in said.stderr
    refused(vlm("compare", "a/world-vqa.jsonl", "b/world-vqa.jsonl"), "no answer in a/world-vqa.jsonl and b/world-vqa")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"id": "another"}, "2 samples, such as another, are answered by one of them alone"),
        ({"answers": ("Orange.",)}, "sample world-vqa-0 is another question in each"),
        ({"image": "images/99.png"}, "sample world-vqa-0 is another question in each"),
    ],
)
def test_other_questions_are_refused(vlm, answers, fields, sentence):
    change(answers / "b" / "world-vqa.jsonl", **fields)
    refused(vlm("compare", "a", "b", "--out", "tables"), sentence)
    refused(
        vlm("compare", "a/world-vqa.jsonl", "b/world-vqa.jsonl"), "a/world-vqa.jsonl and b/world-vqa.jsonl: the two"
    )
    assert not (answers / "tables").exists()


def test_another_limit_is_refused(vlm, answers):
    path = answers / "b" / "world-vqa.jsonl"
    write_predictions(path, read_predictions(path)[:50])
    refused(vlm("compare", "a", "b"), "10 samples, such as world-vqa-5")


def test_files_of_two_benchmarks_are_refused(vlm, answers):
    two = "a/world-vqa.jsonl", "b/world-grounding.jsonl"
    refused(
        vlm("compare", *two), "a/world-vqa.jsonl answers world-vqa and b/world-grounding.jsonl world-grounding: name"
    )
    (answers / two[1]).replace(answers / "b" / "world-vqa.jsonl")
    refused(vlm("compare", "a", "b"), "name two files of one benchmark")


def test_a_benchmark_in_two_files_of_a_folder_is_refused(vlm, answers):
    for name in ("a", "b"):
        (answers / name / "again.jsonl").write_text((answers / name / "world-vqa.jsonl").read_text())
    refused(vlm("compare", "a", "b"), "a holds world-vqa in several files: keep one of them")


def test_what_is_no_file_of_predictions_is_refused(vlm, answers):
    (answers / "b" / "world-vqa.jsonl").write_text('{"id": 1}\n')
    refused(vlm("compare", "a", "b"), "b/world-vqa.jsonl is no file of predictions: line 1 must have exactly")
    (answers / "b" / "world-vqa.jsonl").write_bytes(b"\xff\xfe")
    refused(vlm("compare", "a", "b"), "b/world-vqa.jsonl cannot be read as a file of predictions")
    refused(vlm("compare", "a/world-vqa.jsonl", "nowhere.jsonl"), "nowhere.jsonl is not there")


def test_folders_without_files_or_without_any_in_common_are_refused(vlm, answers):
    (answers / "empty").mkdir()
    refused(vlm("compare", "a", "empty"), "empty holds no files of predictions: name one that `vlm evaluate` wrote")
    refused(vlm("compare", ".", "b"), ". holds no files of predictions: name one of those in it, such as a.")
    for benchmark in BOTH:
        (answers / "b" / f"{benchmark}.jsonl").unlink()
    refused(vlm("compare", "a", "b"), "a and b have no benchmark in common: evaluate both models on the same ones")


def test_a_folder_and_a_file_are_refused(vlm, answers):
    refused(vlm("compare", "a", "b/world-vqa.jsonl"), "a is a folder and b/world-vqa.jsonl is none")
    refused(vlm("compare", "a/world-vqa.jsonl", "b"), "b is a folder and a/world-vqa.jsonl is none")
    refused(vlm("compare", "a", "nowhere"), "nowhere is not there")


def test_tables_are_not_written_over_a_file(vlm, answers):
    refused(vlm("compare", "a", "b", "--out", "a/world-vqa.jsonl"), "name a folder for the tables")


def test_the_help_says_what_is_compared(vlm):
    shown = vlm("compare", "--help")
    assert shown.code == 0 and "--json" in shown.stdout and "--out" in shown.stdout
    assert "compare" in vlm("--help").stdout
