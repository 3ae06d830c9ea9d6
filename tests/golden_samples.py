"""Samples as a reader makes them, and as a model reads them."""

from itertools import groupby
from pathlib import Path

from vlm.data.data_set import DataSet
from vlm.data.how import How
from vlm.data.source import Source
from vlm.data.tally import Tally
from vlm.prompt import PATCH, UNSCORED, lay_out
from vlm.sample import Sample, Split
from vlm.vocabulary import read_vocabulary


def source_of(data_set: DataSet, root: Path, split: Split, scratch: Path = Path(), **how) -> Source:
    return Source(root=root, folder=data_set.folder, split=split, how=How(**how), scratch=scratch)


def read_all(data_set: DataSet, root: Path, split: Split, scratch: Path = Path(), **how) -> tuple[list[Sample], Tally]:
    """All samples of a split, in their order, and what was counted."""
    source = source_of(data_set, root, split, scratch, **how)
    if data_set.before is not None:
        data_set.before(source)
    samples = []
    for piece in data_set.pieces(source.path, split):
        source.piece = piece
        samples += data_set.read(source)
    return samples, source.tally


def spoken(sample: Sample, order="task-agnostic", case="kept", **others) -> list[str]:
    """The token ids as text: what carries loss with a star before it, the picture (2 x 2 patches) as IMAGE."""
    vocabulary = read_vocabulary("gpt-neox-20b")
    layout = lay_out(sample, order, vocabulary, (2, 2), case=case, **others)
    image = next(piece for piece in layout.pieces if piece.name == "image")
    assert layout.ids[image.start : image.end] == (4118, PATCH, PATCH, 10494, PATCH, PATCH, 4118)

    def part(place: int) -> str:
        if image.start <= place < image.end:
            return "image"
        return "text" if layout.labels[place] == UNSCORED else "loss"

    parts = []
    for kind, places in groupby(range(len(layout.ids)), part):
        if kind == "image":
            parts.append("IMAGE")
            continue
        text = vocabulary.decode(layout.ids[place] for place in places)
        parts.append("*" * (kind == "loss") + text)
    return parts
