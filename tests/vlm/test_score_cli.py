"""`vlm score`: what it prints and writes, what it refuses, and that it gives what direct computation gives."""

import dataclasses
import json

import pytest
import result_files as files
from hypothesis import given
from hypothesis import strategies as st
from miniatures.files import write_json
from published_files import published
from result_files import PAPER, REFERENCES, drawn
from score_command import overall, refused, scored, write_files
from small_predictions import predictions

from vlm.evaluate.predictions import read_predictions, write_predictions
from vlm.evaluate.results import summarise
from vlm.evaluate.score import score
from vlm.evaluate.score_screen import as_json
from vlm.sample import write_samples


@pytest.fixture(autouse=True, scope="module")
def without_java():
    """It would be started for every file of captions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        yield


@pytest.mark.parametrize("benchmark", PAPER)
def test_results_in_the_form_of_the_data_set_are_scored_as_by_the_benchmark_itself(benchmark, vlm, tmp_path):
    some = drawn(benchmark)
    results, references = write_files(tmp_path, some)
    found = scored(vlm, benchmark, results, "--references", references)
    assert overall(found) == pytest.approx(some.score, abs=1e-12) and some.score > 0
    assert found["n"] == found["questions"] == 20 and found["is_whole"]
    assert found["intervals_draw"] == "pictures"


@pytest.mark.parametrize("benchmark", ["coco", "vqa_v2", "vsr", "refcoco", "world-vqa", "ai2d"])
def test_our_own_predictions_score_as_they_did(benchmark, vlm, tmp_path):
    some = predictions(benchmark)
    write_predictions(tmp_path / "ours.jsonl", some)
    found = scored(vlm, benchmark, "ours.jsonl", "--out", "again.jsonl")
    assert read_predictions(tmp_path / "again.jsonl") == some
    expected = summarise(some)
    assert [row["score"] for row in found["scores"]] == expected["score"].tolist()
    assert [row["low"] for row in found["scores"]] == expected["low"].tolist()


def test_our_own_predictions_are_held_against_references_by_number(vlm, tmp_path):
    some = drawn("vqa_v2")
    results, references = write_files(tmp_path, some)
    scored(vlm, "vqa_v2", results, "--references", references, "--out", "ours.jsonl")
    other = dataclasses.replace(drawn("vqa_v2", seed=1), texts=some.texts)
    _, others = write_files(tmp_path, other)
    assert overall(scored(vlm, "vqa_v2", "ours.jsonl")) == pytest.approx(some.score)
    assert overall(scored(vlm, "vqa_v2", "ours.jsonl", "--references", others)) == pytest.approx(other.score)


def test_what_is_written_can_be_scored_and_compared(vlm, tmp_path):
    some = drawn("vqa_v2")
    results, references = write_files(tmp_path, some)
    vlm("score", "vqa_v2", "--predictions", results, "--references", references, "--out", "of/a.jsonl")
    kept = read_predictions(tmp_path / "of" / "a.jsonl")
    assert [one.number for one in kept] == [truth.number for truth in some.truths]
    assert [one.image for one in kept] == [truth.image for truth in some.truths]
    assert {one.kind for one in kept} == {"yes/no", "number", "other"}
    assert [one.score for one in kept] == pytest.approx(some.scores)


def test_a_table_is_printed_with_every_part_and_what_the_file_states(vlm, tmp_path):
    some = drawn("vqa_v2")
    results, references = write_files(tmp_path, some)
    shown = vlm("score", "vqa_v2", "--predictions", results, "--references", references)
    assert shown.code == 0 and shown.stderr == ""
    assert shown.stdout.startswith("vqa_v2, n = 20\n")
    assert all(word in shown.stdout for word in ("yes/no", "number", "other", "95 % interval"))
    assert f"{100 * some.score:.1f}" in shown.stdout
    results = write_json(tmp_path / "results.json", published(drawn("ai2d"), "number"))
    shown = vlm("score", "ai2d", "--predictions", results)
    assert "The file itself states: accuracy 25\n" in shown.stdout
    assert "intervals draw questions" in shown.stdout


@given(st.data())
def test_the_order_of_predictions_changes_nothing(tmp_path_factory, data):
    benchmark = data.draw(st.sampled_from(["gqa", "vqa_v2", "coco", "refcoco"]))
    some, folder = drawn(benchmark, count=6), tmp_path_factory.mktemp("ordered")
    references = folder / "true"
    if benchmark in REFERENCES:
        write_json(references, REFERENCES[benchmark](some))
    else:
        references.mkdir()
        write_samples(references / "test.jsonl", files.samples(some))
    first = write_json(folder / "first.json", files.usual(some))
    second = write_json(folder / "second.json", data.draw(st.permutations(files.usual(some))))
    one, other = (score(benchmark, path, references=str(references)) for path in (first, second))
    assert one == other and as_json(one) == as_json(other)


@pytest.mark.parametrize("benchmark", PAPER)
def test_missing_answers_are_refused_or_said_loudly(benchmark, vlm, tmp_path):
    some = drawn(benchmark)
    results, references = write_files(tmp_path, some, said=lambda value: value[2:])
    asked = ("score", benchmark, "--predictions", results, "--references", references)
    refused(vlm(*asked), "leaves 2 of 20 questions unanswered, ", "--allow-missing")
    allowed = vlm(*asked, "--allow-missing", "--json")
    found = json.loads(allowed.stdout)
    assert "Only 18 of 20 questions are scored" in allowed.stderr
    assert (found["n"], found["questions"], found["is_whole"]) == (18, 20, False)
    assert overall(found) == pytest.approx(dataclasses.replace(some, truths=some.truths[2:]).score, abs=1e-12)
    assert vlm(*asked, "--allow-missing").stdout.startswith(f"{benchmark}, n = 18 of 20\n")


def test_predictions_of_another_benchmark_and_missing_files_are_refused(vlm, tmp_path):
    write_predictions(tmp_path / "ours.jsonl", predictions("gqa"))
    refused(vlm("score", "vqa_v2", "--predictions", "ours.jsonl"), "holds predictions of gqa, and not of vqa_v2")
    refused(vlm("score", "vqa_v2", "--predictions", "no.json"), "no.json cannot be read (No such file or directory)")
    refused(vlm("score", "vqa_v2", "--predictions", "."), "cannot be read (Is a directory)")
    refused(vlm("score", "vqa", "--predictions", "ours.jsonl"), "the benchmark must be one of")


def test_predictions_whose_answers_are_not_given_out_cannot_be_scored(vlm, tmp_path):
    hidden = [dataclasses.replace(one, answers=(), score=None) for one in predictions("vqa_v2")]
    write_predictions(tmp_path / "ours.jsonl", hidden)
    refused(vlm("score", "vqa_v2", "--predictions", "ours.jsonl"), "answers nothing whose answer is known")


def test_no_file_that_is_read_is_written_over(vlm, tmp_path):
    results, references = write_files(tmp_path, drawn("vqa_v2"))
    before = results.read_bytes(), references.read_bytes()
    for out, said in ((results, "is read from"), (references, "is read from"), (tmp_path, "is a folder")):
        refused(vlm("score", "vqa_v2", "--predictions", results, "--references", references, "--out", out), said)
    refused(
        vlm("score", "vqa_v2", "--predictions", results, "--references", references, "--out", results / "a"),
        "is a file: name a folder for the predictions",
    )
    assert before == (results.read_bytes(), references.read_bytes())


def test_what_this_machine_lacks_is_left_out_and_said(vlm, tmp_path):
    results, references = write_files(tmp_path, drawn("coco"))
    found = scored(vlm, "coco", results, "--references", references)
    assert any("METEOR" in sentence for sentence in found["left_out"])
    assert "METEOR" not in {row["metric"] for row in found["scores"]}
    shown = vlm("score", "coco", "--predictions", results, "--references", references)
    assert "Left out: METEOR" in shown.stdout


def test_two_files_that_were_scored_can_be_compared(vlm, tmp_path):
    results, references = write_files(tmp_path, drawn("gqa"))
    scored(vlm, "gqa", results, "--references", references, "--out", "first.jsonl")
    other = dataclasses.replace(drawn("gqa"), texts=drawn("gqa", seed=1).texts)
    results, _ = write_files(tmp_path, other)
    scored(vlm, "gqa", results, "--references", references, "--out", "second.jsonl")
    compared = vlm("compare", "first.jsonl", "second.jsonl", "--json")
    assert compared.code == 0, compared.stderr
    assert json.loads(compared.stdout)
