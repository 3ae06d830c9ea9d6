"""Boxes in answers: reading them, how far two overlap, and the one box that is right most often.

A box is x1, y1, x2, y2 as shares of the picture's width and height, which is the one space that boxes are compared in.
Overlap is a ratio of areas, so it is the same in pixels (reference-facts, 7.4). What is read is neither clamped to the
picture nor put in order: a box whose corners are in the wrong order names no part of a picture and counts as unread.
"""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlm.sample import Box

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
THRESHOLD = 0.5
"""A box is right when it overlaps the true one by more than this, and not by just as much."""
ROUNDING = 1e-9
"""An overlap of just as much can come out this much higher."""
STEP = 0.05
"""Of the grid on which the best constant box is sought."""


def parse_box(text: str) -> Box | None:
    """The box between the first `[` and the first `]` behind it: exactly four finite numbers, separated by commas, with
    x1 <= x2 and y1 <= y2. None where there is no such box."""
    found = re.search(r"\[([^]]*)\]", text)
    parts = found[1].split(",") if found else []
    if len(parts) != 4 or not all(NUMBER.fullmatch(part) for part in parts):
        return None
    x1, y1, x2, y2 = map(float, parts)
    return (x1, y1, x2, y2) if all(map(math.isfinite, (x1, y1, x2, y2))) and x1 <= x2 and y1 <= y2 else None


def exact_box_text(box: Box) -> str:
    """A box as text that `parse_box` reads back to the last digit."""
    return f"[{','.join(repr(float(value)) for value in box)}]"


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, from 0 to 1; 0 where neither has an area."""
    return float(_overlaps(np.array([a], dtype=np.float64), np.array([b], dtype=np.float64))[0, 0])


def hits(boxes: Sequence[Box | None], truths: Sequence[Box]) -> list[float]:
    """1 where a box overlaps the true one by more than half, otherwise 0; so, too, where none could be read."""
    return [float(a is not None and iou(a, b) > THRESHOLD + ROUNDING) for a, b in zip(boxes, truths, strict=True)]


def best_box(truths: Sequence[Box]) -> Box:
    """The box that is right of the most of these, among all whose corners lie on a grid and these themselves; the first
    of several."""
    ticks = np.linspace(0, 1, round(1 / STEP) + 1)
    lows, highs = (ticks[part] for part in np.triu_indices(len(ticks), k=1))
    x, y = (part.ravel() for part in np.meshgrid(np.arange(len(lows)), np.arange(len(lows))))
    grid = np.stack([lows[x], lows[y], highs[x], highs[y]], axis=1)
    candidates = np.concatenate([grid, np.unique(np.array(truths), axis=0)])
    parts = np.array_split(candidates, 1 + len(candidates) * len(truths) // 1_000_000)
    right = np.concatenate([(_overlaps(part, np.array(truths)) > THRESHOLD + ROUNDING).sum(axis=1) for part in parts])
    x1, y1, x2, y2 = candidates[right.argmax()].tolist()
    return x1, y1, x2, y2


def _overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each of `a` (n x 4) with each of `b` (m x 4): n x m."""
    wide = np.minimum(a[:, None, 2], b[:, 2]) - np.maximum(a[:, None, 0], b[:, 0])
    high = np.minimum(a[:, None, 3], b[:, 3]) - np.maximum(a[:, None, 1], b[:, 1])
    both = np.maximum(wide, 0) * np.maximum(high, 0)
    union = _areas(a)[:, None] + _areas(b) - both
    return np.asarray(np.divide(both, union, out=np.zeros_like(both), where=union > 0))


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of boxes (n x 4): n."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
