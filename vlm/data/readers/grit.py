"""GRIT: captions from the web whose noun chunks have boxes; a selection by rare noun phrases (paper, appendix A).

    grit/images/<shard>/<key>.jpg         as img2dataset writes files; `images` may be left out
    grit/images/<shard>/<key>.json        of each picture that it could download
    grit/images/<shard>.parquet           the same for all that it tried; where there is none, the JSON files are read

Shards may lie in a folder for each run of img2dataset (`grit/images/coyo_0/00000/`). Keys of different runs are alike,
so a pair is known by the path of its shard and its key then.

A noun chunk is [start, end, x1, y1, x2, y2, score]: characters of the caption, and a box in shares of the picture. In
the sample's caption each becomes `||a dog <coords_0>||`; chunks with the same characters are one with several boxes
(reference-facts, 4.3 and 5.3).

Before a shard is read, the noun phrases of all are counted; which pairs are selected lies in the scratch folder then.
A pair that its record shows to be no use is not counted, so that a phrase keeps as many pictures as it should. Such are
small pictures, and pairs whose chunks overlap without being the same: spaCy, which found them, gives none that do, so
their characters are not those of the caption. Such are captions, too, whose own text could be taken for marks.

As published, boxes stay in the order of the file while their places in the caption are numbered from left to right: a
caption whose chunks are not in order says the boxes of others (D6).
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from vlm.data.data_set import DataSet
from vlm.data.errors import DataError, DroppedError, RecordError
from vlm.data.phrase_filter import PhraseFilter, phrase_of
from vlm.data.records import Record
from vlm.data.shards import Shards
from vlm.data.source import Source
from vlm.sample import Sample, SampleError, Split

NAME = "grit"
IMAGES = "images"

SIDES = ("width", "height", "original_width", "original_height")
"""Of the picture as it is, and as it was before it was made smaller."""

COLUMNS = ("key", "status", "caption", "noun_chunks", *SIDES)

SMALLEST = 100
"""Pixels of the shortest side."""

CHOSEN, COUNTED, WORKING = "grit_selection.npy", "grit_selection.json", "grit_phrases"
"""In the scratch folder. The second is written last: where it is, the selection is whole."""


@dataclass(frozen=True)
class Chunk:
    """A noun chunk: from where to where it stands in the caption, and its box as the file has it."""

    span: tuple[int, int]
    corners: tuple[float, float, float, float]


def pieces(folder: Path, split: Split) -> Sequence[str]:
    """The shards.

    Raises:
        DataError: there is none.
    """
    return _shards(folder).names()


def before(source: Source) -> None:
    """Selects pairs by the noun phrases of all shards, unless that was done before, of these shards and as wanted."""
    shards = _shards(source.path)
    names = shards.names()
    limits = {"rarest": source.how.grit_rarest, "most": source.how.grit_most, "seed": source.how.seed}
    wanted = {**limits, "shards": names}
    counted, working = source.scratch / COUNTED, source.scratch / WORKING
    if counted.exists() and json.loads(counted.read_text())["wanted"] == wanted:
        return
    counted.unlink(missing_ok=True)
    shutil.rmtree(working, ignore_errors=True)  # of a run that was ended halfway

    bounds = np.cumsum([0, *map(shards.length, names)]).tolist()
    if not bounds[-1]:
        raise DataError(f"all shards in {shards.folder} are empty: download the pictures there with img2dataset.")
    phrases = PhraseFilter(working, bounds[-1], **limits)
    with tqdm(total=bounds[-1], desc="noun phrases of GRIT", unit=" pairs", disable=None, leave=False) as bar:
        for name, start in zip(names, bounds, strict=False):
            for place, record in enumerate(shards.records(name), start):
                bar.update()
                # What cannot be used is counted, and named, where it is read.
                if isinstance(record, RecordError):
                    continue
                with contextlib.suppress(SampleError):
                    caption, chunks = _usable(record)
                    phrases.add(place, _identity(name, record), {phrase_of(caption, *chunk.span) for chunk in chunks})
    selection = phrases.select()
    about = {
        "wanted": wanted,
        "pairs": {"all": bounds[-1], "selected": int(selection.chosen.sum())},
        "phrases": {"below": selection.below, "within": selection.within, "above": selection.above},
        "places": dict(zip(names, pairwise(bounds), strict=True)),
    }
    np.save(working / CHOSEN, selection.chosen)
    (working / COUNTED).write_text(json.dumps(about))
    for name in (CHOSEN, COUNTED):
        os.replace(working / name, source.scratch / name)
    shutil.rmtree(working)


def read(source: Source) -> Iterator[Sample]:
    """See the module. Of one shard."""
    shards, name = _shards(source.path), source.piece
    start, end = json.loads((source.scratch / COUNTED).read_text())["places"][name]
    chosen = np.load(source.scratch / CHOSEN, mmap_mode="r")[start:end]
    if shards.length(name) != len(chosen):
        counted = source.scratch / COUNTED
        raise DataError(f"shard {name} of GRIT has changed since pairs were selected: remove {counted}.")
    for is_chosen, record in zip(chosen, shards.records(name), strict=True):
        source.tally.reads[""] += 1
        if isinstance(record, RecordError):
            source.tally.skip(str(record))
            continue
        with source.skipping(record):
            caption, chunks = _usable(record)
            identity = _identity(name, record)
            if not is_chosen:
                raise DroppedError("no rare noun phrase of its own", record.place)
            yield _sample(source, record, identity, caption, chunks)


def _identity(shard: str, record: Record) -> str:
    """What a pair is known by: its key, and the path of its shard where there are several runs."""
    key = record.id("key")
    return f"{shard}/{key}" if "/" in shard else key


def _sample(source: Source, record: Record, identity: str, caption: str, chunks: Sequence[Chunk]) -> Sample:
    shard = (_shards(source.path).folder / source.piece).relative_to(source.path).as_posix()
    image = source.picture(f"{shard}/{record.id('key')}.jpg")
    boxed = [(chunk.span, box) for chunk in chunks if (box := source.box(chunk.corners, (1, 1), record.place))]
    if not boxed:
        raise DroppedError("no box of a noun chunk has an area", record.place)
    ordered = sorted(boxed, key=lambda one: one[0])
    return Sample(
        id=f"{NAME}-{identity}",
        image=image,
        task="grounded_captioning",
        source=NAME,
        caption=_marked(caption, [span for span, _ in ordered]),
        boxes=tuple(box for _, box in (boxed if source.how.as_published else ordered)),
        known_as=(f"{NAME}:{identity}",),
        as_published=source.how.as_published,
    )


def _marked(caption: str, spans: Sequence[tuple[int, int]]) -> str:
    """A caption with places for the boxes of these spans, which are in order."""
    written, done = "", 0
    for (start, end), numbers in groupby(range(len(spans)), lambda number: spans[number]):
        boxes = "".join(f"<coords_{number}>" for number in numbers)
        written += f"{caption[done:start]}||{caption[start:end]} {boxes}||"
        done = end
    return (written + caption[done:]).strip()


def _usable(record: Record) -> tuple[str, list[Chunk]]:
    """The caption, character by character as it is in the file, and its noun chunks.

    Raises:
        DroppedError: the pair is not wanted, whatever its phrases are.
        RecordError: it is not sound.
    """
    if record.has("status") and record.text("status") != "success":
        raise DroppedError("picture not downloaded", record.place)
    if min(map(record.whole, SIDES)) < SMALLEST:
        raise DroppedError(f"a side below {SMALLEST} pixels", record.place)
    record.text("caption")
    caption: str = record.fields["caption"]
    chunks = [_chunk(record, caption, value, number) for number, value in enumerate(record.values("noun_chunks"), 1)]
    spans = sorted({chunk.span for chunk in chunks})
    if any(start < end for (_, end), (start, _) in pairwise(spans)):
        raise DroppedError("noun chunks overlap", record.place)
    if _says_marks(caption, spans):
        raise DroppedError("the caption has || or <coords_ in it", record.place)
    return caption, chunks


def _chunk(record: Record, caption: str, value: Any, number: int) -> Chunk:
    named = Record(f"{record.place}, noun chunk {number}", {"noun_chunks": value})
    start, end, x1, y1, x2, y2, _ = named.numbers("noun_chunks", 7)
    if not (0 <= start < end <= len(caption) and start.is_integer() and end.is_integer()):
        named.refuse(f"{start:g} to {end:g} are no characters of a caption that has {len(caption)}")
    first, last = int(start), int(end)
    text = caption[first:last]
    if not text.strip():
        named.refuse("there is no text in it")
    span = first + len(text) - len(text.lstrip()), last - len(text) + len(text.rstrip())
    return Chunk(span, (x1, y1, x2, y2))


def _says_marks(caption: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether text of the caption's own reads as a mark, or would as soon as marks stand beside it."""
    if "||" in caption or "<coords_" in caption:
        return True
    return "|" in caption and any("|" in caption[max(0, a - 1) : a + 1] + caption[b - 1 : b + 1] for a, b in spans)


def _shards(folder: Path) -> Shards:
    return Shards(folder / IMAGES if (folder / IMAGES).is_dir() else folder, COLUMNS)


GRIT = DataSet(
    name=NAME,
    title="GRIT",
    folder=NAME,
    licence="annotations MS-PL; pictures by their owners on the web",
    splits=("train",),
    tasks=("grounded_captioning",),
    read=read,
    pieces=pieces,
    before=before,
)
