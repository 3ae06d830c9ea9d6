"""References: annotation files in all their forms, folders of samples, and what is neither."""

import json

import pytest
import result_files as files
from miniatures.files import write_json
from result_files import PAPER, drawn
from score_command import overall, refused, scored, write_files
from small_data_sets import plan_of, write_all

from vlm.data.prepare import prepare
from vlm.dataset import open_split
from vlm.evaluate.benchmark import answers_of, number_of
from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.predictions import read_predictions


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """All miniatures of data sets, and their benchmarks as `vlm prepare benchmarks` makes them."""

    root = write_all(tmp_path_factory.mktemp("of all") / "root")
    prepare(plan_of("benchmarks"), root, root.parent / "benchmarks")
    return root, root.parent / "benchmarks"


@pytest.mark.parametrize(
    ("benchmark", "form"),
    [("coco", files.karpathy), ("textcaps", files.captions), ("coco", files.captions)],
)
def test_captions_may_come_in_other_forms(benchmark, form, vlm, tmp_path):
    some = drawn(benchmark)
    results, references = write_files(tmp_path, some, true=lambda _: form(some))
    assert overall(scored(vlm, benchmark, results, "--references", references)) == pytest.approx(some.score, abs=1e-12)


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


@pytest.mark.parametrize(
    ("benchmark", "true", "sentence"),
    [
        ("vqa_v2", {"questions": [{"question_id": 3}]}, "has no 'annotations' in it"),
        ("vqa_v2", {"annotations": []}, "holds no records"),
        ("vqa_v2", {"annotations": [{"question_id": 3}]}, "record 1: 'answers' is missing"),
        (
            "vqa_v2",
            {"annotations": [{"question_id": 3, "image_id": 9, "answer_type": "x", "answers": [{"answer": 7}] * 10}]},
            "should be those of all annotators, with an 'answer' each",
        ),
        (
            "text_vqa",
            {"data": [{"question_id": 3, "image_id": "a", "answers": ["red"]}]},
            "'answers' should be those of all annotators",
        ),
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
def test_references_that_are_not_of_the_benchmark_are_refused(benchmark, true, sentence, vlm, tmp_path):
    results, references = write_files(tmp_path, drawn(benchmark), true=lambda _: true)
    refused(
        vlm("score", benchmark, "--predictions", results, "--references", references, "--allow-missing"),
        str(references),
        sentence,
    )


def test_a_list_an_empty_file_and_a_missing_file_are_no_references(vlm, tmp_path):
    results, _ = write_files(tmp_path, drawn("vqa_v2"))
    empty = tmp_path / "empty.json"
    empty.touch()
    for references, said in (
        (results, "holds no references, it is a list"),
        (empty, "holds no references, it is empty"),
        (tmp_path / "no", "is neither a file nor a folder: name the references of vqa_v2"),
        (tmp_path, "holds no samples"),
    ):
        refused(vlm("score", "vqa_v2", "--predictions", results, "--references", references), said)


def test_a_file_where_a_folder_is_needed_and_no_references_are_refused(vlm, tmp_path):
    results, _ = write_files(tmp_path, drawn("ai2d"))
    refused(
        vlm("score", "ai2d", "--predictions", results, "--references", results),
        "is a file, and references of ai2d are a folder of samples",
    )
    refused(vlm("score", "ai2d", "--predictions", results), "does not say what is right: name that with --references")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"annotations": [{"question_id": 3,', "ends too early, within record 1"),
        (b'{"annotations": [nope]}', "is not JSON"),
        (b"annotations", "it is no JSON object"),
        (json.dumps(files.vqa_v2(drawn("vqa_v2"))).replace("yellow", "caf\xe9").encode("latin-1"), "record 1"),
        (json.dumps(files.vqa_v2(drawn("vqa_v2"))).encode("utf-16"), "holds no references"),
    ],
)
def test_references_that_are_damaged_are_refused(content, sentence, vlm, tmp_path):
    results, references = write_files(tmp_path, drawn("vqa_v2"))
    references.write_bytes(content)
    refused(vlm("score", "vqa_v2", "--predictions", results, "--references", references), str(references), sentence)
