"""Boxes of others, in one space: shares of the picture, as all of ours, or pixels.

Overlap is a ratio of areas and the same in both, as long as the predicted and the true box are in one of them
(reference-facts, 7.4). Which it is, is said by whoever scores, and held against the numbers: nothing is converted.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

from vlm.evaluate.files.contents import beginning_of
from vlm.evaluate.files.truth import FileError
from vlm.evaluate.metrics.boxes import exact_box_text, parse_box
from vlm.sample import Box

Coordinates = Literal["shares", "pixels"]
COORDINATES: tuple[Coordinates, ...] = get_args(Coordinates)


def as_box_text(value: Any, place: str) -> str:
    """A box as text: text as it is, and four numbers as `[x1,y1,x2,y2]`.

    Raises:
        FileError: it is neither.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise FileError(f"{place} should be a box, as text or as four numbers, and is {beginning_of(value)}.")
    x1, y1, x2, y2 = map(float, value)
    return exact_box_text((x1, y1, x2, y2))


def require_one_space(name: str, said: Iterable[str], true: Iterable[str], declared: Coordinates) -> None:
    """Predicted and true boxes are in the space that was declared, as far as they can be read.

    Args:
        name: of the file of predictions.

    Raises:
        FileError: they are not.
    """
    found_said, found_true = _space(said), _space(true)
    of_said, of_true = found_said or found_true or declared, found_true or found_said or declared
    if of_said != of_true:
        raise FileError(
            f"{name} has its boxes in {of_said} and the true ones are in {of_true}: that cannot be scored without the "
            "sizes of the pictures, so write both in one of the two."
        )
    if of_said != declared:
        raise FileError(f"{name} has its boxes in {of_said}, and not in {declared}: say --coordinates {of_said}.")


def _space(texts: Iterable[str]) -> Coordinates | None:
    """What most boxes are in: shares do not go beyond 1, but for a slip of a model. None where no box can be read."""
    boxes: Sequence[Box] = [box for text in texts if (box := parse_box(text)) is not None]
    if not boxes:
        return None
    return "pixels" if sum(max(box) > 1 for box in boxes) * 2 > len(boxes) else "shares"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e308
