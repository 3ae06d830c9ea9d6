"""Samples of all task groups from a scene (reference-facts, section 4; paper, Table 6).

    source             task                   about
    world-caption      captioning             all objects, the word, the ground; `references` are other true wordings
    world-vqa          vqa                    see `vlm.world.questions`
    world-reading      vqa                    the word, where there is one
    world-choice       multiple_choice_vqa    see `vlm.world.questions`
    world-match        image_text_match       a statement that is true, or false in one attribute
    world-grounding    visual_grounding       referring expression -> box
    world-dense        dense_captioning       box -> phrase
    world-grounded     grounded_captioning    the caption with boxes

In train all questions or regions of a picture are turns of one sample, and a picture has a true and a false statement.
In validation and test each sample has one turn, so that each prediction stands alone, and statements are true and
false by turns. `group` is "held-out" where a sample is about a held-out combination, and "seen" elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from vlm.sample import Box, Question, Region, Sample
from vlm.world import questions
from vlm.world.chance import stream
from vlm.world.phrases import (
    expression,
    ground_phrase,
    joined,
    listing,
    named,
    phrase,
    relation,
    sized_phrase,
    word_phrase,
)
from vlm.world.questions import mistaken, some_object, turn
from vlm.world.scene import TEXTURES, WORDS, Scene

SOURCES = (
    "world-caption",
    "world-vqa",
    "world-reading",
    "world-choice",
    "world-match",
    "world-grounding",
    "world-dense",
    "world-grounded",
)


def image_path(scene: Scene) -> str:
    """Where the picture of a scene lies in the folder of its world."""
    return f"images/{scene.split}/{scene.index:06d}.png"


def samples_of(scene: Scene) -> list[Sample]:
    """All samples of a picture, in the order of `SOURCES`."""
    wordings = captions(scene)
    text, boxes = grounded_caption(scene)
    read = questions.reading(scene)
    described = [(Region(box=t.box, phrase=sized_phrase(t)), t.held_out) for t in scene.objects]
    if scene.word:
        described.append((Region(box=scene.word.box, phrase=word_phrase(scene.word.text)), False))
    return [
        _sample(scene, "world-caption", scene.held_out, task="captioning", caption=wordings[0], references=wordings),
        *_turns(scene, "world-vqa", questions.open_questions(scene), task="vqa", of="questions"),
        *_turns(scene, "world-reading", [(read, False)] if read else [], task="vqa", of="questions"),
        *_turns(scene, "world-choice", questions.choices(scene), task="multiple_choice_vqa", of="questions"),
        *_matches(scene),
        *_turns(
            scene,
            "world-grounding",
            [(Region(box=t.box, phrase=expression(scene, t)), t.held_out) for t in scene.objects],
            task="visual_grounding",
            of="regions",
        ),
        *_turns(scene, "world-dense", described, task="dense_captioning", of="regions"),
        _sample(scene, "world-grounded", scene.held_out, task="grounded_captioning", caption=text, boxes=boxes),
    ]


def captions(scene: Scene) -> tuple[str, ...]:
    """Five true captions, all different. The first is the one to learn: objects from left to right, word, ground."""
    ground = ground_phrase(scene.ground)
    across, down = scene.objects, sorted(scene.objects, key=lambda thing: thing.center[1])
    backwards, upwards = across[::-1], down[::-1]
    return (
        f"{listing(scene, across)} on {ground}",
        f"{ground} with {listing(scene, down)}",
        f"there is {listing(scene, backwards)} on {ground}",
        f"a picture of {listing(scene, upwards)}",
        f"{listing(scene, down)} in front of {ground}",
    )


def grounded_caption(scene: Scene) -> tuple[str, tuple[Box, ...]]:
    """The first caption with `<coords_k>` in it, and the boxes that these stand for."""
    entities = list(zip(named(scene.objects), [thing.box for thing in scene.objects], strict=True))
    if scene.word:
        entities.append((word_phrase(scene.word.text), scene.word.box))
    marked = [f"||{name} <coords_{k}>||" for k, (name, _) in enumerate(entities)]
    return f"{joined(marked)} on {ground_phrase(scene.ground)}", tuple(box for _, box in entities)


def statement(scene: Scene, true: bool) -> tuple[str, bool]:
    """Something about the picture that is true, or false in one attribute; and whether it is about a held-out
    combination. It is about an object, two of them, the word or the ground."""
    purpose = f"statement/{true}"
    thing = some_object(scene, purpose)
    others = [other for other in scene.objects if other.combination != thing.combination]
    rng = stream(purpose, *scene.names)
    match rng.choice(["object"] + ["relation"] * bool(others) + ["word"] * bool(scene.word) + ["ground"]):
        case "relation":
            other = rng.choice(others)
            side = relation(thing, other)[0 if true else 1]
            return f"{expression(scene, thing)} is {side} {expression(scene, other)}", thing.held_out or other.held_out
        case "word" if scene.word:
            said = scene.word.text
            return f'the word says "{said if true else _other(WORDS, said, rng.choice)}"', False
        case "ground":
            texture = scene.ground.texture
            return f"the background is {texture if true else _other(TEXTURES, texture, rng.choice)}", False
        case _:
            combination = thing.combination if true else mistaken(scene, thing, purpose)
            return f"there is {phrase(combination)}", thing.held_out


def _matches(scene: Scene) -> Iterator[Sample]:
    wanted = (True, False) if scene.split == "train" else (turn(scene, (True, False), "match"),)
    for number, true in enumerate(wanted):
        text, held_out = statement(scene, true)
        yield _sample(
            scene, "world-match", held_out, number=number, task="image_text_match", caption=text, matches=true
        )


def _turns(
    scene: Scene, source: str, asked: Iterable[tuple[Question | Region, bool]], *, of: str, **settings: Any
) -> Iterator[Sample]:
    """One sample of all turns in train, one of each elsewhere; none where there is nothing to ask.

    Turns are shuffled, because one can give away what is asked after it: objects from left to right, whose boxes can
    only move to the right, or an orange cross, where the colour of the cross is asked next.
    """
    turns = list(asked)
    stream("turns", source, *scene.names).shuffle(turns)
    parts = [turns] if scene.split == "train" and turns else [[one] for one in turns]
    for number, part in enumerate(parts):
        held_out = any(about for _, about in part)
        yield _sample(scene, source, held_out, number=number, **{of: tuple(one for one, _ in part)}, **settings)


def _sample(scene: Scene, source: str, held_out: bool, *, number: int = 0, **settings: Any) -> Sample:
    return Sample(
        id=f"{scene.split}/{scene.index:06d}/{source}/{number}",
        image=image_path(scene),
        source=source,
        group="held-out" if held_out else "seen",
        **settings,
    )


def _other(choices: Sequence[str], than: str, choose: Callable[[list[str]], str]) -> str:
    return choose([choice for choice in choices if choice != than])
