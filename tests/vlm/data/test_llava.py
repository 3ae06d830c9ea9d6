"""LLaVA: captions with a request of their own, and conversations in which people take turns."""

import json
from dataclasses import replace

import pytest
from golden_samples import read_all, spoken
from miniatures import llava

from vlm.data.errors import DataError
from vlm.data.readers.llava import LLAVA_CC3M, LLAVA_INSTRUCT, LLAVA_PRETRAIN
from vlm.sample import Sample
from vlm.vocabulary import END


@pytest.fixture
def root(tmp_path):
    llava.write(tmp_path)
    return tmp_path


@pytest.fixture
def broken(root):
    """Puts other conversations in place of the first one of LLaVA-Instruct."""
    path = root / "coco" / "llava_instruct_150k.json"

    def write(conversations):
        records = json.loads(path.read_text())
        records[0]["conversations"] = conversations
        path.write_text(json.dumps(records))
        return path

    return write


def test_captions_of_558k_keep_their_request(root):
    (sample,), tally = read_all(LLAVA_PRETRAIN, root, "train")
    assert sample == Sample(
        id="llava_pretrain-004539375",
        image="llava_pretrain/images/00453/004539375.jpg",
        task="captioning",
        source="llava_pretrain",
        caption="select luxury furniture 3 - inch Gel memory foam mattress topper",
        prompt="Render a clear and concise summary of the photo.\n<image>",
        known_as=("llava_pretrain:004539375",),
    )
    assert (tally.read, tally.skipped) == (4, 0)
    assert dict(tally.dropped) == {"turn empty": 1, "picture missing": 1}


def test_a_request_stands_in_place_of_the_instruction_and_without_its_mark(root):
    (before,), _ = read_all(LLAVA_PRETRAIN, root, "train")
    assert spoken(before) == [
        "IMAGE",
        "Render a clear and concise summary of the photo.\n",
        f"*Select luxury furniture 3 - inch Gel memory foam mattress topper.{END}",
    ]
    (behind,), _ = read_all(LLAVA_CC3M, root, "train")
    assert spoken(behind)[1] == "Provide a brief description of the given image.\n"


def test_captions_of_cc3m_have_another_file_of_the_same_form(root):
    (sample,), _ = read_all(LLAVA_CC3M, root, "train")
    assert (sample.id, sample.source) == ("llava_cc3m-GCC_train_002582585", "llava_cc3m")
    assert sample.image == "llava_cc3m/images/GCC_train_002582585.jpg"
    assert sample.caption == "olive oil is a healthy ingredient used liberally ."
    assert sample.known_as == ("llava_cc3m:GCC_train_002582585",)


@pytest.mark.parametrize(
    ("data_set", "held_out"), [(LLAVA_PRETRAIN, llava.HELD_OUT[0]), (LLAVA_CC3M, llava.HELD_OUT[1])]
)
def test_a_few_captions_are_held_out_for_validation_and_as_published_they_are_trained_on_too(root, data_set, held_out):
    def ids(split, as_published=False):
        return {sample.id for sample in read_all(data_set, root, split, as_published=as_published)[0]}

    assert ids("validation") == ids("validation", True) == {f"{data_set.name}-{held_out}"}
    assert ids("train").isdisjoint(ids("validation"))
    assert ids("train", True) == ids("train") | ids("validation")


def test_one_caption_in_a_thousand_is_held_out(root):
    path = root / "llava_cc3m" / "chat.json"
    (record, _) = json.loads(path.read_text())
    path.write_text(json.dumps([{**record, "id": str(number)} for number in range(20_000)]))
    trained, validated = (len(read_all(LLAVA_CC3M, root, split)[0]) for split in ("train", "validation"))
    assert trained + validated == 20_000
    assert 5 <= validated <= 40


@pytest.mark.parametrize("data_set", [LLAVA_PRETRAIN, LLAVA_CC3M])
def test_pictures_of_captions_may_lie_where_their_archive_was_unpacked(root, data_set):
    (expected,), _ = read_all(data_set, root, "train")
    home = root / data_set.folder
    for path in list((home / "images").iterdir()):
        path.rename(home / path.name)
    (home / "images").rmdir()
    (sample,), _ = read_all(data_set, root, "train")
    assert sample == replace(expected, image=expected.image.replace("images/", ""))


def test_conversations_keep_their_turns_and_are_told_apart_on_one_picture(root):
    samples, tally = read_all(LLAVA_INSTRUCT, root, "train")
    assert [(sample.id, sample.known_as) for sample in samples] == [
        ("llava_instruct-1", ("coco:33471",)),
        ("llava_instruct-2", ("coco:52846",)),
        ("llava_instruct-3", ("coco:33471",)),
    ]
    assert [sample.image[5:] for sample in samples[:2]] == ["train2017/000000033471.jpg", "val2017/000000052846.jpg"]
    assert (samples[0].task, samples[0].source) == ("chat", "llava_instruct")
    assert samples[0].replies == (
        "<image>\nWhat are the colors of the bus in the image?",
        "The bus in the image is white and red.",
        "What feature can be seen on the back of the bus?",
        "The back of the bus features an ad for Café Zürich.",
    )
    assert (tally.read, tally.skipped, dict(tally.dropped)) == (3, 0, {})


def test_a_conversation_is_read_as_the_paper_writes_it(root):
    samples, _ = read_all(LLAVA_INSTRUCT, root, "train")
    assert spoken(samples[0]) == [
        "IMAGE",
        "What are the colors of the bus in the image?\n",
        "*The bus in the image is white and red.\n",
        "What feature can be seen on the back of the bus?\n",
        f"*The back of the bus features an ad for Café Zürich.\n{END}",
    ]
    assert spoken(samples[1])[1:] == ["Where is the cat?\n", f"*On the dog's back.\n{END}"]


@pytest.mark.parametrize(
    "speakers", [["gpt", "human"], ["human", "human"], ["human", "gpt", "human"], ["human", "system"], []]
)
def test_a_conversation_in_which_they_do_not_take_turns_is_skipped_and_named(root, broken, speakers):
    path = broken([{"from": speaker, "value": "Hello."} for speaker in speakers])
    samples, tally = read_all(LLAVA_INSTRUCT, root, "train")
    assert [sample.id for sample in samples] == ["llava_instruct-2", "llava_instruct-3"]
    assert tally.named["skipped"] == [f"{path}, record 1: human and gpt do not take turns in its conversation."]


def test_a_conversation_in_which_nothing_is_said_is_dropped(root, broken):
    path = broken(llava.conversation("<image>\nWhat is it?", "  \n"))
    samples, tally = read_all(LLAVA_INSTRUCT, root, "train")
    assert len(samples) == 2
    assert (tally.skipped, dict(tally.dropped)) == (0, {"turn empty": 1})
    assert tally.named["turn empty"] == [f"{path}, record 1"]


def test_a_picture_without_a_number_is_skipped_and_named(root):
    path = root / "coco" / "llava_instruct_150k.json"
    path.write_text(path.read_text().replace(f"{llava.DOG:012d}.jpg", "dog.jpg"))
    _, tally = read_all(LLAVA_INSTRUCT, root, "train")
    assert tally.named["skipped"] == [
        f"{path}, record 2: 'image' should be the file name of a picture of COCO and is 'dog.jpg'."
    ]


def test_a_caption_with_more_than_a_request_is_skipped_and_named(root):
    path = root / "llava_cc3m" / "chat.json"
    records = json.loads(path.read_text())
    records[0]["conversations"] *= 2
    path.write_text(json.dumps(records))
    samples, tally = read_all(LLAVA_CC3M, root, "train")
    assert samples == []
    assert tally.named["skipped"] == [f"{path}, record 1: its conversation has 4 turns, and should have 2."]


def test_without_a_folder_of_pictures_a_sentence_says_where_to_unpack_them(root):
    for picture in (root / "llava_cc3m" / "images").iterdir():
        picture.unlink()
    with pytest.raises(DataError, match=r"there are no pictures in .*llava_cc3m/images: unpack"):
        read_all(LLAVA_CC3M, root, "train")


@pytest.mark.parametrize("data_set", [LLAVA_INSTRUCT, LLAVA_PRETRAIN])
@pytest.mark.parametrize("as_published", [False, True])
def test_samples_say_whether_they_are_laid_out_as_published(root, data_set, as_published):
    samples, _ = read_all(data_set, root, "train", as_published=as_published)
    assert {sample.as_published for sample in samples} == {as_published}
