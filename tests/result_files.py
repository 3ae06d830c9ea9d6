"""Files of others, drawn up: what is right of a few questions of each benchmark and what was said to them, in the forms
of the data sets and their servers. Functions give the JSON of a file; two questions are about one picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from small_predictions import ANSWERS

from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.files.truth import Truth
from vlm.evaluate.metrics.boxes import parse_box
from vlm.sample import Question, Region, Sample

OPTIONS = ("North", "South", "East", "West")
SEVERAL = {"coco": 3, "nocaps": 3, "textcaps": 2, "vqa_v2": 10, "text_vqa": 10}
"""Right answers of each question; otherwise one."""
PAPER = [name for name in BENCHMARKS if not name.startswith("world-")]


@dataclass(frozen=True)
class Drawn:
    """What is right, and what was said."""

    benchmark: str
    truths: Sequence[Truth]
    texts: Mapping[str, str]

    @property
    def scores(self) -> list[float]:
        """Of each text, in the order of the truths, as the benchmark itself gives them."""
        said = [self.texts[truth.number] for truth in self.truths]
        return [score for score, _ in BENCHMARKS[self.benchmark].judge(said, [truth.answers for truth in self.truths])]

    @property
    def score(self) -> float:
        return float(np.mean(self.scores))


def drawn(benchmark: str, count: int = 20, seed: int = 0, right: float = 0.6) -> Drawn:
    """This many questions; what was said is right of a share of them."""
    generator = np.random.default_rng(seed)
    truths = []
    for index in range(count):
        answers = tuple(ANSWERS[benchmark](generator) for _ in range(SEVERAL.get(benchmark, 1)))
        if BENCHMARKS[benchmark].task not in ("captioning", "visual_grounding"):
            answers = tuple(answer.rstrip(".") for answer in answers)
        if benchmark.startswith("pope_"):
            answers = tuple(answer.lower() for answer in answers)
        image = 9 + (index if BENCHMARKS[benchmark].task == "captioning" else index // 2)
        truths.append(
            Truth(_number(benchmark, index, image), answers, _picture(benchmark, image), kind=_kind(benchmark, index))
        )
    texts = {
        truth.number: truth.answers[0] if generator.random() < right else ANSWERS[benchmark](generator)
        for truth in truths
    }
    return Drawn(benchmark, truths, texts)


def _number(benchmark: str, index: int, image: int) -> str:
    if benchmark == "textcaps":
        return f"{image:016x}"
    if BENCHMARKS[benchmark].task == "captioning":
        return str(image)
    forms = {"ai2d": f"{image}.png-{index}", "gqa": f"{2000 + index:08d}", "vsr": str(index + 1)}
    return forms.get(benchmark, f"{image}.{index}" if benchmark.startswith("refcoco") else str(7 * index + 3))


def _picture(benchmark: str, image: int) -> str:
    if benchmark in ("nocaps", "textcaps", "text_vqa"):
        return f"openimages:{image:016x}"
    return f"{'vg' if benchmark == 'gqa' else 'coco'}:{image}"


def _kind(benchmark: str, index: int) -> str:
    kinds = {"vqa_v2": ("yes/no", "number", "other"), "gqa": ("query", "verify")}.get(benchmark, ("",))
    return kinds[index % len(kinds)]


def _image(truth: Truth) -> int:
    own = truth.image.partition(":")[2]
    return int(own, 16) if truth.image.startswith("openimages") else int(own)


# Predictions


def entries(some: Drawn, number: str, text: str, whole: bool = True) -> list[dict[str, Any]]:
    """`[{"question_id": 3, "answer": "red"}]`; with `whole`, numbers are written as such where they are some."""
    return [{number: _whole(key) if whole else key, text: said} for key, said in some.texts.items()]


def _whole(number: str) -> int | str:
    return int(number) if number.isdecimal() and not number.startswith("0") else number


FORMS = {
    **dict.fromkeys(("coco", "nocaps", "textcaps"), ("image_id", "caption")),
    "gqa": ("questionId", "prediction"),
}


def usual(some: Drawn) -> list[dict[str, Any]]:
    """In the form of the benchmark's own server, or of VQA."""
    return entries(some, *FORMS.get(some.benchmark, ("question_id", "answer")))


# References


def captions(some: Drawn) -> dict[str, Any]:
    """COCO's form."""
    images: list[dict[str, Any]] = [{"id": _whole(truth.number), "width": 640, "height": 480} for truth in some.truths]
    if some.benchmark == "nocaps":
        for image, truth in zip(images, some.truths, strict=True):
            image |= {"open_images_id": truth.image.partition(":")[2], "domain": "near-domain"}
    said = [
        {"image_id": _whole(truth.number), "caption": caption} for truth in some.truths for caption in truth.answers
    ]
    annotations = [{**one, "id": number} for number, one in enumerate(said)]
    return {"info": {"year": 2014}, "images": images, "licenses": [], "annotations": annotations}


def karpathy(some: Drawn) -> dict[str, Any]:
    images = [
        {
            "cocoid": int(truth.number),
            "split": "test",
            "sentences": [{"raw": caption, "sentid": n} for n, caption in enumerate(truth.answers)],
        }
        for truth in some.truths
    ]
    other = {"cocoid": 1, "split": "restval", "sentences": [{"raw": "A train.", "sentid": 7}]}
    return {"images": [other, *images], "dataset": "coco"}


def textcaps(some: Drawn) -> dict[str, Any]:
    """A record for each caption, of which no two of a picture are neighbours."""
    data = [
        {"image_id": truth.number, "caption_id": n, "caption_str": truth.answers[n], "reference_strs": truth.answers}
        for n in range(SEVERAL["textcaps"])
        for truth in some.truths
    ]
    return {"dataset_type": "val", "dataset_name": "textcaps", "data": data}


def vqa_v2(some: Drawn) -> dict[str, Any]:
    annotations = [
        {
            "question_id": int(truth.number),
            "image_id": _image(truth),
            "question_type": "what is",
            "answer_type": truth.kind,
            "multiple_choice_answer": truth.answers[0],
            "answers": [
                {"answer": answer, "answer_confidence": "yes", "answer_id": n}
                for n, answer in enumerate(truth.answers, 1)
            ],
        }
        for truth in some.truths
    ]
    return {"info": {}, "annotations": annotations}


def text_vqa(some: Drawn) -> dict[str, Any]:
    data = [
        {
            "question_id": int(truth.number),
            "image_id": truth.image.partition(":")[2],
            "answers": list(truth.answers),
            "question": "what does it say?",
        }
        for truth in some.truths
    ]
    return {"dataset_name": "textvqa", "data": data}


def gqa(some: Drawn) -> dict[str, Any]:
    return {
        truth.number: {
            "semantic": [{"operation": "select", "dependencies": [], "argument": "sky (1)"}],
            "question": "Is it?",
            "imageId": str(_image(truth)),
            "answer": truth.answers[0],
            "types": {"structural": truth.kind},
        }
        for truth in some.truths
    }


def pope(some: Drawn) -> list[dict[str, Any]]:
    return [
        {
            "question_id": int(truth.number),
            "image": f"COCO_val2014_{_image(truth):012d}.jpg",
            "text": "Is there a bus in the image?",
            "label": truth.answers[0],
        }
        for truth in some.truths
    ]


def vsr(some: Drawn) -> list[dict[str, Any]]:
    return [
        {
            "image": f"{_image(truth):012d}.jpg",
            "caption": "The bus is left of the train.",
            "label": int(truth.answers[0] == "True"),
            "relation": ("left of", "facing")[int(truth.number) % 2],
        }
        for truth in some.truths
    ]


REFERENCES = {
    **dict.fromkeys(("coco", "nocaps"), captions),
    "textcaps": textcaps,
    "vqa_v2": vqa_v2,
    "text_vqa": text_vqa,
    "gqa": gqa,
    **dict.fromkeys((name for name in PAPER if name.startswith("pope_")), pope),
    "vsr": vsr,
}
"""As each data set gives it out; what is a list is written as lines."""


def samples(some: Drawn) -> list[Sample]:
    """As `vlm prepare benchmarks` has them, of benchmarks that have no file of references."""
    benchmark = BENCHMARKS[some.benchmark]
    made = []
    for truth in some.truths:
        parts: dict[str, Any] = {}
        if benchmark.task == "visual_grounding":
            box = parse_box(truth.answers[0])
            assert box is not None
            parts["regions"] = (Region(box=box, phrase="the bus", id=truth.number),)
        else:
            right = OPTIONS["ABCD".index(truth.answers[0])]
            parts["questions"] = (Question(question="Where?", answer=right, options=OPTIONS, id=truth.number),)
        made.append(
            Sample(
                id=f"{benchmark.name}-{truth.number}",
                image="a.png",
                task=benchmark.task,
                source=benchmark.source or benchmark.name,
                known_as=(truth.image,),
                **parts,
            )
        )
    return made
