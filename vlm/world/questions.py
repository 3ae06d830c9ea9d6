"""Questions about a scene, with their answers: open ones, and with four options to choose from.

What a question is about is drawn by chance that belongs to the scene; where a scene has an object of a held-out
combination, questions about an object are about that one wherever they can be. Answers are kept from being guessable:
yes and no, and the place of the right option, come by exact turns, and what is not in the picture is always named as
one that differs in its colour or its shape alone from one that is, and is held out exactly if that one is. So no model
can tell yes from no by what it has never read.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from vlm.sample import Question
from vlm.world.chance import balanced, stream
from vlm.world.phrases import PLACES, expression, noun, phrase, place
from vlm.world.scene import COLORS, COMBINATIONS, HELD_OUT, MOST_OBJECTS, WORDS, Combination, Object, Scene

T = TypeVar("T")
OPTIONS = 4


class Asked(NamedTuple):
    """A question, and whether it is about a held-out combination."""

    question: Question
    held_out: bool


def target(scene: Scene, purpose: str, fits: Callable[[Object], bool] = lambda thing: True) -> Object | None:
    """The object that something is about, among those that fit: the held-out one where it does. None if none fits."""
    fitting = [thing for thing in scene.objects if fits(thing)]
    fitting = [thing for thing in fitting if thing.held_out] or fitting
    return stream("target", purpose, *scene.names).choice(fitting) if fitting else None


def some_object(scene: Scene, purpose: str) -> Object:
    """As `target`, of all objects."""
    found = target(scene, purpose)
    assert found is not None
    return found


def absent(scene: Scene, thing: Object) -> list[Combination]:
    """Combinations that are not in the picture, and held out exactly if that of this object is."""
    return [
        other for other in COMBINATIONS if other not in scene.combinations and (other in HELD_OUT) == thing.held_out
    ]


def mistaken(scene: Scene, thing: Object, purpose: str) -> Combination:
    """What this object could be mistaken for: of those `absent`, one that shares its colour or its shape."""
    color, shape = thing.combination
    near = [other for other in absent(scene, thing) if (other.color == color) != (other.shape == shape)]
    return stream("mistaken", purpose, *scene.names).choice(near)


def turn(scene: Scene, choices: Sequence[T], purpose: str) -> T:
    """One of the choices, each as often as the others over the scenes of a split."""
    return balanced(choices, scene.index, purpose, scene.seed, scene.split)


def open_questions(scene: Scene) -> list[Asked]:
    """One of each kind that the scene allows: color, shape, position, count, and yes/no, which is answered with yes
    in one scene and with no in the next."""
    asked = []
    if thing := _of_its_own(scene, "shape", "color"):
        color, shape = thing.combination
        asked.append(
            Asked(Question(question=f"What color is the {shape}?", answer=color, kind="color"), thing.held_out)
        )
    if thing := _of_its_own(scene, "color", "shape"):
        color, shape = thing.combination
        question = f"What shape is the {color} object?"
        asked.append(Asked(Question(question=question, answer=shape, kind="shape"), thing.held_out))
    if thing := target(scene, "position", _has_a_place):
        asked.append(Asked(_where(scene, thing), thing.held_out))
    asked.append(Asked(_how_many(scene), scene.held_out))
    asked.append(yes_or_no(scene, turn(scene, (True, False), "yes")))
    return asked


def yes_or_no(scene: Scene, yes: bool) -> Asked:
    """Whether there is an object, answered as is wanted."""
    thing = some_object(scene, f"yes/{yes}")
    named = thing.combination if yes else mistaken(scene, thing, "no")
    question = f"Is there {phrase(named)}?"
    return Asked(Question(question=question, answer="yes" if yes else "no", kind="yes/no"), thing.held_out)


def reading(scene: Scene) -> Question | None:
    """What the word says, where there is one."""
    if scene.word is None:
        return None
    return Question(question="What does the word say?", answer=scene.word.text, kind="word")


def choices(scene: Scene) -> list[Asked]:
    """One of each kind that the scene allows, each with four options in an order drawn for it."""
    asked = []
    if thing := _of_its_own(scene, "shape", "color choice"):
        question = Question(
            question=f"What color is the {thing.combination.shape}?", answer=thing.combination.color, kind="color"
        )
        asked.append(Asked(_with_options(scene, question, COLORS), thing.held_out))
    if thing := target(scene, "position choice", _has_a_place):
        asked.append(Asked(_with_options(scene, _where(scene, thing), PLACES), thing.held_out))
    thing = some_object(scene, "object choice")
    question = Question(question="Which of these is in the picture?", answer=noun(thing.combination), kind="object")
    asked.append(Asked(_with_options(scene, question, [noun(other) for other in absent(scene, thing)]), thing.held_out))
    counts = [str(count) for count in range(1, MOST_OBJECTS + 1)]
    asked.append(Asked(_with_options(scene, _how_many(scene), counts), scene.held_out))
    if read := reading(scene):
        asked.append(Asked(_with_options(scene, read, WORDS), False))
    return asked


def _with_options(scene: Scene, question: Question, answers: Sequence[str]) -> Question:
    """The question with its answer and three of the other answers to choose from."""
    rng = stream("options", question.kind, *scene.names)
    options = rng.sample([answer for answer in answers if answer != question.answer], OPTIONS - 1)
    options.insert(turn(scene, range(OPTIONS), f"option/{question.kind}"), question.answer)
    return Question(question=question.question, answer=question.answer, options=tuple(options), kind=question.kind)


def _of_its_own(scene: Scene, attribute: str, purpose: str) -> Object | None:
    """An object that is the only one of its colour, or of its shape."""
    values = [getattr(combination, attribute) for combination in scene.combinations]
    return target(scene, purpose, lambda thing: values.count(getattr(thing.combination, attribute)) == 1)


def _has_a_place(thing: Object) -> bool:
    return place(thing) is not None


def _where(scene: Scene, thing: Object) -> Question:
    return Question(question=f"Where is {expression(scene, thing)}?", answer=str(place(thing)), kind="position")


def _how_many(scene: Scene) -> Question:
    return Question(question="How many shapes are there?", answer=str(len(scene.objects)), kind="count")
