"""What a person would call the things of a scene. Full stops and the first capital are added where prompts are made.

noun          red circle
phrase        a red circle, an orange square
expression    the red circle, the small red circle, the left red circle: names this object and no other
listing       a red circle, a blue square and another red circle
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from vlm.world.scene import Combination, Ground, Object, Scene

Place = Literal["top left", "top right", "bottom left", "bottom right"]
PLACES: tuple[Place, ...] = ("top left", "top right", "bottom left", "bottom right")
MIDDLE = 0.08
"""A center as near as this to a middle line of the picture is neither left nor right, or neither top nor bottom."""


def noun(combination: Combination) -> str:
    return f"{combination.color} {combination.shape}"


def with_article(text: str) -> str:
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def phrase(combination: Combination) -> str:
    return with_article(noun(combination))


def sized_phrase(thing: Object) -> str:
    return with_article(f"{thing.size} {noun(thing.combination)}")


def word_phrase(text: str) -> str:
    return f'the word "{text}"'


def ground_phrase(ground: Ground) -> str:
    return f"a {ground.texture} background"


def joined(parts: Sequence[str]) -> str:
    """Several as one enumeration: x, y and z."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def named(things: Iterable[Object]) -> list[str]:
    """A phrase for each object, in this order; the second of a kind is another one."""
    names: list[str] = []
    for thing in things:
        name = phrase(thing.combination)
        names.append(f"another {noun(thing.combination)}" if name in names else name)
    return names


def listing(scene: Scene, things: Iterable[Object]) -> str:
    """Objects in this order, and the word after them."""
    return joined(named(things) + ([word_phrase(scene.word.text)] if scene.word else []))


def expression(scene: Scene, thing: Object) -> str:
    """What names this object among all of the scene, by its size or place where there are two of its combination."""
    name = noun(thing.combination)
    others = [other for other in scene.objects if other.combination == thing.combination and other is not thing]
    if not others:
        return f"the {name}"
    if others[0].size != thing.size:
        return f"the {thing.size} {name}"
    return f"the {_side(thing, others[0])} {name}"


def _side(thing: Object, other: Object) -> str:
    """Where an object is, seen from another: along the axis on which their centers are farther apart."""
    (x, y), (other_x, other_y) = thing.center, other.center
    if abs(x - other_x) > abs(y - other_y):
        return "left" if x < other_x else "right"
    return "upper" if y < other_y else "lower"


def relation(thing: Object, other: Object) -> tuple[str, str]:
    """Where an object is, seen from another, and the opposite."""
    sides = ("to the left of", "to the right of"), ("above", "below")
    side = _side(thing, other)
    here, opposite = sides[side in ("upper", "lower")]
    return (here, opposite) if side in ("left", "upper") else (opposite, here)


def place(thing: Object) -> Place | None:
    """The quarter of the picture that an object is in; None where it is near a middle line."""
    x, y = thing.center
    if min(abs(x - 0.5), abs(y - 0.5)) <= MIDDLE:
        return None
    return PLACES[2 * (y > 0.5) + (x > 0.5)]
