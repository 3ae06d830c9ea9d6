"""Predictions of others: lists and lines, whole numbers and text, and one sentence for what cannot be read."""

import pytest
import result_files as files
from miniatures.files import write_lines
from result_files import PAPER, drawn
from score_command import overall, refused, scored, write_files


@pytest.mark.parametrize("benchmark", PAPER)
@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_that_are_whole_or_text_and_lists_that_are_lines_are_the_same(benchmark, as_text, vlm, tmp_path):
    some = drawn(benchmark)
    _, references = write_files(tmp_path, some)
    names = files.FORMS.get(benchmark, ("question_id", "answer"))
    lines = write_lines(tmp_path / "said.jsonl", files.entries(some, *names, whole=not as_text))
    found = scored(vlm, benchmark, lines, "--references", references)
    assert overall(found) == pytest.approx(some.score, abs=1e-12)


@pytest.mark.parametrize(("number", "text"), [("id", "prediction"), ("number", "answer"), ("questionId", "text")])
def test_fields_may_have_the_names_that_others_give_them(number, text, vlm, tmp_path):
    some = drawn("ai2d")
    results, references = write_files(tmp_path, some, said=lambda _: files.entries(some, number, text))
    assert overall(scored(vlm, "ai2d", results, "--references", references)) == pytest.approx(some.score)


@pytest.mark.parametrize("benchmark", ["vsr", "pope_random"])
@pytest.mark.parametrize("entry", [lambda text: text, lambda text: {"question": "Is it?", "answer": text}])
def test_predictions_without_numbers_are_in_the_order_of_the_references(benchmark, entry, vlm, tmp_path):
    some = drawn(benchmark)
    results, references = write_files(tmp_path, some, said=lambda _: list(map(entry, some.texts.values())))
    assert overall(scored(vlm, benchmark, results, "--references", references)) == pytest.approx(some.score)
    results, references = write_files(tmp_path, some, said=lambda _: list(map(entry, some.texts.values()))[1:])
    refused(
        vlm("score", benchmark, "--predictions", results, "--references", references, "--allow-missing"),
        "has 19 predictions without numbers, and",
        "20 questions: one of each is needed",
    )


@pytest.mark.parametrize("benchmark", PAPER)
def test_unknown_questions_and_questions_answered_twice_are_refused(benchmark, vlm, tmp_path):
    some = drawn(benchmark)
    number, text = files.FORMS.get(benchmark, ("question_id", "answer"))
    unknown = [{number: f"x{n}", text: "[0,0,1,1]"} for n in range(7)]
    results, references = write_files(tmp_path, some, said=lambda value: value + unknown)
    asked = ("score", benchmark, "--predictions", results, "--references", references, "--allow-missing")
    refused(vlm(*asked), "answers 7 questions that", "does not have: x0, x1, x2, x3, x4 and 2 more.")
    results, references = write_files(
        tmp_path, some, said=lambda value: [*value, {**value[3], number: str(value[3][number])}]
    )
    refused(vlm(*asked), f"answers {some.truths[3].number} twice: keep one of the two")


@pytest.mark.parametrize(
    ("benchmark", "said", "sentence"),
    [
        ("vqa_v2", b"", "is empty"),
        ("vqa_v2", b" \n", "is empty"),
        ("vqa_v2", [], "is empty"),
        ("vqa_v2", b'[{"question_id": 3,', "is not JSON (Expecting property name"),
        ("vqa_v2", b'{"question_id": 3, "answer": "a"}\n{"question_id"', "line 2 is not JSON"),
        ("vqa_v2", '[{"question_id": 3, "answer": "é"}]'.encode("latin-1"), "is not UTF-8, from byte 31 on"),
        ("vqa_v2", "[]".encode("utf-16"), "is not UTF-8, from byte 0 on"),
        ("vqa_v2", 3, "holds no predictions, but 3"),
        ("vqa_v2", [3], "holds no predictions of vqa_v2: its entries should have answer or prediction or text"),
        ("vqa_v2", [{"image_id": 3, "caption": "A bus."}], "and the first has caption, image_id."),
        ("coco", [{"question_id": 3, "answer": "red"}], "should have caption, with image_id or id, and the first has"),
        ("vqa_v2", [{"question_id": 3, "answer": 7}], "entry 1: 'answer' should be text and is 7"),
        ("vqa_v2", [{"question_id": 3, "answer": None}], "entry 1: 'answer' should be text and is null"),
        ("vqa_v2", b'[{"question_id": 3, "answer": "\\ud800"}]', "entry 1: 'answer' should be text"),
        ("vqa_v2", [{"question_id": 3, "answer": "red"}, {"question_id": 10}], "entry 2 should have 'answer' and is"),
        ("vqa_v2", [{"question_id": 3, "answer": "red"}, "red"], "entry 2 should have 'answer' and is \"red\""),
        (
            "vqa_v2",
            [{"question_id": 3.0, "answer": "a"}],
            "entry 1: 'question_id' should be a number or text and is 3.0",
        ),
        ("vqa_v2", [{"question_id": True, "answer": "a"}], "'question_id' should be a number or text and is true"),
        ("vsr", ["True", False], "entry 2 should be text and is false"),
        (
            "refcoco",
            [{"id": "9.0", "answer": [1, 2, 3]}],
            "should be a box, as text or as four numbers, and is [1, 2, 3]",
        ),
        ("refcoco", [{"id": "9.0", "answer": [1, 2, 3, "4"]}], "should be a box, as text or as four numbers"),
        ("vqa_v2", {"predictions": ["red"]}, "has no list of groundtruths"),
        ("vqa_v2", {"predictions": ["red"], "groundtruths": []}, "has no list of groundtruths, or an empty one"),
        ("vqa_v2", {"metrics": {"accuracy": 70}}, "has no list of predictions"),
        ("coco", {"metrics": {"CIDEr": 1.3}}, "is no file of captions: name the list of image_id and caption"),
    ],
)
def test_predictions_that_cannot_be_read_are_refused_with_a_sentence(benchmark, said, sentence, vlm, tmp_path):
    results, references = write_files(tmp_path, drawn(benchmark), said=lambda _: said)
    refused(vlm("score", benchmark, "--predictions", results, "--references", references), str(results), sentence)
