"""GRIT: noun chunks as marked text with boxes, and the selection of its pairs."""

import json
import shutil
from collections import Counter

import pytest
from golden_samples import read_all, source_of, spoken
from miniatures import grit
from miniatures.files import write_json, write_picture

from vlm.data.errors import DataError
from vlm.data.readers import grit as reader
from vlm.data.readers.grit import GRIT
from vlm.vocabulary import END

DOG, BALL = (0.0, 0.0, 0.5, 1.0), (0.5, 0.5, 0.75, 1.0)


@pytest.fixture
def root(tmp_path):
    grit.write(tmp_path)
    return tmp_path


@pytest.fixture
def images(root):
    return root / "grit" / "images"


def all_of(root, **how):
    """Samples by key, and what was counted."""
    samples, tally = read_all(GRIT, root, "train", root / "scratch", **how)
    return {sample.id.removeprefix("grit-"): sample for sample in samples}, tally


def made_of(root, caption, *chunks, **changes):
    """The same of a data set that is this one pair, every phrase of which is selected."""
    shutil.rmtree(root / "grit")
    one = grit.pair("000000000", caption, *chunks, **changes)
    write_json(root / "grit" / "00000" / "000000000.json", one)
    write_picture(root / "grit" / "00000" / "000000000.jpg")
    samples, tally = all_of(root, grit_rarest=1)
    return samples.get("000000000"), tally


def test_noun_chunks_are_marked_in_the_order_of_the_caption(root):
    sample = all_of(root)[0]["000000000"]
    assert sample.id == "grit-000000000"
    assert sample.image == "grit/images/00000/000000000.jpg"
    assert (sample.task, sample.source, sample.known_as) == ("grounded_captioning", "grit", ("grit:000000000",))
    assert sample.caption == "||A dog <coords_0>|| chases ||the red ball <coords_1>||."
    assert sample.boxes == (DOG, BALL)


def test_it_is_read_as_the_paper_writes_it(root):
    assert spoken(all_of(root)[0]["000000000"]) == [
        "IMAGE",
        "Provide a one-sentence caption for the image and mention each entity.\n",
        f"*||A dog [0.00,0.00,0.50,1.00]|| chases ||the red ball [0.50,0.50,0.75,1.00]||.{END}",
    ]


def test_as_published_a_place_has_the_box_of_another_chunk_where_they_are_out_of_order(root):
    published = all_of(root, as_published=True)[0]["000000000"]
    assert published.as_published
    assert published.caption == "||A dog <coords_0>|| chases ||the red ball <coords_1>||."
    assert published.boxes == (BALL, DOG)
    assert all_of(root)[0]["000000000"].boxes == (DOG, BALL)


def test_chunks_of_the_same_words_are_one_with_several_boxes(root):
    sample = all_of(root)[0]["000000001"]
    assert sample.caption == "Café 🐕 of ||some dogs <coords_0><coords_1>||\tand ||a red ball <coords_2>||"
    assert sample.boxes == ((0.0, 0.0, 0.25, 0.25), (0.25, 0.25, 0.5, 0.5), (0.5, 0.0, 1.0, 0.5))
    assert "||some dogs [0.00,0.00,0.25,0.25][0.25,0.25,0.50,0.50]||" in spoken(sample)[-1]
    published = all_of(root, as_published=True)[0]["000000001"]
    assert published.boxes == ((0.0, 0.0, 0.25, 0.25), (0.5, 0.0, 1.0, 0.5), (0.25, 0.25, 0.5, 0.5))


def test_boxes_are_cut_at_the_border(root):
    samples, tally = all_of(root)
    assert samples["000010000"].boxes == ((0.0, 0.25, 1.0, 0.75),)
    assert tally.changed == {"box cut at the border of its picture": 1}


def test_pairs_are_selected_by_phrases_of_all_shards_and_all_others_are_counted(root):
    samples, tally = all_of(root)
    # "dog" and "red ball" have three each; "small red ball" has two that can be used.
    assert sorted(samples) == ["000000000", "000000001", "000010000", "000010001", "000010002"]
    assert (tally.read, tally.skipped) == (8, 0)
    assert tally.dropped == {
        "picture not downloaded": 1,
        "a side below 100 pixels": 1,
        "no rare noun phrase of its own": 1,
    }
    assert tally.named["a side below 100 pixels"] == [f"{root}/grit/images/00000.parquet, row 4"]
    assert json.loads((root / "scratch" / "grit_selection.json").read_text()) == {
        "wanted": {"rarest": 3, "most": 8, "seed": 0, "shards": ["00000", "00001"]},
        "pairs": {"all": 8, "selected": 5},
        "phrases": {"below": 3, "within": 2, "above": 0},
        "places": {"00000": [0, 5], "00001": [5, 8]},
    }


def test_the_limits_are_those_that_are_wanted(root):
    assert "000000004" in all_of(root, grit_rarest=2)[0]
    drawn = [frozenset(all_of(root, grit_most=1, seed=seed)[0]) for seed in range(20)]
    # One for the dog and one for the red ball, which may be the same.
    assert {len(one) for one in drawn} == {1, 2}
    assert len(set(drawn)) > 3


def test_a_selection_that_is_there_is_not_made_again_unless_something_else_is_wanted(root, monkeypatch):
    first, _ = all_of(root)

    def refused(*_, **__):
        raise AssertionError("it is made again")

    with monkeypatch.context() as patched:
        patched.setattr(reader, "PhraseFilter", refused)
        assert all_of(root)[0] == first
        for change in ({"seed": 1}, {"grit_rarest": 2}, {"grit_most": 9}):
            with pytest.raises(AssertionError, match="made again"):
                all_of(root, **change)
    # Each of these has left nothing behind that would be taken for a selection.
    assert all_of(root)[0] == first


def test_a_selection_that_was_ended_halfway_is_made_anew(root, monkeypatch):
    expected, _ = all_of(root)
    shutil.rmtree(root / "scratch")

    def ended(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(reader.PhraseFilter, "select", ended)
        with pytest.raises(KeyboardInterrupt):
            GRIT.before(source_of(GRIT, root, "train", root / "scratch"))
    assert [path.name for path in (root / "scratch").iterdir()] == ["grit_phrases"]
    assert all_of(root)[0] == expected
    assert sorted(path.name for path in (root / "scratch").iterdir()) == ["grit_selection.json", "grit_selection.npy"]


def test_nothing_is_counted_while_pairs_are_selected(root):
    source = source_of(GRIT, root, "train", root / "scratch")
    GRIT.before(source)
    assert (source.tally.read, source.tally.dropped, source.tally.skipped) == (0, Counter(), 0)


def test_the_same_samples_come_from_json_files(root, images):
    expected, _ = all_of(root)
    (images / "00000.parquet").unlink()
    shutil.rmtree(root / "scratch")
    samples, tally = all_of(root)
    assert samples == expected
    # Where a picture could not be downloaded there is none.
    assert (tally.read, tally.dropped["picture not downloaded"]) == (7, 0)


def test_shards_may_lie_in_the_folder_itself(root, images):
    for path in list(images.iterdir()):
        path.rename(root / "grit" / path.name)
    images.rmdir()
    assert all_of(root)[0]["000010000"].image == "grit/00001/000010000.jpg"


@pytest.fixture
def runs(root, images):
    """Two runs of img2dataset, whose shards and keys are alike."""
    for run in ("coyo_0", "coyo_1"):
        shutil.copytree(images, root / "runs" / run)
    shutil.rmtree(images)
    return (root / "runs").rename(images)


@pytest.mark.parametrize("is_inside", [True, False])
@pytest.mark.parametrize("has_tables", [True, False])
def test_shards_may_lie_in_a_folder_for_each_run(root, runs, is_inside, has_tables):
    if not has_tables:
        for run in runs.iterdir():
            (run / "00000.parquet").unlink()
    if not is_inside:
        for run in list(runs.iterdir()):
            run.rename(root / "grit" / run.name)
        runs.rmdir()
    folder = "grit/images" if is_inside else "grit"
    assert GRIT.pieces(root / "grit", "train") == [
        f"coyo_{run}/{shard}" for run in (0, 1) for shard in ("00000", "00001")
    ]
    samples, tally = read_all(GRIT, root, "train", root / "scratch", grit_rarest=1)
    assert tally.read == 2 * (8 if has_tables else 7)
    by_id = {sample.id: sample for sample in samples}
    assert len(by_id) == len(samples) == len({sample.known_as for sample in samples}) == 2 * 6
    sample = by_id["grit-coyo_1/00001/000010000"]
    assert sample.image == f"{folder}/coyo_1/00001/000010000.jpg"
    assert sample.known_as == ("grit:coyo_1/00001/000010000",)


def test_equal_keys_of_two_runs_are_drawn_apart(root, runs):
    drawn = [frozenset(all_of(root, grit_most=1, grit_rarest=1, seed=seed)[0]) for seed in range(12)]
    # Were they one, both of a phrase would stand at the same place in the draw, and the first run would always win.
    assert len({key.partition("/")[0] for one in drawn for key in one}) == 2
    keys = [[key.rpartition("/")[2] for key in one] for one in drawn]
    assert any(len(set(some)) == len(some) for some in keys)


def test_folders_without_pairs_are_passed_over(root, images):
    expected, _ = all_of(root)
    shutil.rmtree(root / "scratch")
    for name in ("_tmp", "lists/old", ".cache/00000"):
        (images / name).mkdir(parents=True)
    write_json(images / "_tmp" / "00002_stats.json", {"count": 5})
    (images / "lists" / "old" / "urls.txt").write_text("https://pictures.example/1.jpg\n")
    write_json(images / ".cache" / "00000" / "1.json", {})
    assert GRIT.pieces(root / "grit", "train") == ["00000", "00001"]
    assert all_of(root)[0] == expected


def test_a_table_beside_a_run_is_no_shard(root, runs):
    grit.write_table(runs / "coyo_0.parquet", [])  # the list of pictures that the run was given
    assert "coyo_0" not in GRIT.pieces(root / "grit", "train")


def test_shards_that_are_all_empty_end_in_a_sentence(root, images):
    shutil.rmtree(images)
    (images / "00000").mkdir(parents=True)
    with pytest.raises(DataError, match="has no shards in it: download"):
        all_of(root)
    grit.write_table(images / "00000.parquet", [])
    with pytest.raises(DataError, match=r"all shards in .*grit/images are empty: download"):
        all_of(root)


def test_a_shard_that_has_changed_since_ends_in_a_sentence(root, images):
    all_of(root)
    (images / "00001" / "000010001.json").unlink()
    with pytest.raises(DataError, match=r"shard 00001 of GRIT has changed .*: remove .*grit_selection\.json\."):
        all_of(root)


def test_no_shards_end_in_a_sentence(root, images):
    shutil.rmtree(images)
    with pytest.raises(DataError, match="has no shards in it: download"):
        all_of(root)


def test_a_table_that_is_cut_off_ends_in_a_sentence(root, images):
    path = images / "00000.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"00000\.parquet cannot be read .*: remove it"):
        all_of(root)


def test_a_table_without_noun_chunks_ends_in_a_sentence(root, images, monkeypatch):
    index = grit.SCHEMA.get_field_index("noun_chunks")
    monkeypatch.setattr(grit, "SCHEMA", grit.SCHEMA.remove(index))
    grit.write_table(images / "00000.parquet", grit.PAIRS["00000"])
    with pytest.raises(DataError, match=r"00000\.parquet has no noun_chunks: remove it"):
        all_of(root)


@pytest.mark.parametrize(
    ("chunk", "why"),
    [
        ([0, 27, 0, 0, 1, 1, 0.5], "noun chunk 1: 0 to 27 are no characters of a caption that has 26."),
        ([3, 3, 0, 0, 1, 1, 0.5], "noun chunk 1: 3 to 3 are no characters of a caption that has 26."),
        ([0, 2.5, 0, 0, 1, 1, 0.5], "noun chunk 1: 0 to 2.5 are no characters of a caption that has 26."),
        ([1, 2, 0, 0, 1, 1, 0.5], "noun chunk 1: there is no text in it."),
        ([0, 2, 0, 0, 1, 1], "noun chunk 1: 'noun_chunks' should be 7 numbers and is [0.0, 2.0, 0.0, 0.0, 1.0, 1.0]."),
    ],
)
def test_a_pair_with_a_broken_noun_chunk_is_skipped_and_named(root, images, chunk, why):
    broken = {**grit.PAIRS["00000"][0], "noun_chunks": [chunk]}
    grit.write_table(images / "00000.parquet", [broken, *grit.PAIRS["00000"][1:]])
    samples, tally = all_of(root)
    assert tally.named["skipped"] == [f"{images}/00000.parquet, row 1, {why}"]
    assert (tally.read, tally.skipped) == (8, 1)
    # The others are no longer three.
    assert not samples


def test_a_json_file_that_is_broken_is_skipped_and_named(root, images):
    path = images / "00001" / "000010000.json"
    path.write_text("{")
    samples, tally = all_of(root)
    assert tally.skipped == 1
    assert tally.named["skipped"][0].startswith(f"{path}: it cannot be read")
    # The dog has two other pairs.
    assert sorted(samples) == ["000000000", "000000001", "000010002"]


def test_a_picture_that_is_missing_is_counted(root, images):
    (images / "00001" / "000010000.jpg").unlink()
    samples, tally = all_of(root)
    assert "000010000" not in samples
    assert tally.named["picture missing"] == [str(images / "00001" / "000010000.jpg")]


def test_a_chunk_whose_box_has_no_area_is_left_without_a_mark(root):
    chunks = ("a dog", (0.5, 0, 0.5, 1)), ("a mat", (0, 0, 0.5, 0.5))
    sample, tally = made_of(root, "a dog on a mat", *chunks)
    assert (sample.caption, sample.boxes) == ("a dog on ||a mat <coords_0>||", ((0.0, 0.0, 0.5, 0.5),))
    assert tally.dropped == {"box without an area": 1}


def test_a_pair_without_any_box_is_dropped(root):
    sample, tally = made_of(root, "a dog", ("a dog", (1.25, 0, 1.5, 1)))
    assert sample is None
    assert tally.dropped == {"box without an area": 1, "no box of a noun chunk has an area": 1}


def test_space_around_the_words_of_a_chunk_stays_outside_of_the_marks(root):
    sample, _ = made_of(root, "see a dog run", (" a dog ", (0, 0, 1, 1)))
    assert sample.caption == "see ||a dog <coords_0>|| run"


@pytest.mark.parametrize(
    ("caption", "chunks", "reason"),
    [
        ("the old man of the sea", ["the old man", "man of the sea"], "noun chunks overlap"),
        ("the old man", ["the old man", "man"], "noun chunks overlap"),
        ("a dog || shop", ["a dog"], "the caption has || or <coords_ in it"),
        ("a dog <coords_0>", ["a dog"], "the caption has || or <coords_ in it"),
        ("shop|a dog", ["a dog"], "the caption has || or <coords_ in it"),
        ("a dog| shop", ["a dog"], "the caption has || or <coords_ in it"),
        ("a dog|", ["a dog|"], "the caption has || or <coords_ in it"),
    ],
)
def test_a_pair_whose_marks_could_not_be_read_back_is_dropped(root, caption, chunks, reason):
    sample, tally = made_of(root, caption, *((chunk, (0, 0, 1, 1)) for chunk in chunks))
    assert sample is None
    assert tally.dropped == {reason: 1}


def test_chunks_that_touch_do_not_overlap_and_a_bar_elsewhere_does_no_harm(root):
    sample, _ = made_of(root, "a dogcart | shop", ("a dog", (0, 0, 1, 1)), ("cart", (0, 0, 0.5, 1)))
    assert sample.caption == "||a dog <coords_0>||||cart <coords_1>|| | shop"


@pytest.mark.parametrize("side", ["width", "height", "original_width", "original_height"])
def test_a_side_below_a_hundred_pixels_drops_a_pair(root, side):
    chunk = "a dog", (0, 0, 1, 1)
    assert made_of(root, "a dog", chunk, **{side: 100})[0] is not None
    sample, tally = made_of(root, "a dog", chunk, **{side: 99})
    assert sample is None
    assert tally.dropped == {"a side below 100 pixels": 1}
