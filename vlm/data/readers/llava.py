"""LLaVA: two sets of captions for the first stage, and the conversations of the second.

    llava_pretrain/blip_laion_cc_sbu_558k.json        558K captions of LAION, CC3M and SBU, which the code trained on
    llava_pretrain/images/00453/004539375.jpg         `images` may be left out, as in the archives of both
    llava_cc3m/chat.json                              595K captions of CC3M, which the paper names (D16)
    llava_cc3m/images/GCC_train_002582585.jpg
    coco/llava_instruct_150k.json                     on pictures of COCO
    coco/{train2017,val2017}/

All three are lists of conversations. Those of the first stage are a request, which takes the place of the task's
instruction, and a caption. `<image>`, which says where the picture goes, stays in the text: `vlm.templates` removes it.

No set has a split for validation. Of the captions one in a thousand is held out for it, so that the first stage can be
watched; as published all are trained on, and those that are watched are among them.
"""

from collections.abc import Iterator
from functools import partial

from vlm.data.data_set import DataSet
from vlm.data.errors import DroppedError
from vlm.data.readers.coco import FOLDER, name_of, number_of, picture_of
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Sample

ROLES = ("human", "gpt")
SHORT = 2
"""Turns of a request and a caption."""

HELD_OUT = 0.001
"""Of the captions, for validation."""


def read_instruct(source: Source) -> Iterator[Sample]:
    """See the module. The set's own id is that of the picture, which several conversations share."""
    for record in source.records("llava_instruct_150k.json"):
        with source.skipping(record):
            image_id = number_of(record)
            yield Sample(
                id=f"llava_instruct-{record.ordinal}",
                image=picture_of(source, image_id),
                task="chat",
                source="llava_instruct",
                replies=_turns(record),
                known_as=(name_of(image_id),),
                as_published=source.how.as_published,
            )


def read_captions(source: Source, file: str, name: str) -> Iterator[Sample]:
    """See the module."""
    is_flat = bool(source.listed(source.folder, lambda name: name.isdecimal() or name.endswith(".jpg")))
    for record in source.records(file):
        with source.skipping(record):
            number = record.id("id")
            if not _is_in_split(source, name, number):
                continue
            turns = _turns(record)
            if len(turns) != SHORT:
                record.refuse(f"its conversation has {len(turns)} turns, and should have {SHORT}")
            prompt, caption = turns
            image = record.text("image")
            yield Sample(
                id=f"{name}-{number}",
                image=source.picture(f"images/{image}", *[image] * is_flat),
                task="captioning",
                source=name,
                caption=caption,
                prompt=prompt,
                known_as=(f"{name}:{number}",),
                as_published=source.how.as_published,
            )


def _is_in_split(source: Source, name: str, number: str) -> bool:
    is_held_out = source.share(name, "held out", number) < HELD_OUT
    return is_held_out if source.split == "validation" else source.how.as_published or not is_held_out


def _turns(record: Record) -> tuple[str, ...]:
    """What was said, by turns, the person first and the assistant last.

    Raises:
        RecordError: they do not take turns.
        DroppedError: somebody says nothing.
    """
    turns = record.records("conversations")
    spoke = [turn.text("from") for turn in turns]
    if not spoke or spoke != [*ROLES] * (len(spoke) // 2):
        record.refuse(f"{' and '.join(ROLES)} do not take turns in its conversation")
    said = tuple(turn.text("value") for turn in turns)
    if "" in said:
        raise DroppedError("turn empty", record.place)
    return said


LLAVA_PRETRAIN = DataSet(
    name="llava_pretrain",
    title="LLaVA-Pretrain, 558K",
    folder="llava_pretrain",
    licence="that of CC3M and of BLIP, whose captions these are; pictures by their owners",
    splits=("train", "validation"),
    tasks=("captioning",),
    read=partial(read_captions, file="blip_laion_cc_sbu_558k.json", name="llava_pretrain"),
)

LLAVA_CC3M = DataSet(
    name="llava_cc3m",
    title="LLaVA-CC3M-Pretrain, 595K",
    folder="llava_cc3m",
    licence="that of CC3M: free for any purpose, Google to be named; pictures by their owners",
    splits=("train", "validation"),
    tasks=("captioning",),
    read=partial(read_captions, file="chat.json", name="llava_cc3m"),
)

LLAVA_INSTRUCT = DataSet(
    name="llava_instruct",
    title="LLaVA-Instruct-150K",
    folder=FOLDER,
    licence="conversations CC BY 4.0, under OpenAI's terms; pictures by their owners on Flickr, under Flickr's terms",
    splits=("train",),
    tasks=("chat",),
    read=read_instruct,
)
