"""DocVQA and InfographicVQA as their site gives them out, with a few questions."""

from pathlib import Path

from miniatures.files import write_json, write_picture


def on_page(number, question, image="xnbl0037_1.png", answers=None, kinds=("form",), split="train"):
    return {
        "questionId": number,
        "question": question,
        **({"question_types": list(kinds)} if answers is not None else {}),
        "image": f"documents/{image}",
        "docId": 279,
        "ucsf_document_id": image.partition("_")[0],
        "ucsf_document_page_no": "1",
        **({"answers": answers} if answers is not None else {}),
        "data_split": split,
    }


def on_infographic(number, question, image="38889.jpeg", answers=None, split="train"):
    types = {"answer_type": ["multi-span"], "evidence": ["text"], "operation/reasoning": []}
    return {
        "questionId": number,
        "question": question,
        "image_local_name": image,
        "image_url": f"https://i.pinimg.com/originals/{image}",
        "ocr_output_file": f"{image.partition('.')[0]}.json",
        **({"answers": answers} if answers is not None else {}),
        **(types if split == "val" else {}),
        "data_split": split,
    }


PAGES = [
    on_page(337, "what is the date mentioned in this letter? ", answers=["1/8/93"]),
    on_page(338, "what is the contact person name?", answers=["P. Carter", "p. carter", "p. carter"]),
    on_page(339, "Is it signed?", "yhnk0226_2.png", answers=["yes"], kinds=("handwritten", "Yes/No")),
    on_page(340, "Which São Paulo address is it?", answers=["Rua 9"]),  # the first page again, later
    on_page(341, "what was cut off?", answers=[""]),
]
INFOGRAPHICS = [
    on_infographic(65718, "what is the share of iOS?", answers=["25%", "25 percent", "25%"]),
    on_infographic(65719, "Which two are cheap?", answers=["tea, coffee"]),
]


def write(root: Path) -> None:
    def about(name, split, data):
        return {"dataset_name": name, "dataset_version": "1.0", "dataset_split": split, "data": data}

    docvqa = root / "docvqa"
    write_json(docvqa / "train_v1.0_withQT.json", about("docvqa", "train", PAGES))
    validation = on_page(49153, "what is the page number?", answers=["1"], split="val")
    write_json(docvqa / "val_v1.0_withQT.json", about("docvqa", "val", [validation]))
    hidden = [on_page(57344 + n, text, split="test") for n, text in enumerate(("what is the fax number?", "who?"))]
    write_json(docvqa / "test_v1.0.json", about("docvqa", "test", hidden))
    for name in ("xnbl0037_1.png", "yhnk0226_2.png"):
        write_picture(docvqa / "documents" / name, kind="PNG")

    infovqa = root / "infovqa"
    names = {"train": "train_v1.0", "val": "val_v1.0_withQT", "test": "test_v1.0"}
    data = {
        "train": INFOGRAPHICS,
        "val": [on_infographic(70000, "how many are there?", answers=["3", "three"], split="val")],
        "test": [on_infographic(80000, "how many were there?", split="test")],
    }
    for split, name in names.items():
        write_json(infovqa / f"infographicsVQA_{name}.json", about("infographicVQA", split, data[split]))
    write_picture(infovqa / "images" / "38889.jpeg", 40, 160)
