"""What is right of the questions of a benchmark: annotation files as data sets give them out, a record at a time, and
folders of prepared samples, which all benchmarks can be scored with.

    coco, nocaps        {"images": [{"id"}], "annotations": [{"image_id", "caption"}]}
    coco                {"images": [{"cocoid", "split", "sentences": [{"raw"}]}]}: Karpathy's, the pictures of its test
    textcaps            {"data": [{"image_id", "caption_str"}]}, or in the first form
    vqa_v2              {"annotations": [{"question_id", "image_id", "answer_type", "answers": [{"answer"}]}]}
    text_vqa            {"data": [{"question_id", "image_id", "answers"}]}
    gqa                 {"201307251": {"imageId", "answer", "types": {"structural"}}}
    pope_*              lines of {"question_id", "image", "label"}
    vsr                 lines of {"image", "label", "relation"}, which are numbered from 1 on

Groups and kinds are as in the samples that `vlm prepare` makes, but for VQAv2, whose kinds are those of its official
results: yes/no, number and other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from vlm.data.errors import RecordError
from vlm.data.readers import coco, nocaps, textcaps
from vlm.data.records import Record, json_records, line_records
from vlm.data.scanner import WHITE, Scanner, is_text
from vlm.dataset import is_prepared, splits_of
from vlm.evaluate.benchmark import Benchmark, answers_of, kind_of, number_of, picture_of
from vlm.evaluate.files.truth import FileError, Truth, by_number
from vlm.places import Place
from vlm.sample import Split

KARPATHY_TEST = "test"
SPLITS: tuple[Split, ...] = ("test", "validation")
"""In which the samples of a benchmark are looked for, in this order."""


def read_references(benchmark: Benchmark, name: str) -> dict[str, Truth]:
    """What is right of each question, by its number, in the order of the file.

    Args:
        name: an annotation file; a folder of samples, or its URL.

    Raises:
        ConfigError: there is no such file, or it is not of this benchmark, or says of none of its questions what is
            right.
    """
    path = Path(name)
    if not path.is_file():
        return by_number(_of_samples(benchmark, Place(name)), name)
    if benchmark.name not in FILES:
        raise FileError(
            f"{path} is a file, and references of {benchmark.name} are a folder of samples: name one that `vlm prepare "
            "benchmarks` made, or `vlm world`."
        )
    try:
        with open(path, "rb") as file:
            require_object(file, path)
            return by_number(FILES[benchmark.name](file, str(path)), str(path))
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}): name a file of references.") from error


def require_object(file: IO[bytes], path: Path) -> None:
    """Raises FileError where a file is empty, or begins as lists of predictions do; no annotation file is one."""
    beginning = file.read(2**16).decode("utf-8-sig", "replace").lstrip(WHITE)
    file.seek(0)
    if not beginning.startswith("{"):
        what = "a list" if beginning.startswith("[") else "no JSON object" if beginning else "empty"
        raise FileError(f"{path} holds no references, it is {what}: name the annotation file of the data set.")


def _of_samples(benchmark: Benchmark, place: Place) -> Iterator[Truth]:
    """Of the first split in which answers of the benchmark are given out."""
    if place.is_local and not Path(place.url).exists():
        raise FileError(f"{place} is neither a file nor a folder: name the references of {benchmark.name}.")
    found = splits_of(place.url)
    for split in SPLITS:
        own = benchmark.of(found[split]) if split in found else []
        if not any(sample.answered for sample in own):
            continue
        for sample in own:
            answers, image, kind = answers_of(sample), picture_of(sample), kind_of(sample)
            yield Truth(number_of(sample), answers, image, sample.group, kind, sample.id)
        return
    what = "vlm prepare" if is_prepared(place) else "vlm world"
    raise FileError(f"{place} has no samples of {benchmark.name} to score: name another folder that `{what}` made.")


def _records(read: Iterator[Record | RecordError]) -> Iterator[Record]:
    """The same, where a broken one cannot be left out: scores would be of something else."""
    for record in read:
        if isinstance(record, RecordError):
            raise record
        yield record


def _captions(benchmark: str, file: IO[bytes], name: str) -> Iterator[Truth]:
    """Of one of the three forms: the key that comes first tells."""
    first = Scanner(file, name).first_key("data", "images", "annotations")
    file.seek(0)
    groups: dict[str, tuple[str, str]] = {}
    captions: dict[str, list[str]] = defaultdict(list)
    if first == "data":
        for record in _records(json_records(file, name, "data")):
            captions[record.id("image_id")].append(record.text("caption_str"))
    else:
        for record in _records(json_records(file, name, "images")):
            if record.has("sentences"):
                if record.text("split") == KARPATHY_TEST:
                    captions[record.id("cocoid")] += [one.text("raw") for one in record.records("sentences")]
            else:
                groups[record.id("id")] = _image_and_group(record, benchmark)
        if groups:
            file.seek(0)
            for record in _records(json_records(file, name, "annotations")):
                captions[record.id("image_id")].append(record.text("caption"))
    for number, some in captions.items():
        image, group = groups.get(number, ("", ""))
        if references := tuple(filter(None, some)):
            yield Truth(number, references, image or _picture_named(number, benchmark), group)


def _image_and_group(record: Record, benchmark: str) -> tuple[str, str]:
    """Of a picture of NoCaps its name in Open Images, and its domain."""
    open_images = record.text("open_images_id") if record.has("open_images_id") else ""
    if open_images and benchmark == coco.NAME:
        record.refuse("it is a picture of Open Images, and the references of coco are not")
    return f"openimages:{open_images}" if open_images else "", record.text("domain") if record.has("domain") else ""


def _picture_named(number: str, benchmark: str) -> str:
    if benchmark == coco.NAME:
        return f"coco:{number}"
    return f"openimages:{number}" if benchmark == textcaps.NAME else ""


def _vqa_v2(file: IO[bytes], name: str) -> Iterator[Truth]:
    for record in _records(json_records(file, name, "annotations")):
        given = [one.get("answer") if isinstance(one, dict) else None for one in record.values("answers")]
        if len(given) < 2 or not all(map(is_text, given)):
            record.refuse("'answers' should be those of all annotators, with an 'answer' each")
        image, kind = coco.name_of(record.whole("image_id")), record.text("answer_type")
        yield Truth(record.id("question_id"), tuple(str(answer).strip() for answer in given), image, kind=kind)


def _text_vqa(file: IO[bytes], name: str) -> Iterator[Truth]:
    for record in _records(json_records(file, name, "data")):
        number = record.id("question_id")
        if len(answers := tuple(answer.strip() for answer in record.texts("answers"))) < 2:
            record.refuse("'answers' should be those of all annotators")
        yield Truth(number, answers, f"openimages:{record.id('image_id')}")


def _gqa(file: IO[bytes], name: str) -> Iterator[Truth]:
    for record in _records(json_records(file, name)):
        image, answer = record.id("imageId"), record.text("answer")
        kind = record.record("types").text("structural") if record.has("types") else ""
        image = f"{'vg' if image.isdecimal() else 'gqa'}:{image}"
        yield Truth(record.key, (answer,), image, kind=kind)


def _pope(file: IO[bytes], name: str) -> Iterator[Truth]:
    for record in _records(line_records(file, name)):
        if (label := record.text("label")) not in ("yes", "no"):
            record.refuse(f"'label' should be yes or no and is {label!r}")
        yield Truth(record.id("question_id"), (label,), coco.name_of(coco.number_of(record)))


def _vsr(file: IO[bytes], name: str) -> Iterator[Truth]:
    for record in _records(line_records(file, name)):
        if (label := record.whole("label")) not in (0, 1):
            record.refuse(f"'label' should be 0 or 1 and is {label}")
        image = coco.name_of(coco.number_of(record))
        yield Truth(str(record.ordinal), (str(label == 1),), image, group=record.text("relation"))


FILES: dict[str, Callable[[IO[bytes], str], Iterator[Truth]]] = {
    coco.NAME: partial(_captions, coco.NAME),
    nocaps.NAME: partial(_captions, nocaps.NAME),
    textcaps.NAME: partial(_captions, textcaps.NAME),
    "vqa_v2": _vqa_v2,
    "text_vqa": _text_vqa,
    "gqa": _gqa,
    "pope_adversarial": _pope,
    "pope_popular": _pope,
    "pope_random": _pope,
    "vsr": _vsr,
}
"""Readers of annotation files, by benchmark."""
