"""DocVQA and InfographicVQA: questions of a page together, with a capital; folders that their pictures may be in."""

import json
from pathlib import Path

import pytest
from golden_samples import read_all, spoken
from miniatures import docvqa
from miniatures.files import write_json, write_picture

from vlm.data.errors import DataError
from vlm.data.readers.docvqa import DOCVQA, INFOGRAPHICS_VQA
from vlm.sample import Question
from vlm.vocabulary import END


@pytest.fixture
def root(tmp_path):
    docvqa.write(tmp_path)
    return tmp_path


def test_questions_of_a_page_stand_together_with_the_most_frequent_answer(root):
    samples, tally = read_all(DOCVQA, root, "train")
    assert [[question.id for question in sample.questions] for sample in samples] == [["337", "338", "340"], ["339"]]
    assert [sample.id for sample in samples] == ["docvqa-337", "docvqa-339"]
    first = samples[0]
    assert first.image == "docvqa/documents/xnbl0037_1.png"
    assert (first.task, first.source, first.known_as) == ("vqa", "docvqa", ("docvqa:xnbl0037_1.png",))
    assert first.questions == (
        Question(question="What is the date mentioned in this letter?", answer="1/8/93", kind="form", id="337"),
        Question(
            question="What is the contact person name?",
            answer="p. carter",
            kind="form",
            id="338",
            answers=("P. Carter", "p. carter", "p. carter"),
        ),
        Question(question="Which São Paulo address is it?", answer="Rua 9", kind="form", id="340"),
    )
    assert samples[1].questions[0].kind == "handwritten, Yes/No"
    assert (tally.read, tally.skipped, dict(tally.dropped)) == (5, 0, {"answer empty": 1})


def test_as_published_only_neighbouring_questions_of_a_page_stand_together(root):
    samples, _ = read_all(DOCVQA, root, "train", as_published=True)
    numbers = [[question.id for question in sample.questions] for sample in samples]
    assert numbers == [["337", "338"], ["339"], ["340", "341"]]


@pytest.mark.parametrize(("published", "expected"), [(False, [["1", "3"], ["2"]]), (True, [["1"], ["2"], ["3"]])])
@pytest.mark.parametrize(("split", "short"), [("train", "train_v1.0"), ("validation", "val_v1.0_withQT")])
def test_so_do_those_of_infographics_and_of_validation(root, split, short, published, expected):
    names = ["38889.jpeg", "40000.jpeg", "38889.jpeg"]
    asked = [docvqa.on_infographic(n, "what?", image, answers=["tea"]) for n, image in enumerate(names, 1)]
    write_json(root / "infovqa" / f"infographicsVQA_{short}.json", {"data": asked})
    write_picture(root / "infovqa" / "images" / "40000.jpeg")
    samples, _ = read_all(INFOGRAPHICS_VQA, root, split, as_published=published)
    assert [[question.id for question in sample.questions] for sample in samples] == expected


def test_a_page_has_no_limit_of_questions(root):
    asked = [docvqa.on_page(number, f"what is line {number}?", answers=[str(number)]) for number in range(30)]
    write_json(root / "docvqa" / "train_v1.0_withQT.json", {"data": asked})
    samples, _ = read_all(DOCVQA, root, "train")
    assert [len(sample.questions) for sample in samples] == [30]


def test_questions_have_a_capital_and_answers_are_read_as_they_are_written(root):
    samples, _ = read_all(DOCVQA, root, "train")
    assert spoken(samples[0], case="lowered") == [
        "IMAGE",
        "Answer the question using a single word or phrase."
        "\nQuestion: What is the date mentioned in this letter?\nAnswer: ",
        f"*1/8/93.{END}",
        "\nQuestion: What is the contact person name?\nAnswer: ",
        f"*p. carter.{END}",
        "\nQuestion: Which São Paulo address is it?\nAnswer: ",
        f"*Rua 9.{END}",
    ]


def test_as_published_questions_on_infographics_have_no_capital_and_those_on_pages_do(root):
    def first_words(data_set, **how):
        return [
            q.question.split()[0] for sample in read_all(data_set, root, "train", **how)[0] for q in sample.questions
        ]

    assert first_words(INFOGRAPHICS_VQA) == ["What", "Which"]
    assert first_words(INFOGRAPHICS_VQA, as_published=True) == ["what", "Which"]
    assert first_words(DOCVQA, as_published=True) == ["What", "What", "Is", "Which", "What"]


def test_infographics_are_read_alike(root):
    samples, tally = read_all(INFOGRAPHICS_VQA, root, "train")
    assert [sample.id for sample in samples] == ["infographics_vqa-65718"]
    assert samples[0].image == "infovqa/images/38889.jpeg"
    assert (samples[0].source, samples[0].known_as) == ("infographics_vqa", ("infographics_vqa:38889.jpeg",))
    assert spoken(samples[0])[1:3] == [
        "Answer the question using a single word or phrase.\nQuestion: What is the share of iOS?\nAnswer: ",
        f"*25%.{END}",
    ]
    assert tally.read == 2
    validation, _ = read_all(INFOGRAPHICS_VQA, root, "validation")
    assert validation[0].questions == (
        Question(question="How many are there?", answer="3", kind="multi-span", id="70000", answers=("3", "three")),
    )


@pytest.mark.parametrize(
    ("data_set", "ids"),
    [
        (DOCVQA, ["docvqa-test-57344", "docvqa-test-57345"]),
        (INFOGRAPHICS_VQA, ["infographics_vqa-test-80000"]),
    ],
)
def test_questions_of_the_test_stand_alone_and_without_an_answer(root, data_set, ids):
    samples, _ = read_all(data_set, root, "test")
    assert [sample.id for sample in samples] == ids
    assert [(len(sample.questions), sample.questions[0].answer, sample.answered) for sample in samples] == [
        (1, "", False)
    ] * len(ids)


@pytest.mark.parametrize("folder", ["images", "spdocvqa_images", "."])
def test_pictures_may_lie_in_other_folders(root, folder):
    places = root / "docvqa"
    (places / folder).mkdir(exist_ok=True)
    for path in (places / "documents").iterdir():
        path.rename(places / folder / path.name)
    samples, _ = read_all(DOCVQA, root, "train")
    assert samples[1].image == str(Path("docvqa", folder, "yhnk0226_2.png"))


@pytest.mark.parametrize("end", ["_v1.0.json", "_v1.0_withQT.json"])
@pytest.mark.parametrize("folder", ["", "SPLIT/"])
@pytest.mark.parametrize(("split", "short"), [("train", "train"), ("validation", "val"), ("test", "test")])
def test_files_of_docvqa_may_have_other_names_and_folders(root, end, folder, split, short):
    expected = read_all(DOCVQA, root, split)[0]
    home = root / "docvqa"
    (path,) = home.glob(f"{short}_*.json")
    inside = home / folder.replace("SPLIT", short)
    inside.mkdir(exist_ok=True)
    path.rename(inside / f"{short}{end}")
    if folder:
        (home / "documents").rename(inside / "documents")
    samples = read_all(DOCVQA, root, split)[0]
    assert [sample.questions for sample in samples] == [sample.questions for sample in expected]
    place = "docvqa/" + folder.replace("SPLIT", short) + "documents/xnbl0037_1.png"
    assert samples[0].image == place


@pytest.mark.parametrize("end", ["_v1.0.json", "_v1.0_withQT.json"])
@pytest.mark.parametrize("begin", ["infographicVQA_", "infographicsVQA_"])
@pytest.mark.parametrize(("split", "short"), [("train", "train"), ("validation", "val"), ("test", "test")])
def test_files_of_infographics_may_have_other_names_and_folders(root, end, begin, split, short):
    expected = read_all(INFOGRAPHICS_VQA, root, split)[0]
    home = root / "infovqa"
    (path,) = home.glob(f"*_{short}_*.json")
    path.rename(home / f"{begin}{short}{end}")
    (home / "images").rename(home / f"{begin}{short}_v1.0_images")
    samples = read_all(INFOGRAPHICS_VQA, root, split)[0]
    assert [sample.questions for sample in samples] == [sample.questions for sample in expected]
    assert samples[0].image == f"infovqa/{begin}{short}_v1.0_images/38889.jpeg"


def test_a_file_that_is_under_none_of_its_names_is_asked_for(root):
    (root / "docvqa" / "test_v1.0.json").unlink()
    with pytest.raises(DataError, match=r"docvqa has no test_v1\.0_withQT\.json and no test_v1\.0\.json and no test/"):
        read_all(DOCVQA, root, "test")


def test_no_pictures_at_all_end_in_a_sentence_and_a_single_one_is_counted(root):
    (root / "docvqa" / "documents" / "yhnk0226_2.png").unlink()
    _, tally = read_all(DOCVQA, root, "train")
    assert tally.dropped["picture missing"] == 1
    (root / "docvqa" / "documents" / "xnbl0037_1.png").unlink()
    with pytest.raises(DataError, match=r"there are no pictures in .*documents or .*images"):
        read_all(DOCVQA, root, "train")


def test_a_broken_question_is_skipped_and_named(root):
    path = root / "docvqa" / "train_v1.0_withQT.json"
    changed = json.loads(path.read_text())
    changed["data"][0]["answers"] = []
    changed["data"][1]["image"] = None
    path.write_text(json.dumps(changed))
    write_picture(root / "docvqa" / "documents" / "other.png")
    samples, tally = read_all(DOCVQA, root, "train")
    assert [sample.id for sample in samples] == ["docvqa-340", "docvqa-339"]
    assert tally.named["skipped"] == [
        f"{path}, record 1: it has no answer.",
        f"{path}, record 2: 'image' should be text and is null.",
    ]
