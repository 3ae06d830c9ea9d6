"""One sample as the model reads it: its picture with boxes, and its tokens by piece, those that carry loss marked."""

from pathlib import Path

from training.config import require
from vlm.dataset import open_split
from vlm.inspect.boxes import boxes_of, with_boxes
from vlm.inspect.drawing import draw_layouts
from vlm.inspect.page import escaped, figure_of, legend, require_file, write_page
from vlm.inspect.tokens import Chip, chips_of, counts_of
from vlm.prompt import Order, lay_out, singles
from vlm.sample import Sample, Split
from vlm.samples import Samples
from vlm.templates import Case
from vlm.vocabulary import Vocabulary

SIDE = 480
"""Pixels of the longer side of the picture that is shown."""


def inspect_sample(
    folder: str | Path,
    split: Split,
    which: int | str,
    *,
    order: Order,
    vocabulary: Vocabulary,
    grid: tuple[int, int],
    case: Case = "kept",
    max_length: int | None = None,
    out: Path,
) -> None:
    """Draws a sample of a folder. In the order query-first each of its questions or regions is a layout of its own.

    Args:
        which: its number in the split, from 0 on, or its id.
        grid: rows and columns of patches.
        max_length: most tokens, as in training: answers that do not fit are cut, and counted.
        out: a file that ends in .html (with the id of each token under the pointer) or .png.

    Raises:
        ConfigError: there is no such sample, its picture cannot be read, it cannot be laid out, or `out` cannot be
            written.
    """
    require_file(out, ".html", ".png")
    samples = open_split(folder, split)
    sample = _find(samples, which, f"{folder}, {split},")
    parts = singles(sample) if order == "query-first" else [sample]
    layouts = [
        lay_out(part, order, vocabulary, grid, case=case, max_length=max_length, with_answers=part.answered)
        for part in parts
    ]
    shown = [(counts_of(layout), chips_of(layout, vocabulary, grid)) for layout in layouts]
    image = samples.picture(sample.image)
    boxes = boxes_of(sample)
    picture = with_boxes(image, boxes, SIDE)
    size = f"{image.width:,} x {image.height:,} pixels"
    facts = [sample.task, sample.source, sample.group, order, f"{sample.image}, {size}"]
    about = " | ".join(filter(None, facts))
    if out.suffix == ".png":
        draw_layouts(out, sample.id, about, picture, boxes, shown)
        return
    layouts_shown = "".join(f'<p>{counts}.</p><div class="tokens">{_chips(chips)}</div>' for counts, chips in shown)
    body = f'<p class="quiet">{escaped(about)}</p><div class="sample">{figure_of(picture, boxes)}'
    write_page(out, sample.id, f"{body}<div>{legend()}{layouts_shown}</div></div>")


def _find(samples: Samples, which: int | str, where: str) -> Sample:
    if isinstance(which, int):
        require(0 <= which < len(samples), f"{where} holds samples 0 to {len(samples) - 1:,}, and not {which:,}.")
        return samples[which]
    number = next((n for n, name in enumerate(samples.texts("id")) if name == which), None)
    require(number is not None, f"{where} has no sample with the id {which!r}: give an id that is in it, or a number.")
    return samples[number or 0]


def _chips(chips: list[Chip]) -> str:
    # A line break between two would be shown as a space that is in neither.
    return "".join(
        f'<span class="token {chip.piece}{" target" * chip.is_target}{" hatch" * (chip.piece == "image")}"'
        f' title="{escaped(chip.note)}">{escaped(chip.text)}</span>{"<br/>" * chip.ends_line}'
        for chip in chips
    )
