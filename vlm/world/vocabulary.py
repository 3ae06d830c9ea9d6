"""The vocabulary of a world: `vlm/tokenizers/world.json`, made from the whole one and from all that a world can say.

python -m vlm.world.vocabulary
"""

from collections.abc import Iterator
from pathlib import Path

from vlm import vocabulary as vocabularies
from vlm.sample import SPLITS
from vlm.templates import turns_of
from vlm.vocabulary import Vocabulary, read_vocabulary, restrict
from vlm.world.scene import make_scene
from vlm.world.tasks import samples_of

PICTURES = 2_000
"""Of each split: every word, colour, shape and sentence occurs in them many times over."""


def make_vocabulary() -> Vocabulary:
    """What the samples of a world, and boxes anywhere in a picture, are made of."""
    return restrict(read_vocabulary("gpt-neox-20b"), _texts())


def _texts() -> Iterator[str]:
    yield from (f"[{share / 100:.2f},{share / 100:.2f}].\n" for share in range(101))
    for split in SPLITS:
        for index in range(PICTURES):
            for sample in samples_of(make_scene(0, split, index)):
                yield from (turn.text for case in ("kept", "lowered") for turn in turns_of(sample, case))


if __name__ == "__main__":
    folder = Path(vocabularies.__file__).parent / "tokenizers"
    made = make_vocabulary()
    made.tokenizer.save(str(folder / "world.json"), pretty=False)
    print(f"{made.rows} tokens")
