"""What is in a picture: one to four coloured shapes, perhaps a printed word, and the ground behind them.

`make_scene(seed, split, index)` is a pure function. Boxes are shares of the picture from 0 to 1, of four digits, and
keep a gap between each other. The number of objects, the word, and whether there is one, come by exact turns (see
`vlm.world.chance`), so that none of them can be guessed; colours and shapes are each equally likely.

Six combinations of a colour and a shape are held out (`HELD_OUT`): they never occur in train and validation, and every
other picture of test has exactly one object of them. Each shape is held out in one colour, and each colour that is
held out is so with two shapes: what is said falsely of a held-out combination can name the other one.
"""

import itertools
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple, get_args

from vlm.sample import Box, Split
from vlm.world.chance import balanced, stream

Color = Literal["red", "orange", "yellow", "green", "blue", "purple", "pink", "black"]
Shape = Literal["circle", "square", "triangle", "star", "diamond", "cross"]
Size = Literal["small", "large"]
Texture = Literal["plain", "striped", "checked", "speckled", "shaded"]
Tone = tuple[int, int, int]

COLORS: tuple[Color, ...] = get_args(Color)
SHAPES: tuple[Shape, ...] = get_args(Shape)
TEXTURES: tuple[Texture, ...] = get_args(Texture)
_WORDS = """bank bar book box bus cafe cake cold exit farm fish free gym home map milk news open park play pull push
    road sale shop stop sun taxi tea zoo"""
WORDS = tuple(_WORDS.split())
SIDES: dict[Size, tuple[float, float]] = {"small": (0.22, 0.27), "large": (0.33, 0.40)}
"""Shortest and longest side of an object, as shares of the picture: nothing lies between small and large."""
MOST_OBJECTS = 4
LETTER_WIDTH = 0.8
"""Of a printed capital, with its share of the gaps, as a share of its height."""
GAP = 0.02
"""Between boxes, and from a box to the edge of the picture."""


class Combination(NamedTuple):
    """A colour and a shape."""

    color: Color
    shape: Shape


COMBINATIONS = tuple(itertools.starmap(Combination, itertools.product(COLORS, SHAPES)))
HELD_OUT = frozenset(
    {
        Combination("green", "circle"),
        Combination("green", "star"),
        Combination("purple", "square"),
        Combination("purple", "cross"),
        Combination("orange", "triangle"),
        Combination("orange", "diamond"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Object:
    """A coloured shape that touches all four sides of its box, which is a square."""

    combination: Combination
    size: Size
    box: Box

    @property
    def held_out(self) -> bool:
        return self.combination in HELD_OUT

    @property
    def center(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word printed in capitals that touch all four sides of its box."""

    text: str
    box: Box


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A pale texture of two tones; a plain one shows the first alone."""

    texture: Texture
    tones: tuple[Tone, Tone]
    cells: int
    """Stripes or checks along the picture."""
    upright: bool
    """Whether stripes and shading run from left to right."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One picture."""

    seed: int
    split: Split
    index: int
    objects: tuple[Object, ...]
    """From left to right."""
    word: Word | None
    ground: Ground

    @property
    def names(self) -> tuple[int, Split, int]:
        """What the scene is a function of: the names of all chance that belongs to it."""
        return self.seed, self.split, self.index

    @property
    def combinations(self) -> list[Combination]:
        return [thing.combination for thing in self.objects]

    @property
    def held_out(self) -> bool:
        return any(thing.held_out for thing in self.objects)


def make_scene(seed: int, split: Split, index: int) -> Scene:
    """The scene of an index of a split; another seed is another world."""
    rng = stream("scene", seed, split, index)
    count = balanced(range(1, MOST_OBJECTS + 1), index, "count", seed, split)
    text = None
    if balanced((True, False), index, "printed", seed, split):
        # One of any two pictures has a word, so that half the index numbers those that have one.
        text = balanced(WORDS, index // 2, "word", seed, split)
    unseen = split == "test" and balanced((True, False), index, "held out", seed, split)
    combinations = _combinations(rng, count, unseen)
    word_box, sizes, boxes = _layout(rng, count, text)
    objects = [
        Object(combination=combination, size=size, box=box)
        for combination, size, box in zip(combinations, sizes, boxes, strict=True)
    ]
    return Scene(
        seed=seed,
        split=split,
        index=index,
        objects=tuple(sorted(objects, key=lambda thing: thing.center)),
        word=Word(text=text, box=word_box) if text and word_box else None,
        ground=_ground(rng),
    )


def _combinations(rng: Random, count: int, unseen: bool) -> list[Combination]:
    """Of `count` objects: none or exactly one held out, no combination more than twice.

    The colour is drawn before the shape, which makes both equally likely although some combinations are missing.
    """
    drawn = [rng.choice(sorted(HELD_OUT))] if unseen else []
    while len(drawn) < count:
        color = rng.choice(COLORS)
        combination = Combination(color, rng.choice([s for s in SHAPES if Combination(color, s) not in HELD_OUT]))
        if drawn and rng.random() < 0.15:  # Two of a kind, which only their place or size tells apart.
            combination = drawn[-1]
        if drawn.count(combination) < 2 and combination not in HELD_OUT:
            drawn.append(combination)
    return drawn


def _layout(rng: Random, count: int, text: str | None) -> tuple[Box | None, list[Size], list[Box]]:
    """Box of the word, sizes and boxes of the objects. All are drawn anew until each has found a place."""
    while True:
        sizes = [rng.choice(get_args(Size)) for _ in range(count)]
        extents = []
        if text is not None:
            height = rng.uniform(0.12, 0.16)
            extents.append((len(text) * LETTER_WIDTH * height, height))
        extents += [(side, side) for side in (rng.uniform(*SIDES[size]) for size in sizes)]
        if boxes := _placed(rng, extents):
            return (boxes[0], sizes, boxes[1:]) if text is not None else (None, sizes, boxes)


def _placed(rng: Random, extents: list[tuple[float, float]]) -> list[Box]:
    """A box for each width and height, none near another; empty where one finds no place in many attempts."""
    boxes: list[Box] = []
    for width, height in extents:
        for _ in range(40):
            left = round(rng.uniform(GAP, 1 - GAP - width), 4)
            top = round(rng.uniform(GAP, 1 - GAP - height), 4)
            box = (left, top, round(left + width, 4), round(top + height, 4))
            if all(_apart(box, other) for other in boxes):
                boxes.append(box)
                break
        else:
            return []
    return boxes


def _apart(one: Box, other: Box) -> bool:
    return one[2] + GAP <= other[0] or other[2] + GAP <= one[0] or one[3] + GAP <= other[1] or other[3] + GAP <= one[1]


def _ground(rng: Random) -> Ground:
    """Pale, and of little colour, so that every object and word stands out."""
    light = [rng.randint(222, 245) + rng.randint(-10, 10) for _ in range(3)]
    dark = [channel - rng.randint(35, 45) for channel in light]
    return Ground(
        texture=rng.choice(TEXTURES),
        tones=((light[0], light[1], light[2]), (dark[0], dark[1], dark[2])),
        cells=rng.randint(5, 10),
        upright=rng.random() < 0.5,
    )
