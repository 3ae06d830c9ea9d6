"""Which answer is trained on, where several people gave one (reference-facts, 5.3)."""

from collections import Counter
from collections.abc import Sequence

from vlm.data.errors import DroppedError
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Box, Question


def most_frequent(answers: Sequence[str]) -> str:
    """What most people said; the first of those that as many did. Nothing where nobody said anything."""
    return Counter(answers).most_common(1)[0][0] if answers else ""


def question_of(
    source: Source,
    record: Record,
    text: str,
    answers: Sequence[str],
    *,
    id: str,
    kind: str = "",
    options: tuple[str, ...] | tuple[Box, ...] = (),
) -> Question:
    """A question of a record, with the most frequent of its answers, and all of them.

    Args:
        answers: as they were given; none where the data set keeps them to itself.

    Raises:
        RecordError: there is no question.
        DroppedError: the answer is empty: nothing can be learned from it. Not where it is scored by the answers of
            several people, or by the letter of an option, which is right without it; and not as published, where it
            shifts what is trained on (D4).
    """
    if not text:
        record.refuse("the question is empty")
    answer = most_frequent(answers).strip()
    is_scored = source.split != "train" and (len(answers) > 1 or bool(options))
    if answers and not answer and not is_scored and not source.how.as_published:
        raise DroppedError("answer empty", record.place)
    several = tuple(answers) if len(answers) > 1 else ()
    return Question(question=text, answer=answer, options=options, kind=kind, id=id, answers=several)
