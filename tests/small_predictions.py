"""Predictions of drawn-up models, for what is done with predictions."""

from collections.abc import Sequence

import numpy as np

from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.predictions import Prediction, answered

COLOURS, SHAPES = ("red", "green", "blue", "yellow"), ("circle", "square", "star")


def caption(generator: np.random.Generator) -> str:
    """A sentence as the world has them."""
    things = (f"a {generator.choice(COLOURS)} {generator.choice(SHAPES)}" for _ in range(generator.integers(1, 4)))
    return f"There is {' and '.join(things)}."


def box(generator: np.random.Generator) -> str:
    corners = np.sort(generator.random((2, 2)), axis=0).ravel()
    return f"[{','.join(f'{value:.2f}' for value in corners)}]"


def letter(generator: np.random.Generator) -> str:
    return f"{generator.choice(list('ABCD'))}."


OF_TASKS = {
    "captioning": caption,
    "vqa": lambda generator: f"{generator.choice(COLOURS)}.",
    "multiple_choice_vqa": letter,
    "grounded_multiple_choice_vqa": letter,
    "image_text_match": lambda generator: f"{bool(generator.integers(2))}.",
    "visual_grounding": box,
}
ANSWERS = {
    **{name: OF_TASKS[benchmark.task] for name, benchmark in BENCHMARKS.items()},
    **dict.fromkeys(
        (f"pope_{way}" for way in ("adversarial", "popular", "random")),
        lambda generator: f"{generator.choice(['Yes', 'No'])}.",
    ),
    "world-reading": lambda generator: f"{generator.choice(['Stop', 'Go', 'Exit'])}.",
}
"""How an answer to each benchmark is made up."""


def truths(benchmark: str, answer: str) -> tuple[str, ...]:
    """What is right, by one annotator or by ten of them."""
    return (answer,) if BENCHMARKS[benchmark].reads_truths else (answer.lower().removesuffix("."),) * 10


def predictions(benchmark: str, right: float = 0.6, number: int = 60, seed: int = 0) -> list[Prediction]:
    """What a model says that knows this share of the answers; two questions to a picture, two groups. Questions are the
    same for every share and seed."""
    asked, said = np.random.default_rng(7), np.random.default_rng(seed)
    questions = [
        Prediction(
            id=f"{benchmark}-{index}",
            number=str(index),
            image=f"images/{index // 2}.png",
            benchmark=benchmark,
            group="held-out" if index % 4 == 3 else "seen",
            kind=("colour", "count")[index % 2] if benchmark == "world-vqa" else "",
            prediction="",
            answers=truths(benchmark, ANSWERS[benchmark](asked)),
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
            number=str(index),
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
