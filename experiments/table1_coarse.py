"""Table 1: captioning, questions and judgements about whole pictures, six models of three sizes.

Claim       Mamba-VL is level with Pythia-VL of its size or ahead of it on most of these benchmarks.
Command     vlm sweep experiments/table1_coarse.py --out runs/paper
            on several GPUs: accelerate launch --config_file experiments/accelerate/zero3.yaml -m vlm sweep ...
            Before it `vlm prepare align --root DIR --out data/align`, and the same with instruct and benchmarks. After:
            vlm evaluate runs/paper --data data/benchmarks --out results/paper
            With the paper's own models: vlm import DIR --out models/NAME, and models/NAME in the place of runs/paper.
Expected    The paper's; this repository has not run it yet. Spread: none, one run a model.
                          COCO    NoCaps  VQAv2  GQA    V7W-T  VSR    POPE
            pythia 1b     132.89   97.61  72.26  53.79  81.96  72.43  86.77
            mamba  1b     133.81   99.00  71.67  54.95  81.82  75.39  86.77
            pythia 1.4b   134.06  100.72  73.57  57.05  83.06  77.72  86.40
            mamba  1.4b   134.76  100.56  74.46  58.44  83.78  80.18  85.32
            pythia 2.8b   134.97  101.27  75.08  59.76  84.34  80.86  86.87
            mamba  2.8b   135.53  102.00  76.08  60.41  85.31  81.45  87.33
            COCO (test of Karpathy) and NoCaps (val): CIDEr. VQAv2 (val): VQA score. GQA (test-dev), Visual7W telling,
            VSR and POPE (test): accuracy.
Cost        530 hours of one H100 (80 GB), 12 runs, as `--dry-run` counts them; the paper had four A100 or two H100.
"""

from collections.abc import Iterator

from vlm.config import TrainConfig
from vlm.protocol import paper_runs


def runs() -> Iterator[TrainConfig]:
    yield from paper_runs()
