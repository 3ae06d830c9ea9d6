"""What is shown of a sample is what the model is given, whatever its words are; and a drawing is one."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from training.config import ConfigError
from vlm.inspect.boxes import boxes_of, with_boxes
from vlm.inspect.pack import documents_of, inspect_pack
from vlm.inspect.page import escaped
from vlm.inspect.sample import inspect_sample
from vlm.inspect.sheet import sheet
from vlm.inspect.tokens import chips_of
from vlm.packing import NO_DOCUMENT, batch_of
from vlm.prompt import ORDERS, UNSCORED, lay_out
from vlm.sample import TASKS, Question, Region, Sample, write_samples
from vlm.vocabulary import read_vocabulary

VOCABULARY = read_vocabulary("world")
GRID = (2, 3)
LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.25, 1.0, 0.75)
MARKUP = "</span><script>alert('x')</script> & \"<b>\""


def sample_of(task, text="a red star", **changes):
    needed = {
        "captioning": {"caption": text},
        "grounded_captioning": {"caption": f"||{text} <coords_0>|| and a dog<coords_1>", "boxes": (LEFT, RIGHT)},
        "dense_captioning": {"regions": (Region(box=LEFT, phrase=text), Region(box=RIGHT, phrase="a dog"))},
        "visual_grounding": {"regions": (Region(box=LEFT, phrase=text), Region(box=RIGHT, phrase="a dog"))},
        "vqa": {"questions": (Question(question=text, answer="yes"), Question(question="What?", answer=text))},
        "multiple_choice_vqa": {"questions": (Question(question="Which?", answer=text, options=("no", text)),)},
        "grounded_multiple_choice_vqa": {
            "questions": (Question(question=text, answer="[0.50,0.25,1.00,0.75]", options=(LEFT, RIGHT)),)
        },
        "image_text_match": {"caption": text, "matches": True},
        "chat": {"replies": (text, "Yes.", "Why?", text)},
    }[task]
    return Sample(**{"id": f"{task}/0", "image": "picture.png", "task": task, "source": "made", **needed, **changes})


def layout_of(sample, order="task-agnostic"):
    return lay_out(sample, order, VOCABULARY, GRID)


@pytest.fixture
def folder(tmp_path):
    """Samples of each task, twice: plain, and with words that are markup."""
    Image.new("RGB", (40, 20), "gray").save(tmp_path / "picture.png")
    marked = [sample_of(task, MARKUP, id=f"{task}/{MARKUP}") for task in TASKS]
    write_samples(tmp_path / "train.jsonl", [*map(sample_of, TASKS), *marked])
    return tmp_path


def inspect(folder, which, out, order="task-agnostic", **settings):
    inspect_sample(folder, "train", which, order=order, vocabulary=VOCABULARY, grid=GRID, out=out, **settings)


def parsed(path):
    """The page. It is XML, and nothing in it runs or is loaded."""
    page = ElementTree.parse(path).getroot()
    assert {element.tag for element in page.iter()}.isdisjoint({"script", "link", "iframe", "object"})
    for element in page.iter():
        assert all(value.startswith("data:image/jpeg;base64,") for key, value in element.items() if key == "src")
        assert not any(key.startswith("on") or key == "href" for key, _ in element.items())
    return page


def of_class(page, name):
    return [element for element in page.iter() if name in element.get("class", "").split()]


def text_of(element):
    return "".join(element.itertext())


@pytest.mark.parametrize("order", ORDERS[:2])
@pytest.mark.parametrize("text", ["a red star", MARKUP])
@pytest.mark.parametrize("task", TASKS)
def test_every_token_is_on_the_page_once_in_order_with_its_id_and_loss(folder, task, text, order):
    inspect(folder, f"{task}/{'0' if text == 'a red star' else MARKUP}", folder / "out.html", order)
    layout = layout_of(sample_of(task, text), order)
    [div] = of_class(parsed(folder / "out.html"), "tokens")
    shown = of_class(div, "token")
    block = next(piece for piece in layout.pieces if piece.name == "image")
    places = [place for place in range(len(layout.ids)) if not block.start < place < block.end]
    assert len(shown) == len(places)
    for span, place in zip(shown, places, strict=True):
        piece = next(piece.name for piece in layout.pieces if piece.start <= place < piece.end)
        assert piece in span.get("class").split()
        assert ("target" in span.get("class").split()) == (layout.labels[place] != UNSCORED)
        if piece == "image":
            assert "2 rows x 3 columns" in span.text and "9 tokens" in span.text
        else:
            assert span.text == VOCABULARY.decode([layout.ids[place]]).replace("\n", "↵")
            assert span.get("title").startswith(f"id {layout.ids[place]}, place {place}, {piece}")


def test_query_first_shows_each_question_as_a_layout_of_its_own(folder):
    inspect(folder, "vqa/0", folder / "out.html", "query-first")
    assert len(of_class(parsed(folder / "out.html"), "tokens")) == 2


def test_counts_are_said_and_so_are_answers_that_were_cut(folder):
    sample = sample_of("vqa")
    whole = layout_of(sample)
    inspect(folder, "vqa/0", folder / "whole.html")
    assert f"{len(whole.ids)} tokens, of which {whole.targets} carry loss; answers cut: 0." in text_of(
        parsed(folder / "whole.html")
    )
    inspect(folder, "vqa/0", folder / "cut.html", max_length=len(whole.ids) - 1)
    assert "answers cut: 1." in text_of(parsed(folder / "cut.html"))


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        ("captioning", []),
        ("dense_captioning", ["a red star", "a dog"]),
        ("visual_grounding", ["a red star", "a dog"]),
        ("grounded_captioning", ["a red star", "and a dog"]),
        ("grounded_multiple_choice_vqa", ["a red star A", "a red star B (the answer)"]),
    ],
)
def test_each_box_has_a_number_and_a_label(folder, task, labels):
    sample = sample_of(task)
    assert [(box.number, box.label) for box in boxes_of(sample)] == list(enumerate(labels, start=1))
    inspect(folder, sample.id, folder / "out.html")
    assert [int(text_of(tag)) for tag in of_class(parsed(folder / "out.html"), "number")] == [
        number for number, _ in enumerate(labels, start=1)
    ]


def test_boxes_are_drawn_where_they_are():
    white = Image.new("RGB", (100, 50), "white")
    boxes = boxes_of(sample_of("dense_captioning", regions=(Region(box=(0.5, 0.5, 0.9, 0.9), phrase="x"),)))
    drawn = with_boxes(white, boxes, 400)
    assert drawn.size == (400, 200)
    assert drawn.convert("L").point(lambda value: 255 * (value < 250)).getbbox() == pytest.approx(
        (200, 100, 360, 180), abs=1
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1)])
def test_a_picture_of_any_shape_can_be_drawn_with_boxes(size):
    drawn = with_boxes(Image.new("RGB", size), boxes_of(sample_of("visual_grounding")), 320)
    assert max(drawn.size) == 320 and min(drawn.size) >= 1


@pytest.mark.parametrize("task", TASKS)
def test_a_png_shows_the_picture_and_the_tokens(folder, task):
    inspect(folder, f"{task}/{MARKUP}", folder / "new" / "out.png")
    with Image.open(folder / "new" / "out.png") as drawn:
        drawn.load()
        colours = {colour for _, colour in drawn.convert("RGB").getcolors(2**24)}
    assert (128, 128, 128) in colours
    assert {(211, 229, 247), (205, 236, 207), (20, 112, 31)} <= colours  # instruction, answer, loss


def test_a_png_without_a_glyph_for_a_word_says_its_number(folder, recwarn):
    write_samples(folder / "train.jsonl", [sample_of("captioning", "中文 $x^{$ \\frac")])
    inspect(folder, 0, folder / "out.png")
    assert not recwarn.list


@given(st.text())
def test_any_text_becomes_markup_that_reads_as_text(text):
    element = ElementTree.fromstring(f'<p title="{escaped(text)}">{escaped(text)}</p>'.encode())
    assert len(element) == 0
    assert len(element.text or "") == len(text)


@given(st.text(min_size=1).filter(str.strip))
def test_chips_leave_no_token_out_whatever_is_said(text):
    layout = layout_of(sample_of("captioning", text))
    chips = chips_of(layout, VOCABULARY, GRID)
    assert len(chips) == len(layout.ids) - (1 + 2 * 4) + 1
    assert sum(chip.is_target for chip in chips) == layout.targets


def layouts():
    return [layout_of(sample_of(task, "a red star " * n, id=f"{task}/{n}")) for n in (1, 4) for task in TASKS]


def test_the_documents_of_a_row_are_those_of_the_batch():
    packed = layouts()
    batch = batch_of(packed, 200)
    rows = documents_of(batch, packed)
    assert sorted(one.number for row in rows for one in row) == list(range(len(packed)))
    for number, row in enumerate(rows):
        for one in row:
            layout = packed[one.number]
            start, end = one.run
            assert batch.documents[number, start:end].eq(one.number).all()
            assert end - start == len(layout.ids)
            marked = [place - start for first, last in one.targets for place in range(first, last)]
            assert marked == [place for place, label in enumerate(layout.labels) if label != UNSCORED]
            assert [last - first for first, last in one.images] == [1 + 2 * 4]
        assert batch.documents[number, row[-1].run[1] :].eq(NO_DOCUMENT).all()


def test_a_page_of_a_pack_holds_each_sample_and_the_share_that_is_useful(tmp_path):
    packed = [*layouts(), layout_of(sample_of("captioning", id=MARKUP))]
    inspect_pack(packed, 200, tmp_path / "pack.html")
    page = parsed(tmp_path / "pack.html")
    batch = batch_of(packed, 200)
    assert len(of_class(page, "row")) == len(batch.ids)
    assert sorted(bar.get("title").split(":")[0] for bar in of_class(page, "document")) == sorted(
        layout.sample.id for layout in packed
    )
    assert f"{batch.useful:.1%} of the tokens are useful" in text_of(page)
    assert len(of_class(page, "hatch")) == len(packed)


def test_a_png_of_a_pack_is_a_drawing(tmp_path):
    inspect_pack(layouts(), 200, tmp_path / "pack.png")
    with Image.open(tmp_path / "pack.png") as drawn:
        colours = {colour for _, colour in drawn.convert("RGB").getcolors(2**24)}
    assert {(26, 26, 30), (185, 185, 191)} <= colours  # loss, padding


def test_a_sheet_shows_so_many_samples_of_each_task_by_its_seed(folder):
    sheet(folder, "train", folder / "one.html", per_task=1, seed=1)
    sheet(folder, "train", folder / "again.html", per_task=1, seed=1)
    sheet(folder, "train", folder / "other.html", per_task=1, seed=2)
    assert len(of_class(parsed(folder / "one.html"), "sample")) == len(TASKS)
    assert (folder / "one.html").read_bytes() == (folder / "again.html").read_bytes()
    assert (folder / "one.html").read_bytes() != (folder / "other.html").read_bytes()
    sheet(folder, "train", folder / "all.html")
    page = parsed(folder / "all.html")
    assert len(of_class(page, "sample")) == len(list(page.iter("img"))) == 2 * len(TASKS)
    assert sum(text_of(turn) == "Yes.<|endoftext|>" for turn in of_class(page, "answer")) == 2


def test_a_sheet_shows_what_is_wrong_with_a_sample_and_goes_on(folder):
    wrong = Question(question="Which?", answer="neither", options=("a", "b"))
    gone = sample_of("captioning", id="gone", image="gone.png")
    write_samples(
        folder / "train.jsonl", [gone, sample_of("multiple_choice_vqa", questions=(wrong,)), sample_of("vqa")]
    )
    sheet(folder, "train", folder / "out.html")
    page = parsed(folder / "out.html")
    first, second = map(text_of, sorted(of_class(page, "refused"), key=text_of))
    assert "'neither' is not one of the options" in first and "gone.png is not there" in second
    assert len(list(page.iter("img"))) == 1


@pytest.mark.parametrize(
    ("which", "name", "settings", "sentence"),
    [
        (18, "out.html", {}, "holds samples 0 to 17, and not 18"),
        (-1, "out.html", {}, "and not -1"),
        ("nobody", "out.html", {}, "no sample with the id 'nobody'"),
        (0, "out.pdf", {}, "must end in .html or .png"),
        (0, "picture.png/out.png", {}, "is a file"),
        (0, "folder.html", {}, "is a folder"),
        (0, "out.html", {"order": "backwards"}, "order must be one of"),
        (0, "out.html", {"max_length": 3}, "max_length is 3"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence_and_nothing_is_written(folder, which, name, settings, sentence):
    (folder / "folder.html").mkdir()
    before = sorted(folder.rglob("*"))
    with pytest.raises(ConfigError, match=sentence):
        inspect(folder, which, folder / name, **settings)
    assert sorted(folder.rglob("*")) == before


def test_what_does_not_fit_a_png_is_refused(folder):
    write_samples(folder / "train.jsonl", [sample_of("chat", replies=("What?", "a\n" * 2_000))])
    with pytest.raises(ConfigError, match=r"ends in \.html"):
        inspect(folder, 0, folder / "out.png")
    inspect(folder, 0, folder / "out.html")


def test_packs_and_sheets_refuse_what_they_cannot_draw(folder):
    with pytest.raises(ConfigError, match="no sample to pack"):
        inspect_pack([], 200, folder / "out.png")
    with pytest.raises(ConfigError, match=r"must end in \.html"):
        sheet(folder, "train", folder / "out.png")
    with pytest.raises(ConfigError, match="per_task"):
        sheet(folder, "train", folder / "out.html", per_task=0)
    with pytest.raises(ConfigError, match="cannot be read"):
        sheet(folder, "test", folder / "out.html")
