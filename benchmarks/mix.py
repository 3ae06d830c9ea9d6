"""Lengths as samples of the paper's second stage have them, drawn: to know what packing saves takes no data.

    samples of a task    as many as the paper has of it (reference-facts, 5.2): two thirds are grounded captions
    tokens of a sample   a picture of 24 x 24 patches, the instruction, and so many pieces of so many tokens

A piece is what is left out as a whole where a sample would be longer than `max_length`: a question with its answer, a
region with its box, a turn of a chat. How many there are in a sample is from section 5.4 of the facts; how long they
are was counted by the templates on sentences of usual length (a box is 18 tokens), and estimated for chat.
"""

import random
from dataclasses import dataclass

IMAGE = 601
MAX_LENGTH = 1024


@dataclass(frozen=True, kw_only=True)
class TaskLengths:
    """Text of the samples of one task. Both numbers of a range are among its values, each as likely as any other."""

    samples: int
    instruction: int
    """Tokens."""
    pieces: tuple[int, int] = (1, 1)
    tokens: tuple[int, int]
    """Of a piece."""

    @property
    def mean(self) -> float:
        """Tokens of text, before anything is left out."""
        return self.instruction + sum(self.pieces) / 2 * sum(self.tokens) / 2

    def draw(self, generator: random.Random) -> int:
        """Tokens of text of one sample, in whole pieces; the first one always."""
        pieces = [generator.randint(*self.tokens) for _ in range(generator.randint(*self.pieces))]
        length = self.instruction + pieces[0]
        for piece in pieces[1:]:
            if IMAGE + length + piece > MAX_LENGTH:
                break
            length += piece
        return length


TASKS = {
    # A sentence of 10 to 30 words, with one to three boxes and the marks around what they are of.
    "grounded_captioning": TaskLengths(samples=4_200_000, instruction=14, tokens=(35, 105)),
    "captioning": TaskLengths(samples=588_000, instruction=11, tokens=(9, 21)),
    # Both in chunks of at most ten regions: a box, a phrase, line ends.
    "dense_captioning": TaskLengths(samples=467_000, instruction=8, pieces=(1, 10), tokens=(22, 32)),
    "visual_grounding": TaskLengths(samples=467_000, instruction=8, pieces=(1, 10), tokens=(22, 32)),
    # Five questions a picture in VQAv2, ten in Visual Genome, up to twenty in GQA.
    "vqa": TaskLengths(samples=352_000, instruction=9, pieces=(1, 20), tokens=(14, 24)),
    "chat": TaskLengths(samples=157_000, instruction=15, pieces=(1, 4), tokens=(40, 120)),
    # One question (A-OKVQA; AI2D with what is written in the diagram) to three (Visual7W).
    "multiple_choice_vqa": TaskLengths(samples=127_000, instruction=11, pieces=(1, 3), tokens=(35, 65)),
    "image_text_match": TaskLengths(samples=8_000, instruction=8, tokens=(11, 19)),
}


def draw_lengths(count: int, seed: int = 0) -> list[int]:
    """Tokens of `count` samples in the order of training, which is random over all tasks."""
    generator = random.Random(seed)
    weights = [task.samples for task in TASKS.values()]
    return [IMAGE + task.draw(generator) for task in generator.choices([*TASKS.values()], weights, k=count)]
