"""All data sets that can be read, by name."""

from training.config import require_choice
from vlm.data.data_set import DataSet
from vlm.data.readers.vqa_v2 import VQA_V2

DATA_SETS: dict[str, DataSet] = {one.name: one for one in (VQA_V2,)}


def data_set_named(name: str) -> DataSet:
    """The data set of this name.

    Raises:
        ConfigError: there is none.
    """
    require_choice("a data set", name, DATA_SETS)
    return DATA_SETS[name]
