"""All data sets that can be read, by name."""

from training.config import require_choice
from vlm.data.data_set import DataSet
from vlm.data.readers.ai2d import AI2D
from vlm.data.readers.aok_vqa import A_OKVQA
from vlm.data.readers.coco import COCO
from vlm.data.readers.docvqa import DOCVQA, INFOGRAPHICS_VQA
from vlm.data.readers.gqa import GQA
from vlm.data.readers.grit import GRIT
from vlm.data.readers.llava import LLAVA_CC3M, LLAVA_INSTRUCT, LLAVA_PRETRAIN
from vlm.data.readers.nocaps import NOCAPS
from vlm.data.readers.ocr_vqa import OCR_VQA
from vlm.data.readers.pope import POPE_ADVERSARIAL, POPE_POPULAR, POPE_RANDOM
from vlm.data.readers.refcoco import (
    REFCOCO,
    REFCOCO_DENSE,
    REFCOCO_G,
    REFCOCO_G_DENSE,
    REFCOCO_PLUS,
    REFCOCO_PLUS_DENSE,
)
from vlm.data.readers.text_vqa import TEXT_VQA
from vlm.data.readers.textcaps import TEXTCAPS
from vlm.data.readers.visual7w import VISUAL7W_POINTING, VISUAL7W_TELLING
from vlm.data.readers.visual_genome import VISUAL_GENOME_DENSE, VISUAL_GENOME_GROUNDING, VISUAL_GENOME_QA
from vlm.data.readers.vqa_v2 import VQA_V2
from vlm.data.readers.vsr import VSR

_ALL = (
    LLAVA_PRETRAIN,
    LLAVA_CC3M,
    LLAVA_INSTRUCT,
    COCO,
    TEXTCAPS,
    NOCAPS,
    VQA_V2,
    GQA,
    OCR_VQA,
    DOCVQA,
    INFOGRAPHICS_VQA,
    TEXT_VQA,
    A_OKVQA,
    AI2D,
    VISUAL7W_TELLING,
    VISUAL7W_POINTING,
    VISUAL_GENOME_GROUNDING,
    VISUAL_GENOME_DENSE,
    VISUAL_GENOME_QA,
    REFCOCO,
    REFCOCO_PLUS,
    REFCOCO_G,
    REFCOCO_DENSE,
    REFCOCO_PLUS_DENSE,
    REFCOCO_G_DENSE,
    GRIT,
    VSR,
    POPE_ADVERSARIAL,
    POPE_POPULAR,
    POPE_RANDOM,
)
DATA_SETS: dict[str, DataSet] = {one.name: one for one in _ALL}
"""In the order in which they are listed."""


def data_set_named(name: str) -> DataSet:
    """The data set of this name.

    Raises:
        ConfigError: there is none.
    """
    require_choice("a data set", name, DATA_SETS)
    return DATA_SETS[name]
