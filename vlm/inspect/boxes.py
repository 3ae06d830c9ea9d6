"""The boxes of a sample with a number and a label each, and a picture with them on it.

A label would cover a small picture: only numbers stand on it, and the labels beside it, in the same colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from vlm.sample import Box, Sample
from vlm.templates import LETTERS, box_text

COLOURS = ("#0072b2", "#c44e00", "#00795a", "#a8327e", "#6a51a3", "#8c5a00", "#3a3a3a", "#b2182b")
"""Of boxes, in turn. White numbers can be read on all of them."""


@dataclass(frozen=True)
class LabelledBox:
    """A box, and what the sample says of it."""

    number: int
    """From 1 on."""
    box: Box
    label: str

    @property
    def colour(self) -> str:
        return COLOURS[(self.number - 1) % len(COLOURS)]

    @property
    def text(self) -> str:
        """The label, and the box as the model reads it."""
        return f"{self.label} {box_text(self.box)}".strip()


def boxes_of(sample: Sample) -> list[LabelledBox]:
    """All boxes of a sample: its regions, those that its caption names, and options that are boxes."""
    found = [(region.box, region.phrase) for region in sample.regions]
    found += [(box, _named_in(sample.caption, number)) for number, box in enumerate(sample.boxes)]
    for question in sample.questions:
        options: Sequence[str | Box] = question.options
        for number, option in enumerate(options):
            if not isinstance(option, str):
                right = " (the answer)" if box_text(option) == question.answer else ""
                found.append((option, f"{question.question} {LETTERS[number : number + 1]}{right}"))
    return [LabelledBox(number, box, label) for number, (box, label) in enumerate(found, start=1)]


def _named_in(caption: str, number: int) -> str:
    """What stands before the mark of a box, from its opening bars or the mark before it on."""
    before, mark, _ = caption.partition(f"<coords_{number}>")
    return before.rpartition("||")[2].rpartition(">")[2].strip() if mark else "(not in the caption)"


def with_boxes(image: Image.Image, boxes: list[LabelledBox], side: int) -> Image.Image:
    """The picture with its longer side made `side` pixels, boxes and numbers on it."""
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Enlarged pixels stay what they are: a small picture is shown as coarse as it is.
    drawn = image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(drawn)
    font = ImageFont.load_default(14)
    width, height = drawn.width - 1, drawn.height - 1
    for one in boxes:
        corners = [share * (width, height)[n % 2] for n, share in enumerate(one.box)]
        draw.rectangle(corners, outline="white", width=3)
        draw.rectangle(corners, outline=one.colour, width=2)
    for one in boxes:  # numbers last: no outline crosses one
        number = str(one.number)
        tag = (draw.textlength(number, font) + 8, 18)
        left, top = (max(0, min(one.box[n] * (width, height)[n], (width, height)[n] - tag[n])) for n in (0, 1))
        draw.rectangle((left, top, left + tag[0], top + tag[1]), fill=one.colour)
        draw.text((left + 4, top + 1), number, "white", font)
    return drawn
