"""OCR-VQA: questions on the covers of books.

    ocr_vqa/dataset.json                  all splits, by the number of the book
    ocr_vqa/images/1421584662.jpg         the number of the book, whatever its URL ends in, or the name in its URL
    ocr_vqa/images_filtered.json          if there: which URLs the public implementation's script keeps

All questions of a book stand together in one sample. The paper's filters (appendix A; reference-facts, 5.3):

    books whose URL occurs more than once in a split are left out
    the shorter side of the cover is above 350 pixels, and no colour has more than 85 % of the pixels
    no question asks for the category of the book; as published these stay (D3)
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from vlm.data.answers import question_of
from vlm.data.blank import is_of_one_colour
from vlm.data.data_set import DataSet
from vlm.data.errors import DataError, DroppedError, RecordError
from vlm.data.records import Record, json_records
from vlm.data.source import Source
from vlm.pictures import PictureError, open_picture
from vlm.sample import Question, Sample, Split

NAME = "ocr_vqa"
FOLDER = "ocr_vqa"
FILE = "dataset.json"
FILTERED = "images_filtered.json"
SPLITS: dict[Split, int] = {"train": 1, "validation": 2, "test": 3}

SHORTEST = 350
"""Pixels that the shorter side has to be above."""

LARGEST_SHARE = 0.85
"""Of the pixels, that one colour may have."""

CATEGORY = re.compile(
    r"""
    \b(type|kind|genre|category)\ of\ ((the|this|a)\ )?book\b    # What is the genre of this book? What type of book ...
    | \bthis\ book\ related\ to\b                                # Is this book related to Science & Math?
    | ^is\ this\ .*\bbook\W*$                                    # Is this a sociopolitical book?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Questions about the category, in the forms that the data set has."""


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    several = _repeated(source)
    kept = _filtered(source)
    for record in source.counted(_books(source)):
        with source.skipping(record):
            if record.whole("split") != SPLITS[source.split]:
                record.refuse(f"'split' should be one of 1, 2 and 3 and is {record.whole('split')}")
            url = record.text("imageURL")
            if _digest(url) in several:
                raise DroppedError("picture of several books", record.place)
            name = PurePosixPath(url)
            own = dict.fromkeys((f"images/{record.key}{name.suffix}", f"images/{record.key}.jpg"))
            picture = source.picture(*own, f"images/{name.name}")
            _require_legible(source, picture, kept.get(url))
            questions = tuple(_questions(source, record))
            if not questions:
                raise DroppedError("no question left")
            yield Sample(
                id=f"{NAME}-{record.key}",
                image=picture,
                task="vqa",
                source=NAME,
                questions=questions,
                known_as=(f"{NAME}:{record.key}",),
                as_published=source.how.as_published,
            )


def _books(source: Source) -> Iterator[Record | RecordError]:
    """Books of the split, and what may be one."""
    # No set: what stands there may be a list, which none can be asked for.
    others = [number for split, number in SPLITS.items() if split != source.split]
    with source.open(FILE) as file:
        for book in json_records(file, str(source.path / FILE)):
            if isinstance(book, RecordError) or book.fields.get("split") not in others:
                yield book


def _repeated(source: Source) -> Collection[bytes]:
    """URLs of more than one book of the split."""
    once: set[bytes] = set()
    several: set[bytes] = set()
    for book in _books(source):
        url = None if isinstance(book, RecordError) else book.fields.get("imageURL")
        if isinstance(url, str):
            digest = _digest(url.strip())
            (several if digest in once else once).add(digest)
    return several


def _digest(url: str) -> bytes:
    """Instead of URLs, which would take memory."""
    return hashlib.blake2b(url.encode(errors="surrogatepass"), digest_size=8).digest()


def _filtered(source: Source) -> Mapping[str, bool]:
    """What the public implementation's script found out about pictures: whether to keep them, by URL."""
    if not source.has(FILTERED):
        return {}
    with source.open(FILTERED) as file:
        try:
            read = json.load(file)
        except (ValueError, RecursionError):
            read = None
    if not isinstance(read, dict) or not all(isinstance(keep, bool) for keep in read.values()):
        raise DataError(f"{source.path / FILTERED} should say true or false for each URL: mend or delete it.")
    return read


def _require_legible(source: Source, picture: str, keep: bool | None) -> None:
    """Raises DroppedError for a cover that is too small or blank; where it was found out before, nothing is decoded."""
    if min(source.size(picture)) <= SHORTEST:
        raise DroppedError(f"picture's shorter side not above {SHORTEST} pixels", picture)
    if keep is None:
        try:
            blank = is_of_one_colour(open_picture(source.root / picture), LARGEST_SHARE)
        except PictureError as error:
            raise DroppedError("picture unreadable", str(error)) from error
        if blank:
            raise DroppedError(f"picture of one colour by more than {LARGEST_SHARE:.0%}", picture)
    elif not keep:
        raise DroppedError(f"picture left out by {FILTERED}", picture)


def _questions(source: Source, record: Record) -> Iterator[Question]:
    asked, answers = record.texts("questions"), record.texts("answers")
    if len(asked) != len(answers):
        record.refuse(f"it has {len(asked)} questions and {len(answers)} answers")
    single = (
        Record(
            f"{record.place}, questions {number}", {"question": text, "answer": answer}, f"{record.key}-{number - 1}"
        )
        for number, (text, answer) in enumerate(zip(asked, answers, strict=True), 1)
    )
    # They count as records: each of them can be broken by itself.
    for one in source.counted(single):
        with source.skipping(one):
            text = one.text("question")
            if CATEGORY.search(text) and not source.how.as_published:
                raise DroppedError("question about the category", f"{one.place}: {text}")
            yield question_of(source, one, text, (one.fields["answer"],), id=one.key)


OCR_VQA = DataSet(
    name=NAME,
    title="OCR-VQA",
    folder=FOLDER,
    licence="annotations for research, as its site says; covers by their publishers",
    splits=("train", "validation", "test"),
    tasks=("vqa",),
    read=read,
)
