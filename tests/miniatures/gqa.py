"""GQA as its site gives it out, with a few questions: all files of questions in one zip."""

import json
import zipfile
from pathlib import Path

from miniatures.files import write_picture

ZIP = "questions1.2.zip"
SKY, CAFE, MANY, NEW = "2354786", "2375429", "2386621", "n578270"


def question(text, image, answer, full_answer, structural="query"):
    return {
        "semantic": [{"operation": "select", "dependencies": [], "argument": "sky (2088923)"}],
        "entailed": ["02930160"],
        "equivalent": ["02930152"],
        "question": text,
        "imageId": image,
        "isBalanced": True,
        "groups": {"global": None, "local": "06-sky_dark"},
        "answer": answer,
        "semanticStr": "select: sky (2088923)->verify color: dark [0]",
        "annotations": {"answer": {}, "question": {"2": "2088923"}, "fullAnswer": {"2": "2088923"}},
        "types": {"detailed": "verifyAttr", "semantic": "attr", "structural": structural},
        "fullAnswer": full_answer,
    }


BALANCED = {
    "02930152": question("Is the sky dark?", SKY, "yes", "Yes, the sky is dark.", "verify"),
    "07333408": question("What is on the wall of the café?", CAFE, "pipe", "The pipe is on the wall."),
    "02930158": question("Which color is the sky?", SKY, "dark blue", "The sky is dark blue."),
    "02930160": question("What is the dog doing?", SKY, "", ""),
}
VALIDATION = {
    f"0500{number:04d}": question(f"Is this number {number}?", MANY, "no", "No, it is not.", "verify")
    for number in range(22)  # more than a sample holds
}
TESTDEV = {
    "201307251": question("Is it overcast?", NEW, "no", "No, it is clear.", "verify"),
    "201640614": question("Who is wearing the dress?", NEW, "woman", "The woman is wearing a dress."),
}
HIDDEN = {"201971873": {"isBalanced": True, "question": "Is there a fence?", "imageId": NEW}}


def write(root: Path) -> None:
    gqa = root / "gqa"
    gqa.mkdir(parents=True, exist_ok=True)
    unbalanced = question("Is there a bird in the sky?", SKY, "no", "No, there is no bird.", "verify")
    parts = [{f"0714000{number}": question("Is it cloudy?", MANY, "no", "No, it is clear.")} for number in range(10)]
    parts[0] = BALANCED
    parts[9] = {"02930199": {**unbalanced, "isBalanced": False}}
    with zipfile.ZipFile(gqa / ZIP, "w") as archive:
        for name, questions in {
            "train_balanced_questions.json": BALANCED,
            "val_balanced_questions.json": VALIDATION,
            "testdev_balanced_questions.json": TESTDEV,
            "test_balanced_questions.json": HIDDEN,
            "val_all_questions.json": VALIDATION | {"05990000": {**unbalanced, "isBalanced": False}},
            "testdev_all_questions.json": TESTDEV | {"201999999": {**unbalanced, "isBalanced": False}},
            **{f"train_all_questions/train_all_questions_{number}.json": part for number, part in enumerate(parts)},
        }.items():
            archive.writestr(name, json.dumps(questions))
    for image in (SKY, CAFE, MANY, NEW):
        write_picture(gqa / "images" / f"{image}.jpg")
