"""What it takes to score captions, beside the official tool.

    python -m benchmarks.scoring              writes benchmarks/results/scoring.json (some minutes, 5 GB; needs Java)

As many pictures as the largest set of captions has, five references to each, in words as frequent as in any text. The
official tool (pycocoevalcap, as its own `COCOEvalCap` calls it) begins its Java tokenizer twice, and METEOR once; what
these take for one caption is their start. Target: what takes us no longer than the official tool does less its start,
and gives the same. It is judged by the processor's seconds, of Python and Java together: those on the clock depend on
what else the machine does.

    official_cpu_seconds  of the official tool
    start_cpu_seconds     of these, what it takes for one caption: Java starts, and METEOR reads its paraphrases
    cpu_seconds           of ours, with every start of METEOR: several of its programs may run side by side
    official_seconds, start_seconds, seconds    the same on the clock
    difference            between the two scores; for `tokens`, texts that are cut differently
    no_slower             whether the target is met, by all measures of the sum together
"""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.timing import write_results
from vlm.evaluate.metrics.java import NEEDED, java_version

PICTURES, REFERENCES = 40_000, 5

NOUNS = (
    "man woman dog cat horse street table plate bus train kitchen bed sign clock tree beach wave ball field tower "
    "boy girl car bike bench park room window giraffe elephant pizza cake phone laptop umbrella boat bear"
)
OTHERS = (
    "a the of on in with and is are two red blue large small sitting standing riding holding playing next to front top "
    "down people group some their his at by near white black wooden old young parked flying eating looking walking "
    "through over under green yellow brown very several three many little big tall long open filled covered"
)

Row = dict[str, Any]
Texts = dict[int, list[str]]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The processor's seconds, and those on the clock."""

    cpu_seconds: float = 0.0
    seconds: float = 0.0


def compare(pictures: int) -> list[Row]:
    """A row for tokens, one for each measure, and their sums without METEOR and with it."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    from vlm.evaluate.metrics.bleu import BLEU
    from vlm.evaluate.metrics.captions import cider
    from vlm.evaluate.metrics.meteor import METEOR
    from vlm.evaluate.metrics.metric import Measure
    from vlm.evaluate.metrics.rouge import ROUGE
    from vlm.evaluate.metrics.wording import worded

    said, true = _drawn(pictures)

    def cut(number: int) -> tuple[Texts, Texts]:
        references = {n: [{"caption": one} for one in true[n]] for n in range(number)}
        captions = {n: [{"caption": said[n]}] for n in range(number)}
        return PTBTokenizer().tokenize(references), PTBTokenizer().tokenize(captions)

    def whole(measure: Measure) -> float:
        return float(measure.of(measure.parts(said, true).sum(axis=0)))

    (theirs, official), (ours, own) = taken(lambda: cut(pictures)), taken(lambda: worded(said, true))
    wrong = sum(ours[0][n] != theirs[1][n][0] or list(ours[1][n]) != theirs[0][n] for n in range(pictures))
    rows = [row_of("tokens", official, taken(lambda: cut(1))[1], own, wrong)]
    for name, score, mine in (
        ("BLEU-4", _official_bleu, lambda: whole(BLEU[3])),
        ("ROUGE-L", _official_rouge, lambda: whole(ROUGE)),
        ("CIDEr", _official_cider, lambda: float(cider(said, true).mean())),
        ("METEOR", _official_meteor, lambda: whole(METEOR)),
    ):
        start = taken(partial(score, *({0: some[0]} for some in theirs)))[1] if name == "METEOR" else Cost()
        (expected, official), (found, own) = taken(partial(score, *theirs)), taken(mine)
        rows.append(row_of(name, official, start, own, abs(found - expected)))
    return [*rows, sum_of("all but METEOR", rows[:-1]), sum_of("all", rows)]


def _official_bleu(true: Texts, said: Texts) -> float:
    from pycocoevalcap.bleu.bleu import Bleu

    return float(Bleu(4).compute_score(true, said, verbose=0)[0][3])


def _official_rouge(true: Texts, said: Texts) -> float:
    from pycocoevalcap.rouge.rouge import Rouge

    return float(Rouge().compute_score(true, said)[0])


def _official_cider(true: Texts, said: Texts) -> float:
    from pycocoevalcap.cider.cider import Cider

    return float(Cider().compute_score(true, said)[0])


def _official_meteor(true: Texts, said: Texts) -> float:
    from pycocoevalcap.meteor.meteor import Meteor

    # Without a name it is gone after this line, which ends its program: only then do the program's seconds count.
    return float(Meteor().compute_score(true, said)[0])


def _drawn(pictures: int) -> tuple[list[str], list[tuple[str, ...]]]:
    """Captions, and the references of each: n texts and n tuples of texts."""
    generator = np.random.default_rng(0)
    nouns, others = np.array(NOUNS.split()), np.array(OTHERS.split())
    rank = 1 / np.arange(1, len(others) + 1)
    texts = []
    for _ in range(pictures):
        subjects = generator.choice(nouns, size=3, replace=False)
        for length in generator.integers(7, 14, size=1 + REFERENCES):
            words = generator.choice(others, size=length, p=rank / rank.sum()).astype(object)
            about = generator.random(length) < 0.3
            about[-1] = True
            words[about] = generator.choice(subjects, size=int(about.sum()))
            texts.append(f"{' '.join(words)}.".capitalize())
    step = 1 + REFERENCES
    return texts[::step], [tuple(texts[n * step + 1 : (n + 1) * step]) for n in range(pictures)]


def taken(action: Callable[[], Any]) -> tuple[Any, Cost]:
    """What an action gives, and what it costs this process, and those that it starts and that have ended by then."""
    before, started = _cpu_seconds(), time.perf_counter()
    found = action()
    return found, Cost(cpu_seconds=_cpu_seconds() - before, seconds=time.perf_counter() - started)


def _cpu_seconds() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def row_of(name: str, official: Cost, start: Cost, own: Cost, difference: float) -> Row:
    """The costs of a measure, in columns."""
    costs = {"official_": official, "start_": start, "": own}
    cpu = {f"{whose}cpu_seconds": round(cost.cpu_seconds, 2) for whose, cost in costs.items()}
    wall = {f"{whose}seconds": round(cost.seconds, 2) for whose, cost in costs.items()}
    return {"measure": name, **cpu, **wall, "difference": difference}


def sum_of(name: str, rows: list[Row]) -> Row:
    """The costs of several measures, and whether ours are no more than those of the official tool after its start."""
    total = {key: round(sum(row[key] for row in rows), 2) for key in rows[0] if key.endswith("seconds")}
    least = total["official_cpu_seconds"] - total["start_cpu_seconds"]
    return {"measure": name, **total, "no_slower": total["cpu_seconds"] <= least}


def main() -> None:
    if java_version() is None:
        sys.exit(f"The official tool {NEEDED}")
    rows = compare(PICTURES)
    for row in rows:
        print(row)
    write_results("scoring", "python -m benchmarks.scoring", rows)


if __name__ == "__main__":
    main()
