"""The paper's own scores of its models, to set beside what is measured here (Tables 1, 2 and 11; reference-facts, 7.7).

By pair and family (`1b` and `mamba` is Mamba-VL 790M), the order it was trained with, benchmark and part of it. POPE
is left out: the paper has one number, and does not say of which of the three sets, nor which measure. Of AI2D in Table
11, whose two values for Mamba-VL are swapped there, each is where Table 2 and an independent run have it.
"""

from collections.abc import Iterator

COLUMNS = (
    ("coco", "all"),
    ("nocaps", "all"),
    ("vqa_v2", "all"),
    ("gqa", "all"),
    ("visual7w-telling", "all"),
    ("vsr", "all"),
    ("refcoco", "testA"),
    ("refcoco", "testB"),
    ("refcoco+", "testA"),
    ("refcoco+", "testB"),
    ("refcocog", "all"),
    ("visual7w-pointing", "all"),
    ("textcaps", "all"),
    ("text_vqa", "all"),
    ("ai2d", "all"),
)
"""Benchmarks and groups, in the order of the rows below."""

AGNOSTIC = """
1b   pythia 132.89  97.61  72.26  53.79  81.96  72.43  76.00  62.48  45.36  47.44  67.58  83.78  92.73  35.22  77.62
1b   mamba  133.81  99.00  71.67  54.95  81.82  75.39  67.84  56.35  57.97  41.43  59.16  74.01  94.30  40.72  79.27
1.4b pythia 134.06 100.72  73.57  57.05  83.06  77.72  82.43  68.39  72.35  55.16  72.56  86.13  94.60  37.54  79.27
1.4b mamba  134.76 100.56  74.46  58.44  83.78  80.18  76.60  63.48  68.40  52.11  68.82  80.18  98.68  41.30  80.86
2.8b pythia 134.97 101.27  75.08  59.76  84.34  80.86  85.39  70.82  75.39  58.62  76.24  86.61  99.74  39.14  81.57
2.8b mamba  135.53 102.00  76.08  60.41  85.31  81.45  79.29  64.97  71.64  53.94  71.27  82.50 100.47  42.14  83.71
"""
AWARE = """
1.4b pythia 133.87      -  73.15  58.12  79.30  76.94  82.78  68.89  71.74  54.44  73.76  85.41  95.03      -  79.83
1.4b mamba  135.45      -  74.58  58.32  83.19  79.54  77.77  65.35  68.25  51.79  70.01  77.04  100.2      -  80.20
"""


def _read(table: str, order: str) -> Iterator[tuple[tuple[str, ...], float]]:
    for line in table.strip().splitlines():
        pair, family, *scores = line.split()
        for (benchmark, group), score in zip(COLUMNS, scores, strict=True):
            if score != "-":
                yield (pair, family, order, benchmark, group), float(score) / 100


PUBLISHED = dict([*_read(AGNOSTIC, "task-agnostic"), *_read(AWARE, "task-aware")])
"""Pair, family, order, benchmark, group -> score, a share as everywhere here."""
