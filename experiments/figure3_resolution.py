"""Figure 3: fine-tuning with larger pictures, the 1.4b pair on VQAv2 and RefCOCOg.

Claim       Both families gain from larger pictures, more in RefCOCOg than in VQAv2; there Pythia-VL gains much more
            than Mamba-VL.
Command     vlm sweep experiments/figure3_resolution.py --out runs/paper
            It begins with the `instruct` runs of table1_coarse.py, which are made if they are not there. Before it
            `vlm prepare vqa_v2 --root DIR --out data/vqa_v2`, and the same with refcocog.
Expected    The paper's, as above, which gives no numbers beside the figure; this repository has not run it yet. For
            each size the best of three learning rates counts. The paper chose it on the test split of RefCOCOg; choose
            on validation. Before fine-tuning (Tables 1 and 2): VQAv2 73.57 pythia, 74.46 mamba; RefCOCOg 72.56, 68.82.
            Spread: none, a run for each rate.
Cost        20 hours of one H100 (80 GB) for the 36 runs, as `--dry-run` counts them, and those that they begin with.
"""

from collections.abc import Iterator

from vlm.config import TrainConfig
from vlm.protocol import FINE_TUNING, fine_tuning_runs, paper_runs


def runs() -> Iterator[TrainConfig]:
    starts = list(paper_runs(["1.4b"]))
    for task in FINE_TUNING:
        yield from fine_tuning_runs(task, starts)
