"""Result files of the public implementation: every way of writing right answers, and what is none."""

import dataclasses

import pytest
from miniatures.files import write_json
from published_files import published
from result_files import PAPER, drawn
from score_command import overall, refused, scored, write_files

from vlm.evaluate.benchmarks import BENCHMARKS

ONE = [name for name in PAPER if BENCHMARKS[name].task != "captioning" and name not in ("vqa_v2", "text_vqa")]
PUBLISHED = [
    *((name, "text", False) for name in ONE),
    ("vqa_v2", "texts", False),
    ("vqa_v2", "objects", False),
    ("text_vqa", "objects", False),
    ("gqa", "texts", True),
    ("vsr", "number", False),
    ("vsr", "numbers", False),
    ("pope_popular", "number", False),
    ("ai2d", "number", False),
    ("ai2d", "numbers", False),
    ("visual7w-telling", "number", False),
    ("visual7w-pointing", "number", False),
    ("refcoco", "numbers", False),
]


@pytest.mark.parametrize(("benchmark", "truth", "numbered"), PUBLISHED)
def test_files_of_the_public_implementation_need_no_references(benchmark, truth, numbered, vlm, tmp_path):
    some = drawn(benchmark)
    results = write_json(tmp_path / "results.json", published(some, truth, numbered))
    found = scored(vlm, benchmark, results)
    assert overall(found) == pytest.approx(some.score, abs=1e-12) and some.score > 0
    assert found["n"] == found["questions"] == 20
    assert found["stated"] == (
        {"telling": 81.5, "pointing": 0.0}
        if benchmark.startswith("visual7w")
        else {"accuracy": 0.25 if benchmark.startswith("refcoco") else 25.0}
    )
    assert found["intervals_draw"] == ("pictures" if benchmark.startswith("refcoco") else "questions")


def test_a_numbered_file_of_the_public_implementation_is_held_against_references(vlm, tmp_path):
    some, other = drawn("gqa"), drawn("gqa", seed=1)
    _, references = write_files(tmp_path, some)
    true_elsewhere = dataclasses.replace(other, texts=some.texts)
    results = write_json(tmp_path / "results.json", published(true_elsewhere, numbered=True))
    assert overall(scored(vlm, "gqa", results, "--references", references)) == pytest.approx(some.score)
    assert overall(scored(vlm, "gqa", results)) == pytest.approx(true_elsewhere.score) != some.score
    results = write_json(tmp_path / "results.json", published(some))
    refused(
        vlm("score", "gqa", "--predictions", results, "--references", references),
        "says itself what is right, and has no numbers: leave --references out",
    )


@pytest.mark.parametrize(
    ("benchmark", "value", "sentence"),
    [
        ("gqa", {"outputs": [{"prediction": "[0,0,1,1]", "target": "[0,0,1,1]"}]}, "is not of gqa"),
        ("refcoco", {"predictions": ["[0,0,1,1]"], "groundtruths": ["[0,0,1,1]"]}, "is not of refcoco"),
        ("gqa", {"predictions": ["red", "two"], "groundtruths": ["red"]}, "has 2 predictions and 1 groundtruths"),
        (
            "gqa",
            {"predictions": ["red"], "groundtruths": [["red", "blue"]]},
            "has 2 right answers, and a question of gqa",
        ),
        (
            "vqa_v2",
            {"predictions": ["red"], "groundtruths": ["red"]},
            "has no answers of several annotators",
        ),
        ("vqa_v2", {"predictions": ["red"], "groundtruths": [[{"text": "red"}] * 10]}, "should be an answer of vqa_v2"),
        ("gqa", {"predictions": ["red"], "groundtruths": [1]}, "entry 1 should be an answer of gqa and is 1"),
        ("gqa", {"predictions": ["red"], "groundtruths": [[]]}, "entry 1 has 0 right answers"),
        ("gqa", {"predictions": [2], "groundtruths": ["red"]}, "prediction 1 should be an answer of gqa and is 2"),
        (
            "gqa",
            {"predictions": ["red"] * 2, "groundtruths": ["red"] * 2, "question_ids": [1, "1"]},
            "answers 1 twice: keep one",
        ),
        ("vsr", {"predictions": ["True"], "groundtruths": ["maybe"]}, '"maybe" cannot be right of a question of vsr'),
        ("ai2d", {"predictions": ["A"], "groundtruths": [26]}, "should be an answer of ai2d and is 26"),
        ("ai2d", {"predictions": ["A"], "groundtruths": [True]}, "should be an answer of ai2d and is true"),
        ("visual7w-telling", {"predictions": ["A"], "groundtruths": [0]}, "has no sources"),
        (
            "visual7w-telling",
            {"predictions": ["A"], "groundtruths": [0], "sources": ["visual7w pointing"]},
            "holds nothing of visual7w-telling",
        ),
        ("refcoco", {"outputs": []}, "has no list of outputs, or an empty one"),
        ("refcoco", {"outputs": [{"prediction": "[0,0,1,1]"}]}, "output 1 should have a prediction and a target"),
        ("refcoco", {"outputs": [{"prediction": "a", "target": [0, 0, 1]}]}, "'target' should be a box"),
        (
            "refcoco",
            {"outputs": [{"prediction": "a", "target": "[0,0,1]"}]},
            "cannot be right of a question of refcoco",
        ),
        ("refcoco", {"outputs": [{"prediction": [1, 2], "target": [0, 0, 1, 1]}]}, "'prediction' should be a box"),
    ],
)
def test_files_that_cannot_be_scored_are_refused(benchmark, value, sentence, vlm, tmp_path):
    results = write_json(tmp_path / "results.json", value)
    refused(vlm("score", benchmark, "--predictions", results), str(results), sentence)
