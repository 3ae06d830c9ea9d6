"""The drawn world: scenes are lawful, pictures show them, and what is said and asked of them is as it should be.

What samples say is judged by a second reading of their English (`things_named`, `is_true`), from the scene alone.
"""

import dataclasses
import hashlib
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageChops

from vlm.sample import SPLITS
from vlm.world.drawing import INKS, draw
from vlm.world.phrases import expression
from vlm.world.scene import COLORS, COMBINATIONS, HELD_OUT, SHAPES, TEXTURES, WORDS, make_scene
from vlm.world.tasks import SOURCES, samples_of

scenes = st.builds(make_scene, st.integers(0, 2**40), st.sampled_from(SPLITS), st.integers(0, 2**40))
NOUN = rf"({'|'.join(COLORS)}) ({'|'.join(SHAPES)})"
EXPRESSION = rf"the (?:(small|large|left|right|upper|lower) )?{NOUN}"


def things_named(scene, name):
    """All objects that an expression can mean."""
    which, *combination = re.fullmatch(EXPRESSION, name).groups()
    alike = [thing for thing in scene.objects if list(thing.combination) == combination]
    if which in ("small", "large"):
        middle = 0.3
        return [thing for thing in alike if (thing.box[2] - thing.box[0] > middle) == (which == "large")]
    if which:
        assert len(alike) > 1, f"{name} of one"
        axis, choose = (0 if which in ("left", "right") else 1), (min if which in ("left", "upper") else max)
        return [choose(alike, key=lambda thing: thing.box[axis])]
    return alike


def is_true(scene, statement):
    if match := re.fullmatch(rf"there is an? {NOUN}", statement):
        return match.groups() in scene.combinations
    if match := re.fullmatch(r'the word says "(\w+)"', statement):
        return scene.word.text == match[1]
    if match := re.fullmatch(r"the background is (\w+)", statement):
        return scene.ground.texture == match[1]
    subject, side, other = re.fullmatch(
        rf"(?P<a>{EXPRESSION}) is (to the left of|to the right of|above|below) (?P<b>{EXPRESSION})", statement
    ).group("a", 5, "b")
    [one], [two] = things_named(scene, subject), things_named(scene, other)
    assert one.combination != two.combination, "says nothing"
    if side in ("above", "to the left of"):
        one, two = two, one
    return one.box[side in ("above", "below")] > two.box[side in ("above", "below")]


def answer_of(scene, question):
    if match := re.fullmatch(r"What color is the (\w+)\?", question):
        [answer] = [color for color, shape in scene.combinations if shape == match[1]]
    elif match := re.fullmatch(r"What shape is the (\w+) object\?", question):
        [answer] = [shape for color, shape in scene.combinations if color == match[1]]
    elif match := re.fullmatch(r"Where is (.+)\?", question):
        [thing] = things_named(scene, match[1])
        x, y = thing.center
        assert min(abs(x - 0.5), abs(y - 0.5)) > 0.05, "neither here nor there"
        answer = f"{'top' if y < 0.5 else 'bottom'} {'left' if x < 0.5 else 'right'}"
    elif question == "How many shapes are there?":
        answer = str(len(scene.objects))
    elif question == "What does the word say?":
        answer = scene.word.text
    else:
        answer = "yes" if is_true(scene, re.sub(r"Is there (.+)\?", r"there is \1", question)) else "no"
    return answer


def of_source(scene, source):
    return [sample for sample in samples_of(scene) if sample.source == source]


def texts_of(sample):
    yield from (sample.caption, *sample.references)
    yield from (region.phrase for region in sample.regions)
    for question in sample.questions:
        yield from (question.question, question.answer, *question.options)


def names_held_out(text):
    return any(match in HELD_OUT for match in re.findall(NOUN, text))


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_boxes_lie_in_the_picture_apart_from_each_other_and_are_as_large_as_they_are_said_to_be(scene):
    assert 1 <= len(scene.objects) <= 4
    boxes = [thing.box for thing in scene.objects] + ([scene.word.box] if scene.word else [])
    for k, one in enumerate(boxes):
        assert 0 < one[0] < one[2] < 1 and 0 < one[1] < one[3] < 1
        assert all(share == round(share, 4) for share in one)
        for two in boxes[:k]:
            assert max(one[0], two[0]) > min(one[2], two[2]) or max(one[1], two[1]) > min(one[3], two[3])
    for thing in scene.objects:
        side = thing.box[2] - thing.box[0]
        assert side == pytest.approx(thing.box[3] - thing.box[1], abs=2e-4)
        assert 0.2199 < side < 0.2701 if thing.size == "small" else 0.3299 < side < 0.4001
    if scene.word:
        assert scene.word.text in WORDS
        assert 0.1199 < scene.word.box[3] - scene.word.box[1] < 0.1601


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_no_held_out_combination_is_drawn_or_named_before_the_test(scene):
    unseen = [thing for thing in scene.objects if thing.held_out]
    assert len(unseen) <= (scene.split == "test")
    if scene.split != "test":
        assert not any(names_held_out(text) for sample in samples_of(scene) for text in texts_of(sample))


def test_half_of_the_test_pictures_have_one_held_out_object_and_the_others_none():
    assert sum(make_scene(0, "test", index).held_out for index in range(100)) == 50


def test_train_has_all_other_combinations_and_every_colour_shape_size_and_ground_alike():
    drawn = [make_scene(0, "train", index) for index in range(2000)]
    things = [thing for scene in drawn for thing in scene.objects]
    assert {thing.combination for thing in things} == set(COMBINATIONS) - HELD_OUT
    for values, share in (
        ([thing.combination.color for thing in things], 1 / len(COLORS)),
        ([thing.combination.shape for thing in things], 1 / len(SHAPES)),
        ([scene.ground.texture for scene in drawn], 1 / len(TEXTURES)),
    ):
        assert all(0.8 * share < count / len(values) < 1.2 * share for count in Counter(values).values())
    assert 0.3 < sum(thing.size == "large" for thing in things) / len(things) < 0.7
    assert Counter(len(scene.objects) for scene in drawn) == dict.fromkeys(range(1, 5), 500)
    assert set(Counter(scene.word.text for scene in drawn[:1800] if scene.word).values()) == {900 // len(WORDS)}


def test_splits_and_seeds_share_no_picture():
    pictures = [draw(make_scene(seed, split, i), 32) for seed in (0, 1) for split in SPLITS for i in range(150)]
    assert len({hashlib.sha256(picture.tobytes()).digest() for picture in pictures}) == len(pictures)


@settings(max_examples=20, deadline=None)
@given(scenes)
def test_each_object_is_seen_in_its_colour_and_fills_its_box(scene):
    size = 96
    picture = draw(scene, size)
    assert (picture.size, picture.mode) == ((size, size), "RGB")
    for thing in scene.objects:
        x, y = thing.center
        assert picture.getpixel((int(x * size), int(y * size))) == INKS[thing.combination.color]
        others = tuple(other for other in scene.objects if other is not thing)
        without = draw(dataclasses.replace(scene, objects=others), size)
        seen = ImageChops.difference(picture, without).getbbox()
        assert seen == pytest.approx([share * size for share in thing.box], abs=1.01)


@settings(max_examples=20, deadline=None)
@given(scenes.filter(lambda scene: scene.word))
def test_a_word_fills_its_box_and_each_word_looks_different(scene):
    picture, without = draw(scene, 96), draw(dataclasses.replace(scene, word=None), 96)
    seen = ImageChops.difference(picture, without).getbbox()
    assert seen == pytest.approx([share * 96 for share in scene.word.box], abs=1.01)
    same_box = [dataclasses.replace(scene, word=dataclasses.replace(scene.word, text=text)) for text in WORDS]
    assert len({draw(other, 64).tobytes() for other in same_box}) == len(WORDS)


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_an_expression_means_one_object_and_its_region_is_the_box_of_that(scene):
    regions = [region for sample in of_source(scene, "world-grounding") for region in sample.regions]
    for region in regions:
        assert [thing.box for thing in things_named(scene, region.phrase)] == [region.box]
    assert {region.box for region in regions} == {thing.box for thing in scene.objects}


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_answers_are_true_and_the_other_options_are_not(scene):
    for sample in samples_of(scene):
        for question in sample.questions:
            assert question.kind
            if question.kind != "object":
                assert question.answer == answer_of(scene, question.question)
            if question.options:
                assert len(set(question.options)) == 4
                assert question.answer in question.options
            if question.kind == "object":
                present = [" ".join(combination) for combination in scene.combinations]
                assert [option for option in question.options if option in present] == [question.answer]


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_statements_are_true_exactly_if_they_are_said_to_be(scene):
    for sample in of_source(scene, "world-match"):
        assert is_true(scene, sample.caption) == sample.matches, sample.caption


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_captions_name_all_objects_and_the_first_one_from_left_to_right(scene):
    [sample] = of_source(scene, "world-caption")
    assert sample.references[0] == sample.caption
    assert len(set(sample.references)) == 5
    across = sorted(scene.objects, key=lambda thing: thing.center)
    assert re.findall(NOUN, sample.caption) == [thing.combination for thing in across]
    assert sample.caption.endswith(f" on a {scene.ground.texture} background")
    for caption in sample.references:
        assert sorted(re.findall(NOUN, caption)) == sorted(scene.combinations)
        assert re.findall(r'the word "(\w+)"', caption) == ([scene.word.text] if scene.word else [])
        assert set(re.findall(r"(\w+) background", caption)) <= {scene.ground.texture}


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_a_grounded_caption_is_the_caption_with_the_box_of_each_thing(scene):
    [plain], [sample] = of_source(scene, "world-caption"), of_source(scene, "world-grounded")
    assert re.sub(r"\|\|(.+?) <coords_\d+>\|\|", r"\1", sample.caption) == plain.caption
    marked = re.findall(r"\|\|([^|]+) <coords_(\d+)>\|\|", sample.caption)
    assert [int(number) for _, number in marked] == list(range(len(sample.boxes)))
    at = {thing.box: " ".join(thing.combination) for thing in scene.objects}
    at |= {scene.word.box: f'the word "{scene.word.text}"'} if scene.word else {}
    assert len(sample.boxes) == len(at)
    assert all(name.endswith(at[box]) for (name, _), box in zip(marked, sample.boxes, strict=True))


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_a_region_is_described_as_what_is_in_it(scene):
    said = {region.box: region.phrase for sample in of_source(scene, "world-dense") for region in sample.regions}
    for thing in scene.objects:
        assert re.fullmatch(rf"an? {thing.size} {' '.join(thing.combination)}", said.pop(thing.box))
    assert said == ({scene.word.box: f'the word "{scene.word.text}"'} if scene.word else {})


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_samples_have_names_of_their_own_and_good_grammar(scene):
    samples = samples_of(scene)
    assert len({sample.id for sample in samples}) == len(samples)
    assert {sample.image for sample in samples} == {f"images/{scene.split}/{scene.index:06d}.png"}
    assert {sample.source for sample in samples} == set(SOURCES) - (set() if scene.word else {"world-reading"})
    for text in (text for sample in samples for text in texts_of(sample)):
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  |,,|^ | $", text), text


@settings(max_examples=60, deadline=None)
@given(scenes)
def test_a_sample_has_all_turns_in_train_and_one_elsewhere(scene):
    by_source = Counter(sample.source for sample in samples_of(scene))
    if scene.split == "train":
        expected = dict.fromkeys(SOURCES, 1) | {"world-match": 2, "world-reading": int(scene.word is not None)}
        assert by_source == {source: count for source, count in expected.items() if count}
    else:
        assert all(len(sample.questions) <= 1 and len(sample.regions) <= 1 for sample in samples_of(scene))
        assert by_source["world-match"] == 1


def test_turns_of_a_picture_do_not_give_each_other_away_by_their_order():
    lefts, kinds = Counter(), Counter()
    for index in range(300):
        scene = make_scene(0, "train", index)
        [grounding], [vqa] = of_source(scene, "world-grounding"), of_source(scene, "world-vqa")
        kinds[vqa.questions[0].kind] += 1
        if len(grounding.regions) > 1:
            lefts[grounding.regions[0].box[0] < grounding.regions[1].box[0]] += 1
    assert min(kinds.values()) > 30 and len(kinds) == 5
    assert 0.4 < lefts[True] / lefts.total() < 0.6


def test_a_held_out_object_is_asked_for_and_its_questions_are_grouped_apart():
    for index in range(200):
        scene = make_scene(0, "test", index)
        for sample in samples_of(scene):
            named = any(names_held_out(text) for text in texts_of(sample))
            assert named <= (sample.group == "held-out")
            assert (sample.group == "held-out") <= scene.held_out
        assert {sample.group for sample in of_source(scene, "world-caption")} == {
            "held-out" if scene.held_out else "seen"
        }
        for sample in of_source(scene, "world-grounding"):
            unseen = [expression(scene, thing) for thing in scene.objects if thing.held_out]
            assert (sample.group == "held-out") == (sample.regions[0].phrase in unseen)


@pytest.mark.parametrize("group", ["seen", "held-out"])
def test_no_answer_is_likely_without_a_look_at_the_picture(group):
    answers, letters, matches, by_question = Counter(), Counter(), Counter(), Counter()
    for index in range(1200):
        for sample in samples_of(make_scene(0, "test", index)):
            if sample.group != group:
                continue
            for question in sample.questions:
                if question.options:
                    letters[question.options.index(question.answer)] += 1
                else:
                    answers[question.kind, question.answer] += 1
                    by_question[question.question, question.answer] += 1
            if sample.matches is not None:
                matches[sample.matches] += 1
    largest = {
        "color": 0.40 if group == "held-out" else 0.16,  # Only three colours are held out.
        "shape": 0.21,
        "position": 0.30,
        "count": 0.29,
        "yes/no": 0.54,
        "word": 0.05,
    }
    for kind, limit in largest.items():
        counts = [count for (of, _), count in answers.items() if of == kind]
        assert not counts or max(counts) / sum(counts) <= limit, kind
    assert max(letters.values()) / letters.total() <= 0.27
    assert max(matches.values()) / matches.total() <= 0.56
    # Nor by the question: what it names is as often there as not.
    judged = {question for question, _ in by_question if question.startswith("Is there")}
    told = sum(max(by_question[question, answer] for answer in ("yes", "no")) for question in judged)
    asked = sum(by_question[question, answer] for question in judged for answer in ("yes", "no"))
    assert told / asked <= 0.64


def test_yes_and_no_and_true_and_false_are_equally_frequent_over_all_pictures():
    said = Counter()
    for index in range(200):
        for sample in samples_of(make_scene(3, "validation", index)):
            said.update([sample.matches] if sample.matches is not None else [])
            said.update(question.answer for question in sample.questions if question.kind == "yes/no")
    assert said == {"yes": 100, "no": 100, True: 100, False: 100}
