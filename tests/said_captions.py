"""Captions and references as word statistics have them: what somebody says of a picture, and what a model does.

Words are drawn by rank, as frequent as in any text, and the references of a picture share a subject. Some captions are
empty, of one word, of nothing but marks, repeated over and over, or one of their references.
"""

import numpy as np

NOUNS = [
    "man",
    "woman",
    "dog",
    "cat",
    "horse",
    "street",
    "table",
    "plate",
    "bus",
    "train",
    "kitchen",
    "bed",
    "sign",
    "clock",
    "tree",
    "beach",
    "wave",
    "ball",
    "field",
    "tower",
]
OTHERS = [
    "a",
    "the",
    "of",
    "on",
    "in",
    "with",
    "and",
    "is",
    "are",
    "two",
    "red",
    "blue",
    "large",
    "small",
    "sitting",
    "standing",
    "riding",
    "holding",
    "playing",
    "next",
    "to",
    "front",
    "top",
    "down",
    "people",
    "group",
    "some",
    "their",
    "his",
    "it's",
    "at",
    "by",
    "near",
    "white",
    "black",
    "wooden",
    "old",
    "young",
    "parked",
    "flying",
    "eating",
    "looking",
]


def _words(generator, subjects, number):
    rank = 1 / np.arange(1, len(OTHERS) + 1)
    others = generator.choice(OTHERS, size=number, p=rank / rank.sum())
    return [str(generator.choice(subjects)) if generator.random() < 0.4 else str(word) for word in others]


def sentence(generator, subjects):
    """A sentence about these, with the marks that people set."""
    words = _words(generator, subjects, int(generator.integers(4, 16)))
    if generator.random() < 0.2:
        words[int(generator.integers(len(words)))] += ","
    if generator.random() < 0.05:
        words[-1] += "'s"
    if generator.random() < 0.05:
        words.insert(2, "black-and-white")
    words.append(str(generator.choice(subjects)))
    return " ".join(words).capitalize() + str(generator.choice([".", "", " .", "!"], p=[0.7, 0.2, 0.05, 0.05]))


def said_captions(number, seed=0, most=5):
    """A caption and one to `most` references for each of so many pictures: n texts and n tuples of texts."""
    generator = np.random.default_rng(seed)
    captions, references = [], []
    for _ in range(number):
        subjects = generator.choice(NOUNS, size=3, replace=False)
        some = [sentence(generator, subjects) for _ in range(generator.integers(1, most + 1))]
        kind = generator.random()
        if kind < 0.02:
            caption = str(generator.choice(["", ".", "...", "  "]))
        elif kind < 0.05:
            caption = str(generator.choice(subjects))
        elif kind < 0.08:
            caption = " ".join(["a", *_words(generator, subjects, 2)] * 12)
        elif kind < 0.15:
            caption = some[-1]
        else:
            caption = sentence(generator, subjects)
        if generator.random() < 0.01:
            some[0] = str(generator.choice(["", "!", "dog"]))
        captions.append(caption)
        references.append(tuple(some))
    # The Java tokenizer leaves a last line out where it is empty.
    captions[-1], references[-1] = sentence(generator, NOUNS), (sentence(generator, NOUNS),)
    return captions, references
