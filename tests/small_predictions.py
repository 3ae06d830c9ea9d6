"""Predictions of drawn-up models, for what is done with predictions."""

from collections.abc import Sequence

import numpy as np

from vlm.evaluate.predictions import Prediction, answered

COLOURS, SHAPES = ("red", "green", "blue", "yellow"), ("circle", "square", "star")


def caption(generator: np.random.Generator) -> str:
    """A sentence as the world has them."""
    things = (f"a {generator.choice(COLOURS)} {generator.choice(SHAPES)}" for _ in range(generator.integers(1, 4)))
    return f"There is {' and '.join(things)}."


def box(generator: np.random.Generator) -> str:
    corners = np.sort(generator.random((2, 2)), axis=0).ravel()
    return f"[{','.join(f'{value:.2f}' for value in corners)}]"


ANSWERS = {
    "world-caption": caption,
    "world-vqa": lambda generator: f"{generator.choice(COLOURS)}.",
    "world-choice": lambda generator: f"{generator.choice(list('ABCD'))}.",
    "world-match": lambda generator: f"{bool(generator.integers(2))}.",
    "world-grounding": box,
    "world-reading": lambda generator: f"{generator.choice(['Stop', 'Go', 'Exit'])}.",
}


def predictions(benchmark: str, right: float = 0.6, number: int = 60, seed: int = 0) -> list[Prediction]:
    """What a model says that knows this share of the answers; two questions to a picture, two groups. Questions are the
    same for every share and seed."""
    asked, said = np.random.default_rng(7), np.random.default_rng(seed)
    questions = [
        Prediction(
            id=f"{benchmark}-{index}",
            image=f"images/{index // 2}.png",
            benchmark=benchmark,
            group="held-out" if index % 4 == 3 else "seen",
            kind=("colour", "count")[index % 2] if benchmark == "world-vqa" else "",
            prediction="",
            answers=(ANSWERS[benchmark](asked),),
            score=0.0,
            parsed=False,
        )
        for index in range(number)
    ]
    texts = [one.answers[0] if said.random() < right else ANSWERS[benchmark](said) for one in questions]
    return answered(questions, texts)


def saying(answers: Sequence[str], benchmark: str = "world-vqa", kinds: Sequence[str] = ()) -> list[Prediction]:
    """Questions with these right answers, a picture each, to which nothing was said."""
    return [
        Prediction(
            id=str(index),
            image=f"{index}.png",
            benchmark=benchmark,
            group="",
            kind=kinds[index] if kinds else "",
            prediction="",
            answers=(answer,),
            score=0.0,
            parsed=False,
        )
        for index, answer in enumerate(answers)
    ]
