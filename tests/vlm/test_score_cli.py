"""`vlm score`: every form of predictions and references gives what direct computation gives; one sentence for what is
wrong with a file."""

import dataclasses
import json

import pytest
import result_files as files
from hypothesis import given
from hypothesis import strategies as st
from miniatures.files import write_json, write_lines
from result_files import PAPER, REFERENCES, drawn
from small_data_sets import write_all
from small_predictions import predictions

from vlm.dataset import open_split
from vlm.evaluate.benchmark import answers_of, number_of
from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.predictions import read_predictions, write_predictions
from vlm.evaluate.results import summarise
from vlm.evaluate.score import as_json, score
from vlm.sample import write_samples

FOLDERS = sorted(set(PAPER) - REFERENCES.keys())


@pytest.fixture
def written(tmp_path):
    """Writes predictions and references in the forms of their data set, changed by these; gives both paths."""

    def write(some, said=lambda value: value, true=lambda value: value):
        results = tmp_path / f"said-{some.benchmark}.json"
        value = said(files.usual(some))
        results.write_bytes(value) if isinstance(value, bytes) else write_json(results, value)
        if some.benchmark in REFERENCES:
            references = tmp_path / f"true-{some.benchmark}.json"
            given = true(REFERENCES[some.benchmark](some))
            (write_lines if isinstance(given, list) else write_json)(references, given)
        else:
            references = tmp_path / f"true-{some.benchmark}"
            references.mkdir(exist_ok=True)
            write_samples(references / "test.jsonl", true(files.samples(some)))
        return results, references

    return write


def scored(vlm, benchmark, results, *others):
    result = vlm("score", benchmark, "--predictions", results, *others, "--json")
    assert result.code == 0, result.stderr
    return json.loads(result.stdout)


def overall(found):
    """The score of the whole benchmark by its own metric."""
    assert found["scores"][0]["metric"] == BENCHMARKS[found["benchmark"]].metric.name
    assert (found["scores"][0]["group"], found["scores"][0]["kind"]) == ("all", "all")
    return found["scores"][0]["score"]


def refused(result, *said):
    assert result.code == 2, result
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for words in said:
        assert words in result.stderr, result.stderr


@pytest.mark.parametrize("benchmark", PAPER)
def test_results_in_the_form_of_the_data_set_are_scored_as_by_the_benchmark_itself(benchmark, written, vlm):
    some = drawn(benchmark)
    results, references = written(some)
    found = scored(vlm, benchmark, results, "--references", references)
    assert overall(found) == pytest.approx(some.score, abs=1e-12) and some.score > 0
    assert found["n"] == found["questions"] == 20 and found["is_whole"]
    assert found["intervals_draw"] == "pictures"


@pytest.mark.parametrize(
    ("benchmark", "form"),
    [("coco", files.karpathy), ("textcaps", files.captions), ("coco", files.captions)],
)
def test_captions_may_come_in_other_forms(benchmark, form, written, vlm):
    some = drawn(benchmark)
    results, references = written(some, true=lambda _: form(some))
    assert overall(scored(vlm, benchmark, results, "--references", references)) == pytest.approx(some.score, abs=1e-12)


@pytest.mark.parametrize("benchmark", PAPER)
@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_that_are_whole_or_text_and_lists_that_are_lines_are_the_same(
    benchmark, as_text, written, vlm, tmp_path
):
    some = drawn(benchmark)
    _, references = written(some)
    names = files.FORMS.get(benchmark, ("question_id", "answer"))
    lines = write_lines(tmp_path / "said.jsonl", files.entries(some, *names, whole=not as_text))
    found = scored(vlm, benchmark, lines, "--references", references)
    assert overall(found) == pytest.approx(some.score, abs=1e-12)


@pytest.mark.parametrize(("number", "text"), [("id", "prediction"), ("number", "answer"), ("questionId", "text")])
def test_fields_may_have_the_names_that_others_give_them(number, text, written, vlm):
    some = drawn("ai2d")
    results, references = written(some, said=lambda _: files.entries(some, number, text))
    assert overall(scored(vlm, "ai2d", results, "--references", references)) == pytest.approx(some.score)


@pytest.mark.parametrize("benchmark", ["vsr", "pope_random"])
@pytest.mark.parametrize("entry", [lambda text: text, lambda text: {"question": "Is it?", "answer": text}])
def test_predictions_without_numbers_are_in_the_order_of_the_references(benchmark, entry, written, vlm):
    some = drawn(benchmark)
    results, references = written(some, said=lambda _: list(map(entry, some.texts.values())))
    assert overall(scored(vlm, benchmark, results, "--references", references)) == pytest.approx(some.score)
    results, references = written(some, said=lambda _: list(map(entry, some.texts.values()))[1:])
    refused(
        vlm("score", benchmark, "--predictions", results, "--references", references, "--allow-missing"),
        "has 19 predictions without numbers, and",
        "20 questions: one of each is needed",
    )


PUBLISHED = [
    *((name, "text", False) for name in PAPER if BENCHMARKS[name].task not in ("captioning", "multiple_choice_vqa")),
    ("vqa_v2", "texts", False),
    ("vqa_v2", "objects", False),
    ("text_vqa", "objects", False),
    ("gqa", "texts", True),
    ("vsr", "number", False),
    ("vsr", "numbers", False),
    ("pope_popular", "number", False),
    ("ai2d", "text", False),
    ("ai2d", "number", False),
    ("ai2d", "numbers", False),
    ("visual7w-telling", "number", False),
    ("visual7w-pointing", "number", False),
    ("refcoco", "numbers", False),
]


@pytest.mark.parametrize(("benchmark", "truth", "numbered"), PUBLISHED)
def test_files_of_the_public_implementation_need_no_references(benchmark, truth, numbered, vlm, tmp_path):
    some = drawn(benchmark)
    if truth == "text" or benchmark == "gqa":  # one right answer of each question
        some = dataclasses.replace(some, truths=[one._replace(answers=one.answers[:1]) for one in some.truths])
    results = write_json(tmp_path / "results.json", files.published(some, truth, numbered))
    found = scored(vlm, benchmark, results)
    assert overall(found) == pytest.approx(some.score, abs=1e-12) and some.score > 0
    assert found["n"] == found["questions"] == 20
    assert found["stated"] == (
        {"telling": 81.5, "pointing": 0.0}
        if benchmark.startswith("visual7w")
        else {"accuracy": 0.25 if benchmark.startswith("refcoco") else 25.0}
    )
    assert found["intervals_draw"] == ("pictures" if benchmark.startswith("refcoco") else "questions")


def test_a_numbered_file_of_the_public_implementation_is_held_against_references(written, vlm, tmp_path):
    some, other = drawn("gqa"), drawn("gqa", seed=1)
    _, references = written(some)
    true_elsewhere = dataclasses.replace(other, texts=some.texts)
    results = write_json(tmp_path / "results.json", files.published(true_elsewhere, numbered=True))
    assert overall(scored(vlm, "gqa", results, "--references", references)) == pytest.approx(some.score)
    assert overall(scored(vlm, "gqa", results)) == pytest.approx(true_elsewhere.score) != some.score
    results = write_json(tmp_path / "results.json", files.published(some))
    refused(
        vlm("score", "gqa", "--predictions", results, "--references", references),
        "says itself what is right, and has no numbers: leave --references out",
    )


@pytest.mark.parametrize("benchmark", ["coco", "vqa_v2", "vsr", "refcoco", "world-vqa", "ai2d"])
def test_our_own_predictions_score_as_they_did(benchmark, vlm, tmp_path):
    some = predictions(benchmark)
    write_predictions(tmp_path / "ours.jsonl", some)
    found = scored(vlm, benchmark, "ours.jsonl", "--out", "again.jsonl")
    assert read_predictions(tmp_path / "again.jsonl") == some
    expected = summarise(some)
    assert [row["score"] for row in found["scores"]] == expected["score"].tolist()
    assert [row["low"] for row in found["scores"]] == expected["low"].tolist()


def test_our_own_predictions_are_held_against_references_by_number(written, vlm, tmp_path):
    some = drawn("vqa_v2")
    results, references = written(some)
    scored(vlm, "vqa_v2", results, "--references", references, "--out", "ours.jsonl")
    other = dataclasses.replace(drawn("vqa_v2", seed=1), texts=some.texts)
    _, others = written(other)
    assert overall(scored(vlm, "vqa_v2", "ours.jsonl")) == pytest.approx(some.score)
    assert overall(scored(vlm, "vqa_v2", "ours.jsonl", "--references", others)) == pytest.approx(other.score)


def test_what_is_written_can_be_scored_and_compared(written, vlm, tmp_path):
    some = drawn("vqa_v2")
    results, references = written(some)
    vlm("score", "vqa_v2", "--predictions", results, "--references", references, "--out", "of/a.jsonl")
    kept = read_predictions(tmp_path / "of" / "a.jsonl")
    assert [one.number for one in kept] == [truth.number for truth in some.truths]
    assert [one.image for one in kept] == [truth.image for truth in some.truths]
    assert {one.kind for one in kept} == {"yes/no", "number", "other"}
    assert [one.score for one in kept] == pytest.approx(some.scores)


def test_a_table_is_printed_with_every_part_and_what_the_file_states(written, vlm, tmp_path):
    some = drawn("vqa_v2")
    results, references = written(some)
    shown = vlm("score", "vqa_v2", "--predictions", results, "--references", references)
    assert shown.code == 0 and shown.stderr == ""
    assert shown.stdout.startswith("vqa_v2, n = 20\n")
    assert all(word in shown.stdout for word in ("yes/no", "number", "other", "95 % interval"))
    assert f"{100 * some.score:.1f}" in shown.stdout
    results = write_json(tmp_path / "results.json", files.published(drawn("ai2d"), "number"))
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
def test_missing_answers_are_refused_or_said_loudly(benchmark, written, vlm):
    some = drawn(benchmark)
    results, references = written(some, said=lambda value: value[2:])
    asked = ("score", benchmark, "--predictions", results, "--references", references)
    refused(vlm(*asked), "leaves 2 of 20 questions unanswered, ", "--allow-missing")
    allowed = vlm(*asked, "--allow-missing", "--json")
    found = json.loads(allowed.stdout)
    assert "Only 18 of 20 questions are scored" in allowed.stderr
    assert (found["n"], found["questions"], found["is_whole"]) == (18, 20, False)
    assert overall(found) == pytest.approx(dataclasses.replace(some, truths=some.truths[2:]).score, abs=1e-12)
    assert vlm(*asked, "--allow-missing").stdout.startswith(f"{benchmark}, n = 18 of 20\n")


@pytest.mark.parametrize("benchmark", PAPER)
def test_unknown_questions_and_questions_answered_twice_are_refused(benchmark, written, vlm):
    some = drawn(benchmark)
    number, text = files.FORMS.get(benchmark, ("question_id", "answer"))
    unknown = [{number: f"x{n}", text: "[0,0,1,1]"} for n in range(7)]
    results, references = written(some, said=lambda value: value + unknown)
    asked = ("score", benchmark, "--predictions", results, "--references", references, "--allow-missing")
    refused(vlm(*asked), "answers 7 questions that", "does not have: x0, x1, x2, x3, x4 and 2 more.")
    results, references = written(some, said=lambda value: [*value, {**value[3], number: str(value[3][number])}])
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
def test_predictions_that_cannot_be_read_are_refused_with_a_sentence(benchmark, said, sentence, written, vlm):
    results, references = written(drawn(benchmark), said=lambda _: said)
    refused(vlm("score", benchmark, "--predictions", results, "--references", references), str(results), sentence)


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
def test_files_of_the_public_implementation_that_cannot_be_scored_are_refused(
    benchmark, value, sentence, vlm, tmp_path
):
    results = write_json(tmp_path / "results.json", value)
    refused(vlm("score", benchmark, "--predictions", results), str(results), sentence)


@pytest.mark.parametrize(
    ("benchmark", "true", "sentence"),
    [
        ("vqa_v2", {"questions": [{"question_id": 3}]}, "has no 'annotations' in it"),
        ("vqa_v2", {"annotations": []}, "holds no records"),
        ("vqa_v2", {"annotations": [{"question_id": 3}]}, "record 1: 'answers' is missing"),
        ("coco", {"images": [{"id": 9}]}, "has no 'annotations' in it"),
        ("coco", {"images": [{"id": 9}], "annotations": [{"image_id": 9, "bbox": [0]}]}, "'caption' is missing"),
        ("coco", {"questions": []}, "has no 'data' and no 'images' and no 'annotations' in it"),
        ("textcaps", {"data": [{"image_id": "a"}]}, "'caption_str' is missing"),
        ("coco", files.captions(drawn("nocaps")), "it is a picture of Open Images, and the references of coco are not"),
        ("text_vqa", files.textcaps(drawn("textcaps")), "'question_id' is missing"),
        ("text_vqa", files.vqa_v2(drawn("vqa_v2")), "has no 'data' in it"),
        ("gqa", {"201": {"imageId": "1", "question": "Is it?"}}, "201: 'answer' is missing"),
        ("gqa", files.vqa_v2(drawn("vqa_v2")), "'imageId' is missing"),
        ("vsr", files.pope(drawn("pope_random")), "line 1: 'label' should be a whole number"),
        ("pope_random", files.vsr(drawn("vsr")), "line 1: 'label' should be text"),
        ("pope_random", [{**files.pope(drawn("pope_random"))[0], "label": "maybe"}], "'label' should be yes or no"),
        ("pope_random", files.pope(drawn("pope_random")) * 2, "has 3 twice: keep one of the two"),
        ("ai2d", files.samples(drawn("refcoco")), "has no samples of ai2d to score"),
    ],
)
def test_references_that_are_not_of_the_benchmark_are_refused(benchmark, true, sentence, written, vlm):
    results, references = written(drawn(benchmark), true=lambda _: true)
    refused(
        vlm("score", benchmark, "--predictions", results, "--references", references, "--allow-missing"),
        str(references),
        sentence,
    )


def test_a_list_an_empty_file_and_a_missing_file_are_no_references(written, vlm, tmp_path):
    results, _ = written(drawn("vqa_v2"))
    empty = tmp_path / "empty.json"
    empty.touch()
    for references, said in (
        (results, "holds no references, it is a list"),
        (empty, "holds no references, it is empty"),
        (tmp_path / "no", "is neither a file nor a folder: name the references of vqa_v2"),
        (tmp_path, "holds no samples"),
    ):
        refused(vlm("score", "vqa_v2", "--predictions", results, "--references", references), said)


def test_a_file_where_a_folder_is_needed_and_no_references_are_refused(written, vlm):
    results, _ = written(drawn("ai2d"))
    refused(
        vlm("score", "ai2d", "--predictions", results, "--references", results),
        "is a file, and references of ai2d are a folder of samples",
    )
    refused(vlm("score", "ai2d", "--predictions", results), "does not say what is right: name that with --references")


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


def in_pixels(text, width=640, height=480):
    return [side * value for side, value in zip((width, height) * 2, json.loads(text), strict=True)]


def test_boxes_in_pixels_are_declared_and_score_the_same(vlm, tmp_path):
    some = drawn("refcoco")
    value = files.published(some)
    for output in value["outputs"]:
        output |= {name: in_pixels(output[name]) for name in ("prediction", "target")}
    results = write_json(tmp_path / "results.json", value)
    found = scored(vlm, "refcoco", results, "--coordinates", "pixels")
    assert overall(found) == pytest.approx(some.score) and some.score > 0
    refused(vlm("score", "refcoco", "--predictions", results), "has its boxes in pixels, and not in shares: say")


def test_boxes_in_two_spaces_cannot_be_scored(vlm, tmp_path):
    value = files.published(drawn("refcoco"))
    for output in value["outputs"]:
        output["target"] = in_pixels(output["target"])
    results = write_json(tmp_path / "results.json", value)
    for coordinates in ("shares", "pixels"):
        refused(
            vlm("score", "refcoco", "--predictions", results, "--coordinates", coordinates),
            "has its boxes in shares and the true ones are in pixels: that cannot be scored without the sizes",
        )


def test_coordinates_are_a_choice_for_boxes_alone(vlm, tmp_path):
    results = write_json(tmp_path / "results.json", files.published(drawn("refcoco")))
    refused(vlm("score", "refcoco", "--predictions", results, "--coordinates", "xywh"), "must be one of shares, pixels")
    refused(vlm("score", "gqa", "--predictions", results, "--coordinates", "pixels"), "answers of gqa are no boxes")
    refused(
        vlm("score", "refcoco", "--predictions", results, "--coordinates", "pixels"),
        "has its boxes in shares, and not in pixels: say --coordinates shares",
    )


def test_no_file_that_is_read_is_written_over(written, vlm, tmp_path):
    results, references = written(drawn("vqa_v2"))
    before = results.read_bytes(), references.read_bytes()
    for out, said in ((results, "is read from"), (references, "is read from"), (tmp_path, "is a folder")):
        refused(vlm("score", "vqa_v2", "--predictions", results, "--references", references, "--out", out), said)
    refused(
        vlm("score", "vqa_v2", "--predictions", results, "--references", references, "--out", results / "a"),
        "is a file: name a folder for the predictions",
    )
    assert before == (results.read_bytes(), references.read_bytes())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """All miniatures of data sets, and their benchmarks as `vlm prepare benchmarks` makes them."""
    from small_data_sets import plan_of

    from vlm.data.prepare import prepare

    root = write_all(tmp_path_factory.mktemp("of all") / "root")
    prepare(plan_of("benchmarks"), root, root.parent / "benchmarks")
    return root, root.parent / "benchmarks"


@pytest.mark.parametrize("benchmark", PAPER)
def test_every_benchmark_is_scored_against_what_was_prepared_of_it(benchmark, prepared, vlm, tmp_path):
    samples = [one for one in BENCHMARKS[benchmark].of(open_split(prepared[1], "test")) if one.answered]
    said = [
        {"id": number_of(one), "caption" if one.task == "captioning" else "answer": answers_of(one)[0]}
        for one in samples
    ]
    results = write_json(tmp_path / "results.json", said)
    found = scored(vlm, benchmark, results, "--references", prepared[1], "--out", "ours.jsonl")
    assert found["n"] == found["questions"] == len(samples) > 0
    kept = read_predictions(tmp_path / "ours.jsonl")
    assert [one.id for one in kept] == [one.id for one in samples]


@pytest.mark.parametrize(
    ("benchmark", "file"),
    [
        ("nocaps", "nocaps/nocaps_val_4500_captions.json"),
        ("textcaps", "textcaps/TextCaps_0.1_val.json"),
        ("vqa_v2", "coco/v2_mscoco_val2014_annotations.json"),
        ("text_vqa", "textcaps/TextVQA_0.5.1_val.json"),
        ("vsr", "vsr/test.jsonl"),
        ("pope_popular", "coco/coco_pope_popular.json"),
    ],
)
def test_files_of_data_sets_and_what_was_prepared_of_them_agree(benchmark, file, prepared, vlm, tmp_path):
    root, folder = prepared
    samples = BENCHMARKS[benchmark].of(open_split(folder, "test"))
    said = [
        {"id": number_of(one), "caption" if one.task == "captioning" else "answer": answers_of(one)[-1]}
        for one in samples
    ]
    results = write_json(tmp_path / "results.json", said)
    for name, references in (("a", folder), ("b", root / file)):
        scored(vlm, benchmark, results, "--references", references, "--out", f"{name}.jsonl", "--allow-missing")
    one, other = (
        {kept.number: (kept.image, kept.group, kept.answers, kept.score) for kept in read_predictions(tmp_path / name)}
        for name in ("a.jsonl", "b.jsonl")
    )
    assert one == other
