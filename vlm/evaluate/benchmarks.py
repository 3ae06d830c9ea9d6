"""All benchmarks: those of the drawn world, and those of the paper (Tables 1, 2, 9 and 11; reference-facts, 7.2).

Names are those of the data sets, with a hyphen where these have a space. Answers may be as long as the longest of the
budgets that the public implementation has for each (code or script); an answer ends at its end token anyway.
"""

from training.config import require_choice
from vlm.evaluate.benchmark import Benchmark, Tasks, read_letter, read_text, read_truth
from vlm.evaluate.metrics.boxes import parse_box
from vlm.evaluate.metrics.captions import CIDER
from vlm.evaluate.metrics.metric import ACCURACY, OVERLAP, Metric
from vlm.evaluate.metrics.vqa import TEXT_VQA, VQA, read_short_answer
from vlm.evaluate.metrics.yes_no import TRUTH, YES_NO, read_yes_no
from vlm.evaluate.submission import ANSWERS, CAPTIONS, CAPTIONS_BY_NAME, GQA, Submission
from vlm.sample import Task


def _captions(
    name: str, tasks: Tasks = "summary", new_tokens: int = 40, submission: Submission | None = None
) -> Benchmark:
    return Benchmark(
        name=name,
        task="captioning",
        tasks=tasks,
        metric=CIDER,
        new_tokens=new_tokens,
        read=read_text,
        submission=submission,
    )


def _questions(
    name: str, metric: Metric = ACCURACY, tasks: Tasks = "summary", submission: Submission | None = None
) -> Benchmark:
    return Benchmark(
        name=name,
        task="vqa",
        tasks=tasks,
        metric=metric,
        new_tokens=20,
        read=read_yes_no if metric is YES_NO else read_short_answer,
        reads_truths=metric not in (VQA, TEXT_VQA),
        submission=submission,
    )


def _choice(
    name: str, tasks: Tasks = "summary", task: Task = "multiple_choice_vqa", source: str = "", new_tokens: int = 10
) -> Benchmark:
    return Benchmark(
        name=name, task=task, tasks=tasks, metric=ACCURACY, new_tokens=new_tokens, read=read_letter, source=source
    )


def _match(name: str) -> Benchmark:
    return Benchmark(name=name, task="image_text_match", tasks="summary", metric=TRUTH, new_tokens=10, read=read_truth)


def _grounding(name: str, by_group: bool = False) -> Benchmark:
    return Benchmark(
        name=name,
        task="visual_grounding",
        tasks="retrieval",
        metric=OVERLAP,
        new_tokens=40,
        read=parse_box,
        by_group=by_group,
    )


BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        _captions("world-caption", new_tokens=80),
        _questions("world-vqa"),
        _choice("world-choice"),
        _match("world-match"),
        _grounding("world-grounding"),
        _questions("world-reading", tasks="reading"),
        _captions("coco", submission=CAPTIONS),
        _captions("nocaps", submission=CAPTIONS),
        _questions("vqa_v2", VQA, submission=ANSWERS),
        _questions("gqa", submission=GQA),
        _choice("visual7w-telling", source="visual7w telling", new_tokens=20),
        _match("vsr"),
        _questions("pope_adversarial", YES_NO),
        _questions("pope_popular", YES_NO),
        _questions("pope_random", YES_NO),
        _grounding("refcoco", by_group=True),
        _grounding("refcoco+", by_group=True),
        _grounding("refcocog"),
        _choice("visual7w-pointing", "retrieval", "grounded_multiple_choice_vqa", "visual7w pointing", new_tokens=20),
        _captions("textcaps", "reading", submission=CAPTIONS_BY_NAME),
        _questions("text_vqa", TEXT_VQA, "reading", submission=ANSWERS),
        _choice("ai2d", "reading"),
    )
}
"""In the order of the paper's tables."""


def benchmark_named(name: str) -> Benchmark:
    """The benchmark of this name.

    Raises:
        ConfigError: there is none.
    """
    require_choice("the benchmark", name, BENCHMARKS)
    return BENCHMARKS[name]
