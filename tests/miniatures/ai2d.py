"""AI2D as its site gives it out, with a few diagrams."""

from pathlib import Path

from miniatures.files import write_json, write_picture

DIAGRAMS = 30
TESTED = (2, 7)
STAGES = {"T0": ("larva", "B"), "T1": ("egg", "A"), "T2": ("pupa ", "C"), "T3": ("adulto é", "D")}


def asked(image, number, answers, right, is_label):
    return {
        "abcLabel": is_label,
        "answerTexts": answers,
        "correctAnswer": right,
        "questionId": f"{image}-{number}",
    }


def write(root: Path) -> None:
    home = root / "ai2d" / "ai2d"
    for number in range(DIAGRAMS):
        image = f"{number}.png"
        write_picture(home / "images" / image, 40, 30, "PNG")
        questions = {
            "What stage comes after the egg? ": asked(image, 0, ["adult", "larva ", "pupa", "Egg"], 1, False),
            "Which label refers to the pupa?": asked(image, 1, ["A", "B", "C", "D"], 2, True),
        }
        if number == 3:
            questions["What is shown twice?"] = asked(image, 2, ["egg", "pupa", "egg", "moth"], 2, False)
        described = {"imageName": image, "questions": {} if number == 4 else questions}
        write_json(home / "questions" / f"{image}.json", described)
        if number == 5:
            continue  # a diagram without annotation
        texts = {
            key: {"id": key, "rectangle": [[4, 4], [18, 9]], "replacementText": label, "value": value}
            for key, (value, label) in ({} if number == 6 else STAGES).items()
        }
        annotation = {"arrowHeads": {}, "arrows": {}, "blobs": {}, "relationships": {}, "text": texts}
        write_json(home / "annotations" / f"{image}.json", {**annotation, "imageConsts": {}, "imageName": image})
    (root / "ai2d" / "ai2d_test_ids.csv").write_text("".join(f"{number}\n" for number in (*TESTED, 4_000)))
