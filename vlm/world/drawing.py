"""A scene as a picture: size x size pixels, RGB, drawn with Pillow alone.

Everything is drawn at four times the size and averaged, so that edges are smooth and equal on every machine. The font
is the scalable one inside Pillow, laid out by Pillow itself (the library that it would prefer is not on every machine),
and a word is scaled to its box, so that no box depends on a font.
"""

import math
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from vlm.sample import Box
from vlm.world.chance import stream
from vlm.world.scene import Color, Scene, Shape, Tone, Word

FINER = 4
"""Pixels drawn for one of the picture, in each direction."""
INKS: dict[Color, Tone] = {
    "red": (215, 30, 35),
    "orange": (255, 135, 0),
    "yellow": (250, 220, 20),
    "green": (30, 150, 60),
    "blue": (35, 85, 220),
    "purple": (125, 40, 165),
    "pink": (255, 125, 190),
    "black": (25, 25, 25),
}
WORD_INK: Tone = (25, 25, 25)
LETTERS, STROKE = 96, 4
"""Size at which words are laid out, and how much bolder than the font they are, in pixels."""


def draw(scene: Scene, size: int) -> Image.Image:
    """The picture of a scene."""
    side = size * FINER
    picture = _ground(scene, side)
    pen = ImageDraw.Draw(picture)
    for thing in scene.objects:
        left, top, right, bottom = _pixels(thing.box, side)
        ink, outline = INKS[thing.combination.color], _outline(thing.combination.shape)
        if outline:
            pen.polygon([(left + x * (right - left), top + y * (bottom - top)) for x, y in outline], fill=ink)
        else:
            pen.ellipse((left, top, right, bottom), fill=ink)
    if scene.word is not None:
        _print(picture, scene.word)
    return picture.resize((size, size), Image.Resampling.BOX)


def _pixels(box: Box, side: int) -> tuple[int, int, int, int]:
    """First and last pixel that belong to a box, in each direction."""
    left, top, right, bottom = (round(share * side) for share in box)
    return left, top, right - 1, bottom - 1


@cache
def _outline(shape: Shape) -> tuple[tuple[float, float], ...]:
    """Corners as shares of a box that they touch on all sides; none for the circle."""
    match shape:
        case "circle":
            return ()
        case "square":
            return (0, 0), (1, 0), (1, 1), (0, 1)
        case "triangle":
            return (0.5, 0), (1, 1), (0, 1)
        case "diamond":
            return (0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)
        case "cross":
            a, b = 0.33, 0.67
            return (a, 0), (b, 0), (b, a), (1, a), (1, b), (b, b), (b, 1), (a, 1), (a, b), (0, b), (0, a), (a, a)
        case "star":
            turns = [math.pi * k / 5 for k in range(10)]
            radii = [1 if k % 2 == 0 else 0.45 for k in range(10)]
            xs = [radius * math.sin(turn) for radius, turn in zip(radii, turns, strict=True)]
            ys = [-radius * math.cos(turn) for radius, turn in zip(radii, turns, strict=True)]
            return tuple(
                ((x - min(xs)) / (max(xs) - min(xs)), (y - min(ys)) / (max(ys) - min(ys)))
                for x, y in zip(xs, ys, strict=True)
            )


def _print(picture: Image.Image, word: Word) -> None:
    left, top, right, bottom = _pixels(word.box, picture.width)
    letters = _letters(word.text.upper()).resize((right + 1 - left, bottom + 1 - top))
    picture.paste(WORD_INK, (left, top), letters)


@cache
def _letters(text: str) -> Image.Image:
    """A mask of the text, cut to its ink."""
    font = ImageFont.load_default(LETTERS)
    assert isinstance(font, ImageFont.FreeTypeFont)
    font = font.font_variant(layout_engine=ImageFont.Layout.BASIC)
    page = Image.new("L", (LETTERS * (len(text) + 1), LETTERS * 2))
    ImageDraw.Draw(page).text((LETTERS // 4, LETTERS // 4), text, fill=255, font=font, stroke_width=STROKE)
    return page.crop(page.getbbox())


def _ground(scene: Scene, side: int) -> Image.Image:
    """The two tones, the second of them as thick as a mask says."""
    light, dark = (Image.new("RGB", (side, side), tone) for tone in scene.ground.tones)
    light.paste(dark, (0, 0), _texture(scene).resize((side, side), Image.Resampling.NEAREST))
    return light


def _texture(scene: Scene) -> Image.Image:
    """A mask of the second tone, of any size."""
    ground = scene.ground
    cells = ground.cells * 2
    match ground.texture:
        case "plain":
            return Image.new("L", (1, 1))
        case "striped":
            mask = Image.frombytes("L", (cells, 1), bytes(255 * (k % 2) for k in range(cells)))
        case "checked":
            odd = (255 * ((x + y) % 2) for y in range(ground.cells) for x in range(ground.cells))
            mask = Image.frombytes("L", (ground.cells, ground.cells), bytes(odd))
        case "speckled":
            cells = ground.cells * 6
            mask = Image.frombytes("L", (cells, cells), stream("speckles", *scene.names).randbytes(cells * cells))
        case "shaded":
            mask = Image.frombytes("L", (256, 1), bytes(range(256)))
    return mask if ground.upright else mask.transpose(Image.Transpose.ROTATE_90)
