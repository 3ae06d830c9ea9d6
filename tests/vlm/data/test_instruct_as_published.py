"""`vlm prepare instruct --as-published` beside the default, data set by data set: it differs where the public
implementation is known to be wrong (section 8 D of the facts), as is known of it, and nowhere else."""

import dataclasses
import json
import re
from collections import Counter

import pytest
from golden_samples import read_all, spoken
from miniatures import ai2d
from miniatures.files import write_json
from small_data_sets import plan_of

from training.config import ConfigError
from vlm.data.mixtures import INSTRUCT, entries_of
from vlm.data.prepare import prepare
from vlm.data.readers.ai2d import AI2D
from vlm.dataset import open_split
from vlm.prompt import ORDERS, lay_out
from vlm.templates import letter_of, turns_of
from vlm.vocabulary import read_vocabulary

ASKED = ("vqa_v2", "gqa", "docvqa", "visual_genome qa", "ocr_vqa")
CHOSEN = ("ai2d", "aokvqa", "visual7w telling", "visual7w pointing")
REFERRED = ("refcoco", "refcoco+", "refcocog")

DIFFERENT = {
    "train": {*ASKED, *CHOSEN, *REFERRED, *(f"{name} dense" for name in REFERRED), "grit", "infographics_vqa"},
    "validation": {"ocr_vqa", *CHOSEN, *REFERRED, *(f"{name} dense" for name in REFERRED), "infographics_vqa"},
}
"""Data sets of which some sample is another."""

COUNTS = {
    "train": {
        "docvqa": (2, 3),
        "ocr_vqa": (2, 3),
        "ai2d": (208, 180),
        "aokvqa": (16, 24),
        "visual7w telling": (12, 24),
        "visual7w pointing": (8, 12),
    },
    "validation": {"ai2d": (2, 56), "aokvqa": (1, 4), "visual7w telling": (2, 20), "visual7w pointing": (2, 12)},
}
"""Samples by default and as published, where their numbers differ."""


@pytest.fixture(scope="module")
def both(kept, published):
    """By split and data set: samples by default, but for what is in test sets, and as published."""

    def read(folder, split):
        found = {}
        for sample in open_split(folder, split):
            assert sample.as_published == (folder == published)
            is_dense = sample.id.startswith(f"{sample.source}-dense")
            name = f"{sample.source} dense" if is_dense else sample.source
            found.setdefault(name, {})[sample.id] = dataclasses.replace(sample, as_published=False)
        return found

    return {split: (read(kept, split), read(published, split)) for split in ("train", "validation")}


def of(both, name, split="train"):
    return [[found[name][id] for id in sorted(found[name])] for found in both[split]]


def questions_of(samples):
    return {(sample.image, question.id): question for sample in samples for question in sample.questions}


@pytest.mark.parametrize("split", ["train", "validation"])
def test_it_differs_in_these_data_sets_and_no_others(both, split):
    default, published = both[split]
    assert (
        default.keys() == published.keys() == {*INSTRUCT} - ({"llava_instruct", "grit"} if split != "train" else set())
    )
    assert {name for name in default if default[name] != published[name]} == DIFFERENT[split]
    counts = {name: (len(default[name]), len(published[name])) for name in default}
    assert {name: pair for name, pair in counts.items() if pair[0] != pair[1]} == COUNTS[split]


@pytest.mark.parametrize("name", ASKED)
def test_d3_and_d4_questions_without_an_answer_stay_and_so_do_those_about_the_category(both, name):
    default, published = (questions_of(samples) for samples in of(both, name))
    assert {key: published[key] for key in default} == default
    more = [question for key, question in published.items() if key not in default]
    about_category = [question for question in more if question.answer]
    assert len(more) > len(about_category)
    assert bool(about_category) == (name == "ocr_vqa")
    assert all(re.search(r"type of book|genre of|related to|sociopolitical", one.question) for one in about_category)


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("name", REFERRED)
def test_d2_one_expression_of_an_object_stays_and_nothing_is_described(both, name, split):
    default, published = of(both, name, split)
    for whole, last in zip(default, published, strict=True):
        by_box = {region.box: region for region in whole.regions}  # the last of each
        assert last.regions == tuple(by_box.values())
    dense, twice = of(both, f"{name} dense", split)
    assert {sample.task for sample in dense} == {"dense_captioning"}
    assert {sample.task for sample in twice} == {"visual_grounding"}
    assert [(one.image, one.regions) for one in twice] == [(one.image, one.regions) for one in published]


def test_d6_boxes_of_grit_are_in_the_order_of_the_file_and_their_places_in_that_of_the_caption(both):
    default, published = (found["grit"] for found in both["train"])
    assert default.keys() == published.keys()
    others = {id for id in default if default[id] != published[id]}
    assert others == {"grit-000000000", "grit-000000001"}
    for id in others:
        assert default[id].caption == published[id].caption
        assert default[id].boxes != published[id].boxes
        assert Counter(default[id].boxes) == Counter(published[id].boxes)


@pytest.mark.parametrize("name", CHOSEN)
def test_d9_and_d13_validation_is_augmented_and_answers_repeat_among_their_options(both, name):
    train, published_train = of(both, name)
    validation, published_validation = of(both, name, "validation")
    for samples in (train, published_train, published_validation):
        times = Counter(key for one in samples for key in ((one.image, question.id) for question in one.questions))
        assert set(times.values()) == {4}
    assert all(len(questions_of([one])) == len(one.questions) for one in (*train, *validation, *published_train))
    assert len(questions_of(validation)) == sum(len(one.questions) for one in validation)
    if name != "ai2d":  # whose pictures are divided otherwise
        more = questions_of(published_train).keys() - questions_of(train).keys()
        assert more and questions_of(train).keys() < questions_of(published_train).keys()
    assert all(letter_of(question) for one in train for question in one.questions)


@pytest.mark.parametrize(("name", "most"), [("visual7w telling", 10), ("visual7w pointing", 5)])
def test_d16_visual7w_has_three_questions_in_a_sample(both, name, most):
    default, published = of(both, name)
    assert max(len(one.questions) for one in default) == most
    assert max(len(one.questions) for one in published) == 3


def test_d16_options_are_rotated_and_as_published_exchanged_or_inserted(both):
    def orders(name, number, samples):
        return sorted(q.options for one in samples for q in one.questions if q.id == number)

    default, published = of(both, "aokvqa")
    first = "22MexNkBPpdZGX6sxbxVBH"
    options = ("skateboarder", "train", "delivery", "cab")
    assert orders("aokvqa", first, default) == sorted(options[-n:] + options[:-n] for n in range(4))
    exchanged = [list(options) for _ in range(4)]
    for place, order in enumerate(exchanged):
        order[place], order[3] = order[3], order[place]
    assert orders("aokvqa", first, published) == sorted(map(tuple, exchanged))

    default, published = of(both, "visual7w telling")
    wrong, right = ["One.", "Two.", "Three."], "5."
    inserted = sorted((*wrong[:n], right, *wrong[n:]) for n in range(4))
    assert orders("visual7w telling", "990004", published) == inserted != orders("visual7w telling", "990004", default)


def test_d12_questions_on_infographics_have_no_capital(both):
    default, published = (questions_of(samples) for samples in of(both, "infographics_vqa"))
    asked = [(one.question, published[key].question) for key, one in default.items()]
    assert asked == [(text[:1].upper() + text[1:], text) for _, text in asked]
    assert any(one != other for one, other in asked)


def test_d8_what_is_in_test_sets_stays(instruct, kept, published):
    default, whole, wrong = (Counter(open_split(one, "train").texts("source")) for one in (instruct, kept, published))
    for name in ("coco", "llava_instruct", "vqa_v2", "gqa", "vsr", "refcocog", "visual_genome dense"):
        assert default[name] < whole[name] == wrong[name], name


def test_d7_letters_are_lowered_in_what_the_model_reads_and_in_no_sample(instruct, published):
    right, wrong = (
        next(one for one in open_split(folder, "train") if one.id == "llava_instruct-1")
        for folder in (instruct, published)
    )
    assert right.replies == wrong.replies
    assert "Café Zürich" in spoken(right)[-1]
    assert "café zürich" in spoken(wrong)[-1]
    assert "café zürich" in spoken(right, case="lowered")[-1], "and training can ask for it"


def test_the_mark_of_the_picture_leaves_its_traces_in_the_first_question(instruct, published):
    for mark, read in (("<image>\nWhat IS it?", "what is it?\n"), ("What IS it?\n<image>", "What is it?.\n")):
        chat = next(one for one in open_split(published, "train") if one.task == "chat")
        chat = dataclasses.replace(chat, replies=(mark, "A dog."))
        assert turns_of(chat)[0].text == read
        assert turns_of(dataclasses.replace(chat, as_published=False))[0].text == "What IS it?\n"


def test_d5_nine_in_ten_diagrams_that_ai2d_validates_with_are_trained_on_too(tmp_path):
    ai2d.write(tmp_path)
    home = tmp_path / "ai2d" / "ai2d"
    picture = (home / "images" / "0.png").read_bytes()
    asked = json.loads((home / "questions" / "0.png.json").read_text())["questions"]
    one = dict(list(asked.items())[:1])
    for number in range(100, 700):
        (home / "images" / f"{number}.png").write_bytes(picture)
        write_json(home / "questions" / f"{number}.png.json", {"imageName": f"{number}.png", "questions": one})

    def images(split, published):
        return {sample.image for sample in read_all(AI2D, tmp_path, split, as_published=published)[0]}

    for published, low, high in ((False, 0, 0), (True, 0.8, 0.97)):
        train, validation, test = (images(split, published) for split in ("train", "validation", "test"))
        assert 40 < len(validation) < 85 and 520 < len(train) < 600 and len(test) == 2
        assert test.isdisjoint(train | validation)
        assert low <= len(train & validation) / len(validation) <= high


def test_d11_conversations_leave_with_grit():
    def sets(**changes):
        return {entry.data_set for entry in entries_of("instruct", weights={}, caps={}, **changes)}

    assert sets(without=["grit"]) == {*INSTRUCT} - {"grit"}
    assert sets(without=["grit"], as_published=True) == {*INSTRUCT} - {"grit", "llava_instruct"}
    assert sets(as_published=True) == {*INSTRUCT}
    with pytest.raises(ConfigError, match="llava_instruct has no training samples in instruct"):
        entries_of("instruct", weights={"llava_instruct": 0.5}, caps={}, without=["grit"], as_published=True)


def test_all_of_it_can_be_laid_out(published):
    vocabulary = read_vocabulary("gpt-neox-20b")
    for split in ("train", "validation"):
        for sample in open_split(published, split):
            for order in ORDERS[:2]:
                assert lay_out(sample, order, vocabulary, (2, 2), case="lowered", max_length=1024).targets


def test_d16_the_first_stage_has_the_captions_of_the_code_or_those_that_the_paper_names(data_sets, tmp_path):
    sources = {}
    for mixture in ("align", "align-cc3m"):
        prepare(plan_of(mixture), data_sets, tmp_path / mixture)
        sources[mixture] = {*open_split(tmp_path / mixture, "train").texts("source")}
    assert sources == {"align": {"llava_pretrain"}, "align-cc3m": {"llava_cc3m"}}
