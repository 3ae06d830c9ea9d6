"""Table 2: grounding and reading, the six models of Table 1.

Claim       Pythia-VL is ahead in grounding at every size (all columns but RC+A at 1b); Mamba-VL is ahead in reading.
Command     vlm sweep experiments/table2_fine.py --out runs/paper
            The runs are those of table1_coarse.py, which says what they need, and how they are evaluated: in one folder
            they are made once.
Expected    The paper's; this repository has not run it yet. Spread: none, one run a model.
                          RC-A   RC-B   RC+A   RC+B   RCg    V7W-P   TextCaps  TextVQA  AI2D
            pythia 1b     76.00  62.48  45.36  47.44  67.58  83.78    92.73    35.22    77.62
            mamba  1b     67.84  56.35  57.97  41.43  59.16  74.01    94.30    40.72    79.27
            pythia 1.4b   82.43  68.39  72.35  55.16  72.56  86.13    94.60    37.54    79.27
            mamba  1.4b   76.60  63.48  68.40  52.11  68.82  80.18    98.68    41.30    80.86
            pythia 2.8b   85.39  70.82  75.39  58.62  76.24  86.61    99.74    39.14    81.57
            mamba  2.8b   79.29  64.97  71.64  53.94  71.27  82.50   100.47    42.14    83.71
            RefCOCO and RefCOCO+ (test A and B), RefCOCOg (test): share of boxes with IoU > 0.5. Visual7W pointing
            (test), AI2D (test): accuracy. TextCaps (val): CIDEr. TextVQA (val): VQA score. RC+A of pythia 1b is out of
            line with all others.
Cost        That of table1_coarse.py, and nothing beside it.
"""

from collections.abc import Iterator

from vlm.config import TrainConfig
from vlm.protocol import paper_runs


def runs() -> Iterator[TrainConfig]:
    yield from paper_runs()
