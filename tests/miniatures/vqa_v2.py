"""VQAv2 as its site gives it out, with a few questions."""

from pathlib import Path

from miniatures.files import write_json, write_picture

LAST_IMAGE = 57870


def answers(*texts):
    said = [*texts, *[texts[0]] * (10 - len(texts))]
    return [{"answer": text, "answer_confidence": "yes", "answer_id": n} for n, text in enumerate(said, 1)]


def write(root: Path) -> None:
    questions, annotations = [], []

    def ask(image_id, question_id, question, given, kind="what is"):
        questions.append({"image_id": image_id, "question": question, "question_id": question_id})
        annotations.append(
            {
                "question_type": kind,
                "multiple_choice_answer": given[0]["answer"],
                "answers": given,
                "image_id": image_id,
                "answer_type": "other",
                "question_id": question_id,
            }
        )

    ask(458752, 458752000, "What is this photo taken looking through?", answers("net", "netting", "mesh"))
    ask(458752, 458752001, "What position is this man playing?", answers("pitcher", "catcher", "catcher"))
    ask(458752, 458752002, "Is it raining at the café? ", answers("", "no"), "is it")  # most of the ten said nothing
    ask(458752, 458752003, "How many?", answers("2", "two", "2", "two", "two", "two", "two", "two", "two", "2"))
    for number in range(22):  # more than a sample holds
        ask(LAST_IMAGE, LAST_IMAGE * 1000 + number, f"Is this number {number}?", answers("yes", "no"), "is this")
    coco = root / "coco"
    about = {"info": {"year": 2017}, "task_type": "Open-Ended", "license": {"name": "CC BY 4.0"}}
    for year in ("train2014", "val2014"):
        described = {**about, "data_type": "mscoco", "data_subtype": year}
        write_json(coco / f"v2_OpenEnded_mscoco_{year}_questions.json", {**described, "questions": questions})
        write_json(coco / f"v2_mscoco_{year}_annotations.json", {**described, "annotations": annotations})
    for year in ("test-dev2015", "test2015"):
        tested = [{"image_id": 1, "question": "Is the ball flying?", "question_id": 1000}]
        write_json(coco / f"v2_OpenEnded_mscoco_{year}_questions.json", {**about, "questions": tested})
    write_picture(coco / "train2017" / "000000458752.jpg")
    write_picture(coco / "val2017" / f"{LAST_IMAGE:012d}.jpg", 30, 90)
    write_picture(coco / "test2015" / "COCO_test2015_000000000001.jpg")
