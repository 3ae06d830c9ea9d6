"""A layout as a row of chips: a token each, and one for the whole image block."""

from dataclasses import dataclass

from vlm.prompt import UNSCORED, Layout
from vlm.vocabulary import Vocabulary

PIECES = ("image", "instruction", "query", "answer")


@dataclass(frozen=True, kw_only=True)
class Chip:
    """What is shown of a token, or of the image block."""

    text: str
    """Line breaks and tabs are signs in it. Part of a character that is several tokens is a replacement sign."""
    piece: str
    """One of PIECES."""
    note: str
    """Its id and place."""
    is_target: bool = False
    """It carries loss."""
    ends_line: bool = False


def chips_of(layout: Layout, vocabulary: Vocabulary, grid: tuple[int, int]) -> list[Chip]:
    """The chips of a layout, in order.

    Args:
        grid: rows and columns of patches, as the layout was made with.
    """
    chips = []
    for piece in layout.pieces:
        if piece.name == "image":
            text = f"### {grid[0]} rows x {grid[1]} columns of patches, && between rows ###"
            count = piece.end - piece.start
            note = f"places {piece.start} to {piece.end - 1}, {grid[0] * grid[1]:,} of them patches"
            chips.append(Chip(text=f"{text} = {count:,} tokens", piece="image", note=note, ends_line=True))
            continue
        for place in range(piece.start, piece.end):
            text = vocabulary.decode([layout.ids[place]])
            is_target = layout.labels[place] != UNSCORED
            chips.append(
                Chip(
                    text=text.replace("\n", "\u21b5").replace("\t", "\u21e5"),
                    piece=piece.name,
                    note=f"id {layout.ids[place]}, place {place}, {piece.name}{', carries loss' if is_target else ''}",
                    is_target=is_target,
                    ends_line="\n" in text or layout.ids[place] == vocabulary.end,
                )
            )
    return chips


def counts_of(layout: Layout) -> str:
    """Its tokens, targets and answers that were cut, in words."""
    return f"{len(layout.ids):,} tokens, of which {layout.targets:,} carry loss; answers cut: {layout.answers_cut}"
