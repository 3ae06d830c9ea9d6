"""All miniatures of data sets below one root, and records that put what is in test sets into training data."""

import importlib
import json
import pickle
import pkgutil
import zipfile
from pathlib import Path

import miniatures
from miniatures import aok_vqa, coco, gqa, llava, refcoco, visual7w, visual_genome, vqa_v2, vsr
from miniatures.files import write_json, write_lines, write_picture

from vlm.data.how import How
from vlm.data.mixtures import entries_of
from vlm.data.plan import Plan

NEW = 1_990_000
"""Numbers from here on are those of the records that are added."""


def write_all(root: Path) -> Path:
    """Every data set of the paper. Their files agree with each other, whoever writes first."""
    for name in sorted(module.name for module in pkgutil.iter_modules(miniatures.__path__)):
        module = importlib.import_module(f"miniatures.{name}")
        if hasattr(module, "write"):
            module.write(root)
    return root


def add_overlaps(root: Path) -> Path:
    """Pictures of COCO's Karpathy test and of RefCOCO's test splits, and test questions of Visual7W, in training data.

    Visual Genome's miniature has a picture of the first kind already.
    """
    _add_to_captions(root, refcoco.TEST_A)
    _add_to_llava(root, coco.MOPED)
    _add_to_aok_vqa(root, coco.MOPED)
    _add_to_vqa_v2(root, coco.MOPED, refcoco.TEST_B)
    _add_to_vsr(root, coco.MOPED)
    _add_to_refcocog(root, refcoco.TEST_B)
    _add_to_gqa(root, visual_genome.TEST)
    _add_to_visual7w(root, visual_genome.TEST)
    _add_test_questions(root, visual7w.TESTED)
    return root


def plan_of(mixture: str, **changes: object) -> Plan:
    """What `vlm prepare MIXTURE` asks for. `as_published` is what --as-published says."""
    published = bool(changes.pop("as_published", False))
    entries = entries_of(mixture, weights={}, caps={}, as_published=published)
    settings = {"keeps_contaminated": published, **changes}
    return Plan(mixture=mixture, entries=tuple(entries), how=How(as_published=published), **settings)


def _add_to_captions(root: Path, image_id: int) -> None:
    coco.write_archive(
        root, [*coco.images(), coco.image("train", image_id, 5, "A zebra.", "Zebras.", year="train2014")]
    )


def _add_to_llava(root: Path, image_id: int) -> None:
    said = llava.conversation("<image>\nWho is this?", "A man on a moped.")
    _append(
        root / "coco" / "llava_instruct_150k.json",
        {"id": f"{image_id:012d}", "image": f"{image_id:012d}.jpg", "conversations": said},
    )


def _add_to_aok_vqa(root: Path, image_id: int) -> None:
    choices = ["dirt", "tar", "sand", "snow"]
    asked = aok_vqa.question("train", image_id, "2Overlap000000000000000", "What is the road made of?", choices, 0)
    _append(root / "coco" / "aokvqa_v1p0_train.json", asked)


def _add_to_vqa_v2(root: Path, *image_ids: int) -> None:
    for image_id in image_ids:
        asked = {"image_id": image_id, "question": "What is it?", "question_id": image_id * 1000}
        annotated = {"question_type": "what is", "multiple_choice_answer": "moped", "answer_type": "other"}
        annotated |= {"answers": vqa_v2.answers("moped"), "image_id": image_id, "question_id": image_id * 1000}
        _append(root / "coco" / "v2_OpenEnded_mscoco_train2014_questions.json", asked, "questions")
        _append(root / "coco" / "v2_mscoco_train2014_annotations.json", annotated, "annotations")


def _add_to_vsr(root: Path, image_id: int) -> None:
    added = vsr.line(image_id, "The man is on the motorcycle.", 1, "on")
    write_lines(root / "vsr" / "train.jsonl", [*vsr.lines(), added])


def _add_to_refcocog(root: Path, image_id: int) -> None:
    references = [*refcoco.references("test"), refcoco.reference(20, image_id, image_id, "train", "striped")]
    refcoco.write_zip(root / "coco" / "refcocog.zip", "refs(umd).p", pickle.dumps(_plain(references), protocol=2))


def _plain(references: list[dict[str, object]]) -> list[dict[str, object]]:
    """With plain numbers, as Python 3 writes them."""
    return [json.loads(json.dumps(reference)) for reference in references]


def _add_to_gqa(root: Path, image_id: int) -> None:
    path = root / "gqa" / gqa.ZIP
    with zipfile.ZipFile(path) as archive:
        files = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    files["train_balanced_questions.json"]["09990000"] = gqa.question("Is it red?", str(image_id), "yes", "Yes.")
    with zipfile.ZipFile(path, "w") as archive:
        for name, questions in files.items():
            archive.writestr(name, json.dumps(questions))
    write_picture(root / "gqa" / "images" / f"{image_id}.jpg")


def _add_to_visual7w(root: Path, image_id: int) -> None:
    path = root / "visual7w" / "dataset_v7w_telling.zip"
    with zipfile.ZipFile(path) as archive:
        read = json.loads(archive.read("dataset_v7w_telling.json"))
    asked = visual7w.pair(image_id, NEW, "Who rides?", "A man.", ["A dog.", "A cat.", "A cow."], "who")
    read["images"].append(visual7w.image(image_id, "train", [asked]))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("dataset_v7w_telling.json", json.dumps(read))
    write_picture(root / "visual7w" / "images" / f"v7w_{image_id}.jpg", visual7w.WIDTH, visual7w.HEIGHT)


def _add_test_questions(root: Path, image_id: int) -> None:
    """To Visual Genome: two by the numbers and one by the words of Visual7W, beside one that it does not ask."""
    folder = root / "visual_genome"
    described = {"width": 200, "height": 160, "image_id": image_id, "coco_id": None, "flickr_id": None, "url": ""}
    _append(folder / "image_data.json", described)
    question = visual_genome.question
    asked = [
        question(990_203, image_id, "The same by its number?", "4."),
        question(1_200_200, image_id, "One with boxes, by its number?", "This."),
        question(NEW + 1, image_id, "How many,  AT 4?", "5."),
        question(NEW + 2, image_id, "What is asked here alone?", "This."),
    ]
    visual_genome.write_zip(
        folder / "question_answers.json.zip",
        "question_answers.json",
        [*visual_genome.questions(), {"id": image_id, "qas": asked}],
    )
    regions = [{"regions": [visual_genome.region(NEW, image_id, "a lamp", 0, 0, 50, 50)], "id": image_id}]
    visual_genome.write_zip(
        folder / "region_descriptions.json.zip", "region_descriptions.json", [*visual_genome.regions(), *regions]
    )
    write_picture(folder / "VG_100K" / f"{image_id}.jpg", visual_genome.WIDTH, visual_genome.HEIGHT)


def _append(path: Path, record: object, at: str = "") -> None:
    read = json.loads(path.read_text(encoding="utf-8"))
    (read[at] if at else read).append(record)
    write_json(path, read)
