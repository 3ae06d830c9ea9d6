"""Figure 4 and Table 11: the instruction before the picture or behind it, the 1.4b pair.

Claim       With the instruction before the picture (task-aware) Mamba-VL gains a little in grounding, and Pythia-VL
            stays ahead of it; in other tasks it is now better, now worse.
Command     vlm sweep experiments/figure4_order.py --out runs/paper
            Task-agnostic runs are those of table1_coarse.py, which says what they need, and how they are evaluated:
            each in its own order. `vlm compare` then sets two of them side by side. The orders begin with the same
            `align` run: the paper moves the instruction in `instruct` (5.3.1).
Expected    The paper's, task-agnostic -> task-aware; this repository has not run it yet. Spread: none, one run each.
                        pythia              mamba
            COCO        134.06 -> 133.87    134.76 -> 135.45
            VQAv2        73.57 ->  73.15     74.46 ->  74.58
            GQA          57.05 ->  58.12     58.44 ->  58.32
            V7W-T        83.06 ->  79.30     83.78 ->  83.19
            VSR          77.72 ->  76.94     80.18 ->  79.54
            RefCOCO A    82.43 ->  82.78     76.60 ->  77.77
            RefCOCO B    68.39 ->  68.89     63.48 ->  65.35
            RefCOCO+ A   72.35 ->  71.74     68.40 ->  68.25
            RefCOCO+ B   55.16 ->  54.44     52.11 ->  51.79
            RefCOCOg     72.56 ->  73.76     68.82 ->  70.01
            V7W-P        86.13 ->  85.41     80.18 ->  77.04 (a loss, which the paper prints as a gain)
            TextCaps     94.60 ->  95.03     98.68 -> 100.20
            AI2D         79.27 ->  79.83     80.20 ->  80.86 (80.86 without the instruction first in Table 2)
Cost        233 hours of one H100 (80 GB) for 6 runs, as `--dry-run` counts them, of which table1_coarse.py shares 4.
"""

from collections.abc import Iterator

from vlm.config import TrainConfig
from vlm.protocol import paper_runs


def runs() -> Iterator[TrainConfig]:
    yield from paper_runs(["1.4b"], ["task-agnostic", "task-aware"])
