"""The ids that prompts are made of, and a vocabulary of few rows that cuts the world's texts as the whole one does."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_vlm import boxes

from training.config import ConfigError
from vlm.sample import SPLITS
from vlm.templates import box_text, turns_of
from vlm.vocabulary import END, FILE, read_vocabulary, restrict
from vlm.world.scene import make_scene
from vlm.world.tasks import samples_of
from vlm.world.vocabulary import make_vocabulary

WHOLE, WORLD = read_vocabulary("gpt-neox-20b"), read_vocabulary("world")
scenes = st.builds(make_scene, st.integers(0, 2**40), st.sampled_from(SPLITS), st.integers(0, 2**40))


def pieces(vocabulary, text):
    return [vocabulary.tokenizer.id_to_token(number) for number in vocabulary.encode(text)]


def test_ids_are_those_of_gpt_neox():
    assert (WHOLE.image_delimiter, WHOLE.row_separator, WHOLE.end, WHOLE.rows) == (4118, 10494, 0, 50277)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("###", (4118,)),
        ("&&", (10494,)),
        (END, (0,)),
        (" ", (209,)),
        ("\n", (187,)),
        ("].", (1570,)),
        (" Yes", (6279,)),
        (f"Yes.{END}", (4374, 15, 0)),
        (f"A.{END}", (34, 15, 0)),
        (f"True.{END}", (5088, 15, 0)),
        ("", ()),
    ],
)
def test_the_layouts_own_texts_have_the_ids_of_the_paper(text, ids):
    assert WHOLE.encode(text) == ids


@pytest.mark.parametrize("vocabulary", [WHOLE, WORLD], ids=["whole", "world"])
@given(box=boxes)
def test_a_box_is_an_answer_of_18_tokens(vocabulary, box):
    ids = vocabulary.encode(f"{box_text(box)}.{END}")
    assert len(ids) == 18
    assert ids[-1] == vocabulary.end


@settings(max_examples=60, deadline=None)
@given(scenes, st.sampled_from(["kept", "lowered"]))
def test_what_a_world_says_is_cut_alike_by_the_world_and_the_whole_vocabulary(scene, case):
    for sample in samples_of(scene):
        for turn in turns_of(sample, case):
            assert pieces(WORLD, turn.text) == pieces(WHOLE, turn.text)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.text(), max_size=5), st.text())
@example(["two  spaces and        eight\n\n    of code"], "  ")
def test_a_restricted_vocabulary_cuts_its_texts_alike_and_can_write_any_other(texts, other):
    restricted = restrict(WHOLE, texts)
    for text in texts:
        assert pieces(restricted, text) == pieces(WHOLE, text)
    assert restricted.decode(restricted.encode(other)) == unicodedata.normalize("NFC", other)
    assert max((0, *restricted.encode(other))) < restricted.rows
    assert restricted.end == 0


def test_ids_of_a_restricted_vocabulary_are_counted_without_gaps_in_the_old_order():
    in_order = sorted(WORLD.tokenizer.get_vocab().items(), key=lambda item: item[1])
    assert [number for _, number in in_order] == list(range(WORLD.rows))
    old = [WHOLE.tokenizer.token_to_id(token) for token, _ in in_order]
    assert old == sorted(old)


def test_a_vocabulary_restricted_to_nothing_has_single_bytes_and_the_layout_alone():
    restricted = restrict(WHOLE, [])
    assert restricted.rows < 260
    assert restricted.decode([restricted.image_delimiter, restricted.row_separator, restricted.end]) == f"###&&{END}"


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_any_text_comes_back_from_the_shipped_vocabularies(text):
    for vocabulary in (WHOLE, WORLD):
        assert vocabulary.decode(vocabulary.encode(text)) == unicodedata.normalize("NFC", text)


@pytest.mark.slow
def test_the_shipped_vocabulary_of_the_world_is_what_makes_it():
    assert make_vocabulary().tokenizer.to_str() == WORLD.tokenizer.to_str()


def test_a_saved_vocabulary_is_read_from_its_folder(tmp_path):
    WORLD.save(tmp_path)
    assert read_vocabulary(str(tmp_path)).tokenizer.to_str() == WORLD.tokenizer.to_str()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "vocabulary must be gpt-neox-20b, world or a folder with a tokenizer.json"),
        ("{", "is not a tokenizer: copy it again"),
        ("", "is not a tokenizer: copy it again"),
    ],
)
def test_a_folder_without_a_vocabulary_is_refused(tmp_path, content, sentence):
    if content is not None:
        (tmp_path / FILE).write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        read_vocabulary(str(tmp_path))


def test_a_tokenizer_without_the_tokens_of_the_layout_is_refused(tmp_path):
    model = '{"type": "WordLevel", "vocab": {"a": 0, "?": 1}, "unk_token": "?"}'
    (tmp_path / FILE).write_text(f'{{"version": "1.0", "added_tokens": [], "model": {model}}}')
    with pytest.raises(ConfigError, match="has no token"):
        read_vocabulary(str(tmp_path))
