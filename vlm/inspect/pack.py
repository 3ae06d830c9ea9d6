"""The rows of a pack as bars: which samples stand in each, where their pictures and targets are, what is padding."""

import colorsys
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.patches import Rectangle

from training.config import require
from vlm.inspect.drawing import LINE, MARGIN, save, sheet_of_paper, write
from vlm.inspect.page import escaped, require_file, write_page
from vlm.packing import NO_DOCUMENT, Batch, batch_of
from vlm.prompt import UNSCORED, Layout

Run = tuple[int, int]
"""From a token of a row to before another."""


@dataclass(frozen=True)
class Document:
    """A sample in a row."""

    number: int
    """Among the layouts that were packed."""
    id: str
    run: Run
    images: tuple[Run, ...]
    targets: tuple[Run, ...]

    @property
    def hue(self) -> int:
        """In degrees: neighbours are far from each other."""
        return self.number * 137 % 360

    @property
    def counts(self) -> str:
        loss = sum(end - start for start, end in self.targets)
        return f"{self.id}: {self.run[1] - self.run[0]:,} tokens, {loss:,} carry loss"


def inspect_pack(layouts: Sequence[Layout], pack_length: int, out: Path) -> None:
    """Packs samples as in training and draws the rows.

    Args:
        pack_length: most tokens of a row.
        out: a file that ends in .html or .png.

    Raises:
        ConfigError: there are no samples, or `out` cannot be written.
    """
    require_file(out, ".html", ".png")
    require(len(layouts) > 0, "there is no sample to pack: give one or more.")
    batch = batch_of(layouts, pack_length)
    rows = documents_of(batch, layouts)
    summary = (
        f"{batch.samples:,} samples in {len(rows):,} rows of {batch.ids.shape[1]:,} tokens, where {pack_length:,} are "
        f"allowed: {batch.useful:.1%} of the tokens are useful, {1 - batch.useful:.1%} padding."
    )
    (_draw if out.suffix == ".png" else _write)(out, summary, rows, batch.ids.shape[1])


def documents_of(batch: Batch, layouts: Sequence[Layout]) -> list[list[Document]]:
    """What stands in each row of a batch of these layouts."""
    rows = []
    for documents, labels in zip(batch.documents.tolist(), batch.labels.tolist(), strict=True):
        row = []
        for number, start, end in _runs(documents):
            if number != NO_DOCUMENT:
                pieces = (piece for piece in layouts[number].pieces if piece.name == "image")
                images = tuple((start + piece.start, start + piece.end) for piece in pieces)
                scored = _runs(label != UNSCORED for label in labels[start:end])
                targets = tuple((start + first, start + last) for is_target, first, last in scored if is_target)
                row.append(Document(number, layouts[number].sample.id, (start, end), images, targets))
        rows.append(row)
    return rows


def _runs(values: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Each value with where it begins and before where it ends."""
    end = 0
    for value, same in itertools.groupby(values):
        start, end = end, end + sum(1 for _ in same)
        yield value, start, end


LEGEND = "Hatched: picture. Dark strip below: tokens that carry loss. Grey: padding."


def _write(out: Path, summary: str, rows: list[list[Document]], length: int) -> None:
    def place(run: Run, within: Run) -> str:
        whole = within[1] - within[0]
        return f"left:{100 * (run[0] - within[0]) / whole:.4f}%;width:{100 * (run[1] - run[0]) / whole:.4f}%"

    parts = [f'<p>{escaped(summary)}</p><p class="quiet">{LEGEND}</p>']
    for number, row in enumerate(rows):
        bars, names = [], []
        for one in row:
            inside = "".join(f'<i class="hatch" style="{place(run, one.run)}"></i>' for run in one.images)
            inside += "".join(f'<i class="loss" style="{place(run, one.run)}"></i>' for run in one.targets)
            style = f"--hue:{one.hue};{place(one.run, (0, length))}"
            bars.append(
                f'<div class="document" style="{style}" title="{escaped(one.counts)}">{inside}<b>{one.number}</b></div>'
            )
            names.append(
                f'<li><span class="swatch" style="--hue:{one.hue}">{one.number}</span> {escaped(one.counts)}</li>'
            )
        parts.append(f'<h2>Row {number}</h2><div class="row">{"".join(bars)}</div><ul>{"".join(names)}</ul>')
    write_page(out, "A pack", "\n".join(parts))


def _draw(out: Path, summary: str, rows: list[list[Document]], length: int) -> None:
    width, tall = 12.0, 0.45
    heights = [LINE + tall + LINE * -(-len(row) // 2) for row in rows]
    axes = sheet_of_paper(width + 2 * MARGIN, 2 * MARGIN + 2 * LINE + sum(heights))
    scale = width / length
    y = MARGIN + LINE / 2
    write(axes, MARGIN, y, summary, weight="bold")
    write(axes, MARGIN, y + LINE, LEGEND)
    y += 2 * LINE

    def bar(run: Run, top: float, height: float, **looks: object) -> None:
        place = (MARGIN + run[0] * scale, top)
        axes.add_patch(Rectangle(place, (run[1] - run[0]) * scale, height, lw=0, **looks))  # type: ignore[arg-type]

    for row, height in zip(rows, heights, strict=True):
        bar((0, length), y, tall, fc="#b9b9bf")
        for place, one in enumerate(row):
            tint = colorsys.hls_to_rgb(one.hue / 360, 0.82, 0.6)
            bar(one.run, y, tall, fc=tint)
            for run in one.images:
                bar(run, y, tall, fc="none", ec="#77777f", hatch="///")
            for run in one.targets:
                bar(run, y + tall * 0.8, tall * 0.2, fc="#1a1a1e")
            looks = {"fc": tint, "ec": "none", "pad": 0.8}
            write(axes, MARGIN + one.run[0] * scale + 0.03, y + 0.12, str(one.number), weight="bold", bbox=looks)
            x, line = MARGIN + place % 2 * width / 2, y + tall + LINE * (1 + place // 2)
            write(axes, x, line, f"{one.number:3}", weight="bold", bbox=looks)
            write(axes, x + 0.35, line, one.counts[-85:])  # of a long id the end, which differs
        y += height
    save(axes, out)
