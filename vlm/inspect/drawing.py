"""A sample as PNG: the picture and the labels of its boxes on the left, tokens on the right in a typewriter's cells.

Drawn in inches from the top left corner of the figure.
"""

import functools
import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.patches import Rectangle
from PIL import Image

from training.config import require
from vlm.inspect.boxes import LabelledBox
from vlm.inspect.page import TINTS
from vlm.inspect.tokens import PIECES, Chip

MONOSPACED = "DejaVu Sans Mono"
POINTS = 8.0
CELL = 0.602 * POINTS / 72
"""Width of a character of the typeface, in inches."""
LINE = 0.2
MARGIN = 0.2
PICTURE = 3.6
"""Width of the picture, in inches."""
COLUMNS = 110
TALLEST = 200.0
"""Inches of a figure: what is taller is not looked at, and Agg has an end as well."""


def draw_layouts(
    out: Path,
    title: str,
    about: str,
    picture: Image.Image,
    boxes: list[LabelledBox],
    layouts: list[tuple[str, list[Chip]]],
) -> None:
    """Writes the drawing of a sample.

    Args:
        layouts: the counts of each, in words, and its chips.
    """
    legend = [Chip(text=f" {piece} ", piece=piece, note="") for piece in PIECES]
    legend.append(Chip(text=" carries loss ", piece="answer", note="", is_target=True))
    lines: list[str | list[Chip]] = [*textwrap.wrap(about, COLUMNS), legend]
    for counts, chips in layouts:
        lines += ["", f"{counts}.", *_broken(chips)]
    labels = [(one, textwrap.wrap(f"{one.number}  {drawable(one.text)}", int(PICTURE / CELL))) for one in boxes]
    tall = PICTURE * picture.height / picture.width if picture.height < picture.width else PICTURE
    key = sum(len(wrapped) for _, wrapped in labels)
    height = 3 * MARGIN + LINE + max(LINE * len(lines), tall + LINE * (key + 1))
    axes = sheet_of_paper(3 * MARGIN + PICTURE + COLUMNS * CELL, height)
    top = 2 * MARGIN + LINE
    write(axes, MARGIN, MARGIN + LINE / 2, title[:COLUMNS], size=11, weight="bold")
    wide = PICTURE * min(1, picture.width / picture.height)
    axes.imshow(picture, extent=(MARGIN, MARGIN + wide, top + tall, top), aspect="auto", interpolation="none")
    y = top + tall + LINE
    for one, wrapped in labels:
        for text in wrapped:
            write(axes, MARGIN, y, text, color=one.colour)
            y += LINE
    left = 2 * MARGIN + PICTURE
    for number, line in enumerate(lines):
        y = top + LINE * (number + 0.5)
        if isinstance(line, str):
            write(axes, left, y, line)
        else:
            _draw_chips(axes, left, y, line)
    save(axes, out)


def sheet_of_paper(width: float, height: float) -> Axes:
    """Axes over a whole white figure of so many inches, y downwards.

    Raises:
        ConfigError: it would be too tall.
    """
    require(height <= TALLEST, "there is too much for one PNG: name a file that ends in .html.")
    axes = Figure(figsize=(width, height), facecolor="white").add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    # imshow would set limits of its own.
    axes.set_autoscale_on(False)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return axes


def write(axes: Axes, x: float, y: float, text: str, **looks: object) -> None:
    """Text as it is, without the formulas that `$` would begin."""
    looks = {"family": MONOSPACED, "size": POINTS, "va": "center", "parse_math": False, **looks}
    axes.text(x, y, drawable(text), **looks)  # type: ignore[arg-type]


def save(axes: Axes, out: Path) -> None:
    """Writes the figure; its folder is made where it is missing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    axes.figure.savefig(out, dpi=120)  # type: ignore[union-attr]


@functools.lru_cache(2**12)
def drawable(text: str) -> str:
    """The text with what the typeface lacks as `\\u` and a number."""
    font = get_font(findfont(MONOSPACED))
    return "".join(sign if font.get_char_index(ord(sign)) else f"\\u{ord(sign):04x}" for sign in text)


def _broken(chips: list[Chip]) -> list[list[Chip]]:
    """The chips in lines of at most COLUMNS characters."""
    lines: list[list[Chip]] = [[]]
    used = 0
    for chip in chips:
        width = len(drawable(chip.text))
        if lines[-1] and used + width > COLUMNS:
            lines.append([])
            used = 0
        lines[-1].append(chip)
        used += width
        if chip.ends_line:
            lines.append([])
            used = 0
    return [line for line in lines if line]


def _draw_chips(axes: Axes, x: float, y: float, chips: list[Chip]) -> None:
    for chip in chips:
        width = CELL * len(drawable(chip.text))
        place = (x, y - LINE * 0.42)
        hatch = "//" if chip.piece == "image" else None
        tint = TINTS[chip.piece][0]
        axes.add_patch(
            Rectangle(place, width - 0.012, LINE * 0.84, fc=tint, ec="#c2c2cc" if hatch else tint, hatch=hatch, lw=0)
        )
        if chip.is_target:
            axes.add_patch(Rectangle((x, y + LINE * 0.34), width - 0.012, LINE * 0.1, fc="#14701f", lw=0))
        write(axes, x, y, chip.text, weight="bold" if chip.is_target else "normal")
        x += width
