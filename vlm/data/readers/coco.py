"""COCO: the pictures of many data sets, and captions in Karpathy's splits.

coco/{train2017,val2017}/000000000009.jpg         pictures of train2014 and val2014 under the names of 2017
coco/test2015/COCO_test2015_000000000001.jpg
coco/dataset_coco.json                            in caption_datasets.zip
"""

from vlm.data.source import Source

FOLDER = "coco"


def picture_of(source: Source, image_id: int) -> str:
    """The picture with this number, of the training or validation pictures.

    Raises:
        vlm.data.source.DroppedError: it is missing.
        vlm.data.records.DataError: the folders are.
    """
    name = f"{image_id:012d}.jpg"
    return source.picture(f"/{FOLDER}/train2017/{name}", f"/{FOLDER}/val2017/{name}")


def name_of(image_id: int) -> str:
    """What `Sample.known_as` says of it."""
    return f"coco:{image_id}"
