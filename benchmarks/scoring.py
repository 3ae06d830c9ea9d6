"""What it takes to score answers, beside the official tools.

    python -m benchmarks.scoring captions    writes benchmarks/results/scoring_captions.json (some minutes, 5 GB)

**captions**: as many pictures as the largest set of captions has, five references to each, in words as frequent as in
any text. The official tool begins its Java tokenizer twice, and METEOR once; what these take for one caption is their
start. Target: what takes us no longer than the official tool does less its start, and gives the same.

    official_seconds      of pycocoevalcap, as its own `COCOEvalCap` calls it
    start_seconds         of these, what it takes for one caption: Java starts, and METEOR reads its paraphrases
    seconds               of ours, which starts METEOR too
    ..._cpu_seconds       of all processes: less disturbed by what else the machine does
    difference            between the two scores; for `tokens`, texts that are cut differently
"""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.timing import write_results

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


def captions(pictures: int = PICTURES) -> list[Row]:
    """A row for tokens, one for each measure, and one for all of them without METEOR."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    from vlm.evaluate.metrics.bleu import BLEU
    from vlm.evaluate.metrics.captions import cider
    from vlm.evaluate.metrics.meteor import METEOR
    from vlm.evaluate.metrics.metric import Measure
    from vlm.evaluate.metrics.rouge import ROUGE
    from vlm.evaluate.metrics.wording import worded

    said, true = _drawn(pictures)

    def cut(number: int) -> tuple[Texts, Texts]:
        as_records = (
            ({n: [{"caption": one} for one in true[n]] for n in range(number)}),
            ({n: [{"caption": said[n]}] for n in range(number)}),
        )
        return PTBTokenizer().tokenize(as_records[0]), PTBTokenizer().tokenize(as_records[1])

    def whole(measure: Measure) -> float:
        return float(measure.of(measure.parts(said, true).sum(axis=0)))

    (theirs, *official), (ours, *own) = _taken(lambda: cut(pictures)), _taken(lambda: worded(said, true))
    wrong = sum(ours[0][n] != theirs[1][n][0] or list(ours[1][n]) != theirs[0][n] for n in range(pictures))
    rows = [_row("tokens", official, _taken(lambda: cut(1))[1], own, wrong)]
    for name, score, mine in (
        ("BLEU-4", _official_bleu, lambda: whole(BLEU[3])),
        ("ROUGE-L", _official_rouge, lambda: whole(ROUGE)),
        ("CIDEr", _official_cider, lambda: float(cider(said, true).mean())),
        ("METEOR", _official_meteor, lambda: whole(METEOR)),
    ):
        first = _taken(partial(score, *({0: some[0]} for some in theirs)))[1] if name == "METEOR" else 0.0
        (expected, *official), (found, *own) = _taken(partial(score, *theirs)), _taken(mine)
        rows.append(_row(name, official, first, own, abs(found - expected)))
        print(rows[-1], flush=True)
    return [*rows, _sum("all but METEOR", rows[:-1]), _sum("all", rows)]


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


def _taken(action: Callable[[], Any]) -> tuple[Any, float, float]:
    """What an action gives, its seconds, and the processor's seconds of it and of processes that it ended."""
    before, started = os.times(), time.perf_counter()
    found = action()
    seconds, after = time.perf_counter() - started, os.times()
    return found, seconds, sum(after[:4]) - sum(before[:4])


def _row(name: str, official: list[float], start: float, own: list[float], difference: float) -> Row:
    return {
        "measure": name,
        "official_seconds": round(official[0], 2),
        "start_seconds": round(start, 2),
        "seconds": round(own[0], 2),
        "official_cpu_seconds": round(official[1], 2),
        "cpu_seconds": round(own[1], 2),
        "difference": difference,
    }


def _sum(name: str, rows: list[Row]) -> Row:
    keys = ("official_seconds", "start_seconds", "seconds", "official_cpu_seconds", "cpu_seconds")
    total: Row = {"measure": name} | {key: round(sum(row[key] for row in rows), 2) for key in keys}
    return total | {"no_slower": total["seconds"] <= total["official_seconds"] - total["start_seconds"]}


SUBJECTS = {"captions": captions}


def main() -> None:
    if sys.argv[1:2] not in [[name] for name in SUBJECTS]:
        sys.exit(f"what is to be scored? {', '.join(SUBJECTS)}.")
    subject = sys.argv[1]
    rows = SUBJECTS[subject]()
    for row in rows:
        print(row)
    write_results(f"scoring_{subject}", f"python -m benchmarks.scoring {subject}", rows)


if __name__ == "__main__":
    main()
