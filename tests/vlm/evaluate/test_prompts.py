"""What each of the paper's benchmarks asks, in words and in tokens, against strings written by hand from sections 4.4
and 7.2 of the facts: by default the words of training, as published those of the public evaluators."""

import itertools

import pytest
from golden_samples import spoken
from small_data_sets import plan_of, write_all

from vlm.data import mixtures
from vlm.data.prepare import prepare
from vlm.dataset import open_split
from vlm.prompt import ORDERS, UNSCORED, lay_out
from vlm.sample import SampleError
from vlm.templates import opening_of
from vlm.vocabulary import read_vocabulary

VOCABULARY = read_vocabulary("gpt-neox-20b")
GRID, IMAGE = (2, 2), [4118, -200, -200, 10494, -200, -200, 4118]

CAPTION = "Provide a one-sentence caption for the provided image.\n"
ANSWER = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
LOCATE = "Locate the region that is described by:"
MATCH = "Determine if the image matches the description:\n"

ASKED = {
    "coco": ("coco-391895", CAPTION, []),
    "nocaps": ("nocaps-val-1", CAPTION, []),
    "textcaps": ("textcaps-0054c91397f2fe05", CAPTION, []),
    "vqa_v2": ("vqa_v2-458752000.1", ANSWER, ["\nQuestion: What position is this man playing?\nAnswer: "]),
    "gqa": ("gqa-testdev-201640614", ANSWER, ["\nQuestion: Who is wearing the dress?\nAnswer: "]),
    "text_vqa": (
        "text_vqa-34602",
        f"{ANSWER}\nOCR text:\nCAFÉ ROMA 9-17",
        ["\nQuestion: What is the name of the shop?\nAnswer: "],
    ),
    "vsr": ("vsr-test-1", MATCH, ["The bench is at the right side of the train.\n"]),
    "pope_adversarial": (
        "pope_adversarial-2",
        ANSWER,
        ["\nQuestion: Is there a backpack in the image?\nAnswer: "],
    ),
    "pope_popular": ("pope_popular-2", ANSWER, ["\nQuestion: Is there a dining table in the image?\nAnswer: "]),
    "pope_random": ("pope_random-2", ANSWER, ["\nQuestion: Is there a toaster in the image?\nAnswer: "]),
    "ai2d": (
        "ai2d-2.png-0",
        f"{LETTER}\nOCR text:\nA: egg\nB: larva\nC: pupa\nD: adulto é",
        ["\nQuestion: What stage comes after the egg?\n", "A: Adult\n", "B: Larva\n", "C: Pupa\n", "D: Egg\nAnswer: "],
    ),
    "visual7w telling": (
        "visual7w_telling-990200",
        LETTER,
        ["\nQuestion: Where is this scene?\n", "A: A park.\n", "B: A café.\n", "C: A park.\n", "D: A beach.\nAnswer: "],
    ),
    "visual7w pointing": (
        "visual7w_pointing-1200200",
        f"{LETTER}\n",
        [
            "\nQuestion: Which one is 0?\n",
            "A: [0.10,0.10,0.40,0.60].\n",
            "B: [0.00,0.00,1.00,1.00].\n",
            "C: [0.00,0.75,0.35,1.00].\n",
            "D: [0.50,0.50,0.75,0.75].\nAnswer: ",
        ],
    ),
    "refcoco": ("refcoco-10.31", LOCATE, ["\nThe zebra.\n"]),
    "refcoco+": ("refcoco+-11.34", LOCATE, ["\nThe zebra.\n"]),
    "refcocog": ("refcocog-10.31", LOCATE, ["\nThe zebra.\n"]),
}
"""Of a sample of each benchmark: its name, the instruction, and the query in the pieces that the paper cuts by
themselves."""

ASKED_AS_PUBLISHED = ASKED | {
    "pope_adversarial": ("pope_adversarial-2", f"{ANSWER}\n", ["Is there a backpack in the image?\n"]),
    "pope_popular": ("pope_popular-2", f"{ANSWER}\n", ["Is there a dining table in the image?\n"]),
    "pope_random": ("pope_random-2", f"{ANSWER}\n", ["Is there a toaster in the image?\n"]),
    # The options of Visual7W are in an order that is drawn (D5).
    "visual7w telling": (
        "visual7w_telling-990200",
        LETTER,
        ["\nQuestion: Where is this scene?\n", "A: A park.\n", "B: A beach.\n", "C: A park.\n", "D: A café.\nAnswer: "],
    ),
    "visual7w pointing": (
        "visual7w_pointing-1200200",
        LETTER,
        [
            "\nQuestion: Which one is 0?\n",
            "A: [0.00,0.00,1.00,1.00].\n",
            "B: [0.00,0.75,0.35,1.00].\n",
            "C: [0.50,0.50,0.75,0.75].\n",
            "D: [0.10,0.10,0.40,0.60].\nAnswer: ",
        ],
    ),
}

OTHERWISE = {"pope_adversarial", "pope_popular", "pope_random", "visual7w pointing"}
"""Benchmarks whose public evaluators do not ask what was trained (D15)."""

WITHOUT_A_TARGET = {
    "gqa-test-201971873": "its answers are not given out",
    "vqa_v2-458752000.2": "most of the ten people said nothing",
    "visual7w_pointing-1200207": "two of its options are the answer",
}
"""Samples that are asked and could not be trained on, and why."""


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("benchmarks") / "root")


def prepared(data_sets, name, **changes):
    """By name, samples that ask one thing each."""
    out = data_sets.parent / name
    prepare(plan_of("benchmarks", **changes), data_sets, out)
    return {sample.id: sample for sample in open_split(out, "test").one_by_one()}


@pytest.fixture(scope="module")
def default(data_sets):
    """`vlm prepare benchmarks`."""
    return prepared(data_sets, "default")


@pytest.fixture(scope="module")
def published(data_sets):
    """`vlm prepare benchmarks --as-published`."""
    return prepared(data_sets, "published", as_published=True)


def in_order(order, instruction, query, image):
    """Three parts in the order's own."""
    return {
        "task-agnostic": [image, instruction, query],
        "task-aware": [instruction, image, query],
        "query-first": [instruction, query, image],
    }[order]


def words(order, instruction, pieces):
    """What is read before and behind the picture."""
    parts = in_order(order, instruction, "".join(pieces), "IMAGE")
    runs = itertools.groupby(parts, lambda part: part == "IMAGE")
    return [text for _, run in runs if (text := "".join(run))]


def tokens(order, instruction, pieces):
    """Its ids, each piece cut by itself."""
    cut = [VOCABULARY.tokenizer.encode(text, add_special_tokens=False).ids for text in (instruction, *pieces)]
    parts = in_order(order, cut[0], list(itertools.chain(*cut[1:])), IMAGE)
    return tuple(itertools.chain(*parts))


def test_there_is_a_golden_prompt_of_each_benchmark(default, published):
    benchmarks = {name for name, _ in mixtures.BENCHMARKS}
    assert len(benchmarks) == 16
    assert ASKED.keys() == ASKED_AS_PUBLISHED.keys() == benchmarks
    for samples in (default, published):
        assert {sample.source for sample in samples.values()} == benchmarks


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("benchmark", ASKED)
def test_a_benchmark_asks_in_these_words_and_tokens_and_shows_the_picture_where_its_order_says(
    default, benchmark, order
):
    name, instruction, pieces = ASKED[benchmark]
    assert default[name].source == benchmark and not default[name].as_published
    assert spoken(default[name], order, with_answers=False) == words(order, instruction, pieces)
    assert lay_out(default[name], order, VOCABULARY, GRID, with_answers=False).ids == tokens(order, instruction, pieces)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("benchmark", ASKED_AS_PUBLISHED)
def test_as_published_a_benchmark_asks_in_the_words_of_its_public_evaluator(published, benchmark, order):
    name, instruction, pieces = ASKED_AS_PUBLISHED[benchmark]
    assert published[name].source == benchmark and published[name].as_published
    assert spoken(published[name], order, with_answers=False) == words(order, instruction, pieces)
    assert lay_out(published[name], order, VOCABULARY, GRID, with_answers=False).ids == tokens(
        order, instruction, pieces
    )


def begins_as_trained(sample, order):
    """Whether the prompt of a sample is how it is trained, up to its first target."""
    prompt = lay_out(sample, order, VOCABULARY, GRID, with_answers=False)
    trained = lay_out(sample, order, VOCABULARY, GRID)
    first = next(place for place, label in enumerate(trained.labels) if label != UNSCORED)
    return prompt.ids == trained.ids[:first]


@pytest.mark.parametrize("order", ORDERS)
def test_every_question_of_every_benchmark_is_asked_as_it_would_be_trained(default, order):
    for sample in default.values():
        if sample.id in WITHOUT_A_TARGET:
            with pytest.raises(SampleError):
                lay_out(sample, order, VOCABULARY, GRID)
        else:
            assert begins_as_trained(sample, order), sample.id


@pytest.mark.parametrize("order", ORDERS)
def test_as_published_pope_and_pointing_questions_are_not_asked_as_they_are_trained(published, order):
    asked_otherwise = {
        (sample.source, begins_as_trained(sample, order))
        for sample in published.values()
        if sample.id not in WITHOUT_A_TARGET
    }
    assert asked_otherwise == {(name, name not in OTHERWISE) for name in ASKED}


@pytest.mark.parametrize("order", ORDERS)
def test_what_cannot_be_trained_on_is_asked_all_the_same(default, order):
    for name in WITHOUT_A_TARGET:
        sample = default[name]
        texts = [turn.text for turn in opening_of(sample)]
        assert spoken(sample, order, with_answers=False) == words(order, texts[0], texts[1:])
        assert texts[1].endswith("\nAnswer: ")


@pytest.mark.parametrize(
    ("data_set", "name", "text"),
    [
        ("nocaps", "nocaps-test-0", CAPTION),
        ("textcaps", "textcaps-a1b2", CAPTION),
        ("text_vqa", "text_vqa-39602", f"{ANSWER}\nOCR text:\n57\nQuestion: What number is on the boat?\nAnswer: "),
        ("vqa_v2", "vqa_v2-testdev-1000", f"{ANSWER}\nQuestion: Is the ball flying?\nAnswer: "),
    ],
)
def test_the_splits_whose_answers_are_not_given_out_are_asked_in_the_same_words(
    data_sets, vlm, tmp_path, data_set, name, text
):
    result = vlm("prepare", data_set, "--split", "test", "--root", data_sets, "--out", "tested")
    assert result.code == 0, result.stderr
    samples = {sample.id: sample for sample in open_split(tmp_path / "tested", "test")}
    assert not any(sample.answered for sample in samples.values())
    assert spoken(samples[name], with_answers=False) == ["IMAGE", text]
