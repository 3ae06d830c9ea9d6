"""NoCaps: captions of pictures of Open Images, many of them of things that COCO's captions do not name.

    nocaps/nocaps_val_4500_captions.json              pictures, and ten captions of each
    nocaps/nocaps_test_image_info.json                pictures alone: their captions are not given out
    nocaps/images/0013ea2087020901.jpg                or in val/ and test/

A sample for each picture, with all captions as references. Its group is the picture's domain (in-domain, near-domain
or out-domain), where the file has it. Nothing of it is trained on (paper, Table 9).
"""

from collections import defaultdict
from collections.abc import Iterator

from vlm.data.data_set import DataSet
from vlm.data.errors import DroppedError
from vlm.data.source import Source
from vlm.sample import Sample

NAME = "nocaps"
FILES = {"validation": "nocaps_val_4500_captions.json", "test": "nocaps_test_image_info.json"}
FOLDERS = {"validation": "val", "test": "test"}


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    file, answered = FILES[source.split], source.split == "validation"
    captions = _captions(source, file) if answered else {}
    for record in source.records(file, "images"):
        with source.skipping(record):
            number, name = record.id("id"), record.text("file_name")
            references = tuple(captions.get(number, ()))
            if answered and not references:
                raise DroppedError("picture without a caption", record.place)
            yield Sample(
                id=f"{NAME}-{FOLDERS[source.split]}-{number}",
                image=source.picture(f"images/{name}", f"{FOLDERS[source.split]}/{name}"),
                task="captioning",
                source=NAME,
                caption=references[0] if references else "",
                references=references,
                group=record.text("domain") if record.has("domain") else "",
                known_as=(f"openimages:{record.text('open_images_id')}",),
                answered=answered,
                as_published=source.how.as_published,
            )


def _captions(source: Source, file: str) -> dict[str, list[str]]:
    """By the picture's number; there are 45,000."""
    captions: dict[str, list[str]] = defaultdict(list)
    for record in source.records(file, "annotations"):
        with source.skipping(record):
            caption = record.text("caption")
            if not caption:
                raise DroppedError("caption empty", record.place)
            captions[record.id("image_id")].append(caption)
    return captions


NOCAPS = DataSet(
    name=NAME,
    title="NoCaps",
    folder="nocaps",
    licence="annotations CC BY 2.0; pictures CC BY 2.0 by their owners on Flickr",
    splits=("validation", "test"),
    tasks=("captioning",),
    read=read,
)
