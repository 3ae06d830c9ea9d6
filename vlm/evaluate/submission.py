"""Files for test servers: what was said to questions whose answers are not given out, in each server's own form.

    COCO, NoCaps, TextCaps     [{"image_id": 0, "caption": "A red bus."}]
    VQAv2, TextVQA             [{"question_id": 0, "answer": "red"}]
    GQA                        [{"questionId": "201", "prediction": "red"}]

Reference-facts, 7.6, and the pages of the servers. TextCaps calls a picture by a text.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Submission:
    """The fields of an entry."""

    number: str
    text: str
    is_whole: bool = True
    """Whether numbers are written as such, and not as text."""

    def entry(self, number: str, text: str) -> dict[str, Any]:
        """What is written of a question's number and what was said to it."""
        return {self.number: int(number) if self.is_whole else number, self.text: text}


CAPTIONS = Submission(number="image_id", text="caption")
CAPTIONS_BY_NAME = Submission(number="image_id", text="caption", is_whole=False)
ANSWERS = Submission(number="question_id", text="answer")
GQA = Submission(number="questionId", text="prediction", is_whole=False)
