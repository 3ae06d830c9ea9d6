"""OCR-VQA as its site gives it out, with a few books, most of which the filters leave out."""

from pathlib import Path

from miniatures.files import write_json, write_picture
from PIL import Image

SHOP = "http://ecx.images-amazon.com/images/I/"
SIZE = (360, 400)


def book(url, title, author, genre, split=1, questions=None):
    asked = questions or [
        ("Who is the author of this book?", author),
        ("What is the title of this book?", title),
        ("What type of book is this?", genre),
        (f"Is this book related to {genre}?", "Yes"),
        ("Is this a sociopolitical book?", "No"),
    ]
    return {
        "imageURL": SHOP + url,
        "questions": [question for question, _ in asked],
        "answers": [answer for _, answer in asked],
        "title": title,
        "authorName": author,
        "genre": genre,
        "split": split,
    }


BOOKS = {
    "1421584662": book("61mTWuRqQKL.jpg", "Mom's Family Wall Calendar 2016", "Sandra Boynton", "Calendars"),
    "0789331411": book("51tVYnpKXAL.jpg", "Crème brûlée", "", "Cookbooks, Food & Wine"),  # nobody wrote it
    "1623439671": book("51Z8vKqdm6L.jpg", "Doug the Pug", "Leslie Mosier", "Humor"),
    "B00O80WC6I": book("51Z8vKqdm6L.jpg", "Doug the Pug 2016", "Leslie Mosier", "Calendars"),  # the same picture
    "0761183272": book("SMALL.jpg", "Small", "A. Author", "Travel"),
    "1449468853": book("BLANK.jpg", "Blank", "A. Author", "Law"),
    "1416236414": book("MISSING.jpg", "Missing", "A. Author", "History"),
    "0316407119": book("LISTED.jpg", "", "", "Travel", questions=[("What is the genre of this book? ", "Travel")]),
    "0312946333": book("51Z8vKqdm6L.jpg", "Dough", "The Pug", "Humor", split=2),
    "0312946334": book("41Z8vKqdm6L.gif", "Tests", "A. Tester", "Test Preparation", split=3),
}


def write(root: Path) -> None:
    folder = root / "ocr_vqa"
    write_json(folder / "dataset.json", BOOKS)
    for key, described in BOOKS.items():
        if key not in ("0761183272", "1449468853", "1416236414", "0312946334"):
            write_picture(folder / "images" / f"{key}{described['imageURL'][-4:]}", *SIZE)
    write_picture(folder / "images" / "0761183272.jpg", 500, 350)
    Image.new("RGB", SIZE, "white").save(folder / "images" / "1449468853.jpg")
    write_picture(folder / "images" / "41Z8vKqdm6L.gif", *SIZE, "GIF")  # under the name in its URL
