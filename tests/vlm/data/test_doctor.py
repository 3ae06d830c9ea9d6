"""Whatever is wrong with a prepared folder is found, counted by data set, and named; a sound folder has nothing."""

import json
import os
from collections import Counter
from io import StringIO

import pytest
from miniatures.files import write_picture
from PIL import Image
from rich.console import Console

from vlm.data import doctor, picture_sweep
from vlm.data.contamination import Contamination
from vlm.data.doctor import examine, orphans
from vlm.data.errors import DataError
from vlm.data.findings import KINDS, print_report, to_json
from vlm.data.fingerprint import fingerprint
from vlm.data.picture_sweep import sweep
from vlm.sample import Question, Region, Sample

RULES = Contamination(
    pictures={"coco:4": ("COCO Karpathy test",)},
    listed={"coco:5": ("POPE",)},
    questions=frozenset({fingerprint("vg:6", "number", "60")}),
    unchecked=("VSR test: not looked for.",),
)


def asked(id, image="a.jpg", source="vqa_v2", answer="yes", known_as=(), **others):
    questions = others.pop("questions", (Question(question=f"Is this {id}?", answer=answer, id=id),))
    task = others.pop("task", "vqa")
    return Sample(id=id, image=image, task=task, source=source, questions=questions, known_as=known_as, **others)


def grounded(id, *boxes, image="a.jpg", source="refcoco"):
    regions = tuple(Region(box=box, phrase=f"thing of {id}") for box in boxes)
    return Sample(id=id, image=image, task="visual_grounding", source=source, regions=regions)


@pytest.fixture
def folder(tmp_path):
    for place, name in enumerate("abcde"):
        write_picture(tmp_path / f"{name}.jpg", 60 + 8 * place)
    return tmp_path


def counts(report):
    """What was found, apart from pictures of the folder that a test has no use for."""
    found = {kind: (finding.count, dict(finding.by_source)) for kind, finding in report.found.items()}
    return {kind: found[kind] for kind in found if kind != "picture without samples"}


def examined(folder, train=(), validation=(), test=(), contamination=None, **others):
    splits = {"train": iter(train), "validation": iter(validation), "test": iter(test)}
    return examine(splits, folder, contamination, **others)


SOUND = {
    "train": [asked("1", "a.jpg"), asked("2", "b.jpg", "gqa"), grounded("3", (0.1, 0.1, 0.9, 0.9), image="b.jpg")],
    "validation": [asked("4", "c.jpg")],
    "test": [asked("5", "d.jpg", answer="", answered=False), asked("6", "e.jpg")],
}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sound_folder_has_nothing(folder, workers):
    report = examined(folder, **SOUND, workers=workers)
    assert report.found == {}
    assert not report.is_fatal
    assert report.pictures == 5
    assert report.samples == {
        "train": Counter(vqa_v2=1, gqa=1, refcoco=1),
        "validation": Counter(vqa_v2=1),
        "test": Counter(vqa_v2=2),
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_broken_pictures_are_counted_once_and_in_each_data_set_that_has_them(folder, workers):
    (folder / "a.jpg").write_bytes((folder / "a.jpg").read_bytes()[:400])
    (folder / "b.jpg").unlink()
    (folder / "c.jpg").write_bytes(b"")
    (folder / "d.jpg").write_text("<html>")
    Image.new("RGB", (8, 8)).save(folder / "e.jpg", "GIF")
    train = [asked(str(n), f"{'aabbcde'[n]}.jpg", "gqa" if n == 1 else "vqa_v2") for n in range(7)]
    report = examined(folder, train, workers=workers)
    assert counts(report) == {
        "picture truncated": (1, {"gqa": 1, "vqa_v2": 1}),
        "picture missing": (1, {"vqa_v2": 1}),
        "picture file empty": (1, {"vqa_v2": 1}),
        "file is no picture": (1, {"vqa_v2": 1}),
        "picture of another kind than its name says": (1, {"vqa_v2": 1}),
    }
    assert report.is_fatal
    assert report.findings["picture truncated"].examples == ["a.jpg"]
    assert report.findings["picture of another kind than its name says"].examples == ["e.jpg is GIF"]


def test_no_more_than_twenty_are_named_and_all_are_counted(folder):
    report = examined(folder, [asked(str(n), f"{n:02}.jpg") for n in range(30)])
    missing = report.findings["picture missing"]
    assert missing.count == 30
    assert missing.examples == [f"{n:02}.jpg" for n in range(20)]


def test_an_id_of_two_samples_of_a_data_set_is_fatal(folder):
    train = [asked("1"), asked("1", "b.jpg"), asked("1", "c.jpg", "gqa"), asked("2", "c.jpg", "gqa")]
    report = examined(folder, train, [asked("1", "d.jpg")])
    assert counts(report) == {"id of several samples": (2, {"vqa_v2": 2})}
    assert report.findings["id of several samples"].examples == ["train, 1: 2 times"]
    assert report.is_fatal


def test_the_same_content_under_two_ids_is_noted_across_data_sets(folder):
    question = (Question(question="What?", answer="This.", id="7"),)
    again = (Question(question="What?", answer="This.", id="8"),)
    other = (Question(question="What?", answer="That.", id="9"),)
    train = [
        asked("1", questions=question),
        asked("2", source="gqa", questions=again),
        asked("3", questions=again),
        asked("4", questions=other),
        asked("5", "b.jpg", questions=question),
    ]
    test = [asked(id, "c.jpg", questions=question) for id in ("6", "7")]  # VQAv2's two test sets overlap
    report = examined(folder, train, test=test)
    assert counts(report) == {"training samples of the same content": (3, {"gqa": 1, "vqa_v2": 2})}
    assert report.findings["training samples of the same content"].examples == ["3 times: 1, 3"]
    assert not report.is_fatal


def test_the_same_file_under_two_names_is_found_by_its_content(folder):
    (folder / "b.jpg").write_bytes((folder / "a.jpg").read_bytes())
    train = [asked("1", "a.jpg"), asked("2", "b.jpg", "gqa"), asked("3", "c.jpg")]
    report = examined(folder, train)
    assert counts(report) == {"pictures of the same content": (2, {"gqa": 1, "vqa_v2": 1})}
    assert report.findings["pictures of the same content"].examples == ["2 files: a.jpg, b.jpg"]
    report = examined(folder, train[:1], test=train[1:])
    crossing = "training picture also in validation or test under another name"
    assert counts(report)[crossing] == (2, {"gqa": 1, "vqa_v2": 1})


def test_pictures_of_training_in_validation_or_test_are_found_by_any_of_their_names(folder):
    train = [
        asked("1", "a.jpg", known_as=("vg:1", "coco:1")),
        asked("2", "a.jpg", "gqa", known_as=("vg:1",)),
        asked("3", "b.jpg"),
        asked("4", "c.jpg", known_as=("coco:3",)),
    ]
    validation = [asked("5", "d.jpg", known_as=("coco:1",))]
    test = [asked("6", "e.jpg", known_as=("vg:1",)), asked("7", "b.jpg")]
    report = examined(folder, train, validation, test)
    assert counts(report) == {
        "training picture also in validation": (1, {"vqa_v2": 1}),
        "training picture also in test": (3, {"gqa": 1, "vqa_v2": 2}),
    }
    assert report.findings["training picture also in validation"].examples == ["1, a.jpg"]
    assert not report.is_fatal


def test_what_is_in_a_test_set_of_the_paper_is_counted_in_training_alone(folder):
    train = [
        asked("1", known_as=("coco:4",)),
        asked("2", known_as=("coco:5",)),
        asked("60", source="visual_genome", known_as=("vg:6",)),
    ]
    test = [asked("61", "b.jpg", known_as=("ai2d:4.png",))]
    report = examined(folder, train, test=test, contamination=RULES)
    assert counts(report) == {
        "picture in COCO Karpathy test": (1, {"vqa_v2": 1}),
        "question in Visual7W test": (1, {"visual_genome": 1}),
        "picture in POPE": (1, {"vqa_v2": 1}),
    }
    assert report.is_fatal
    assert report.unchecked == RULES.unchecked
    assert counts(examined(folder, test=[asked("1", known_as=("coco:4",))], contamination=RULES)) == {}


def test_without_the_test_sets_of_the_paper_it_says_so(folder):
    assert "not looked for" in examined(folder).unchecked[0]


def test_samples_that_training_would_stop_at_are_fatal(folder):
    wrong = (Question(question="Which?", answer="c", options=("a", "b")),)
    half = (Question(question="What?", answer="this"), Question(question="Why?", answer=" "))
    train = [
        asked("1", questions=wrong, task="multiple_choice_vqa"),
        asked("2", answer=""),
        asked("3", questions=half),
        asked("4", answered=False),
    ]
    report = examined(folder, train)
    assert counts(report) == {
        "sample cannot be laid out": (2, {"vqa_v2": 2}),
        "training sample without answers": (1, {"vqa_v2": 1}),
        "question without an answer": (2, {"vqa_v2": 2}),
    }
    assert report.findings["sample cannot be laid out"].examples == [
        "train, 1: 'Which?': 'c' is not one of the options ['a', 'b'].",
        "train, 2: it has nothing to answer.",
    ]


def test_boxes_in_which_nothing_can_be_seen_are_noted(folder):
    write_picture(folder / "a.jpg", 50, 40)  # 2,000 pixels
    boxes = [(0.5, 0.1, 0.5, 0.9), (0.0, 0.0, 0.01, 0.04), (0.0, 0.0, 0.02, 0.03), (0.1, 0.1, 0.9, 0.9)]
    options = (Question(question="Which?", answer="[0.00,0.00,1.00,1.00]", options=((0, 0, 1, 1), (1, 1, 1, 1))),)
    choice = asked("2", questions=options, task="grounded_multiple_choice_vqa", source="visual7w pointing")
    report = examined(folder, [grounded("1", *boxes), choice])
    assert counts(report) == {
        "box without an area": (2, {"refcoco": 1, "visual7w pointing": 1}),
        "box smaller than a pixel": (1, {"refcoco": 1}),
    }
    assert report.findings["box smaller than a pixel"].examples == ["1: 0.01 x 0.04 of its picture"]


def test_pictures_that_no_sample_names_are_found_in_folders_that_samples_use(folder):
    for place in ("used/a.jpg", "used/b.PNG", "used/deeper/c.jpg", "other/d.jpg"):
        write_picture(folder / place, kind="PNG" if place.endswith("PNG") else "JPEG")
    (folder / "used" / "a.json").write_text("{}")
    report = examined(folder, [asked("1", "used/a.jpg")])
    unused = report.findings["picture without samples"]
    assert (unused.count, unused.by_source, unused.examples) == (1, {"used": 1}, ["used/b.PNG"])
    assert list(orphans(folder, ["used/deeper", "missing", "used"], {"used/b.PNG"})) == [
        "used/a.jpg",
        "used/deeper/c.jpg",
    ]


def test_more_samples_than_are_written_at_once_are_all_compared(folder, monkeypatch):
    monkeypatch.setattr(doctor, "TOGETHER", 3)
    train = [asked(str(n), "ab"[n % 2] + ".jpg") for n in range(10)]
    report = examined(folder, [*train, asked("0", "c.jpg"), grounded("x", (0, 0, 0, 0))], test=[asked("t", "b.jpg")])
    assert counts(report) == {
        "id of several samples": (2, {"vqa_v2": 2}),
        "training picture also in test": (5, {"vqa_v2": 5}),
        "box without an area": (1, {"refcoco": 1}),
    }
    assert report.findings["box without an area"].examples[0].startswith("x: ")


class Deadly:
    """Ends the process that it is sent to, as the system does when memory runs out."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_process_that_is_killed_ends_in_a_sentence(folder):
    with pytest.raises(DataError, match="was killed"):
        list(sweep(folder, ["a.jpg", Deadly(), "b.jpg"], workers=2))


def test_pictures_are_handed_out_no_faster_than_they_are_checked(folder, monkeypatch):
    monkeypatch.setattr(picture_sweep, "LOT", 2)
    asked_for = []

    def names():
        for number in range(100_000):
            asked_for.append(number)
            yield "a.jpg"

    seen = sweep(folder, names(), workers=2)
    assert next(seen).name == "a.jpg"
    assert len(asked_for) == 2 * 2 * picture_sweep.AHEAD
    seen.close()


def test_a_picture_that_is_taken_away_meanwhile_does_not_end_the_work(folder, monkeypatch):
    judged = picture_sweep.check_picture

    def check_and_remove(path):
        verdict = judged(path)
        path.unlink()
        return verdict

    monkeypatch.setattr(picture_sweep, "check_picture", check_and_remove)
    assert counts(examined(folder, [asked("1")])) == {"picture unreadable": (1, {"vqa_v2": 1})}


def test_nothing_is_left_behind(folder, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")
    examined(folder, **SOUND, scratch=scratch)
    assert list(scratch.iterdir()) == []


def test_the_report_can_be_read_by_people_and_programs(folder):
    (folder / "b.jpg").unlink()
    train = [asked(str(n), f"no[bold]{n}.jpg", "a [b]") for n in range(4)]
    report = examined(folder, [*train, asked("7", "a.jpg", known_as=("coco:5",))], contamination=RULES)
    output = StringIO()
    print_report(report, Console(file=output, width=160))
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    assert lines[0] == "Samples: 5 train, 0 validation, 0 test. Pictures: 5."
    assert any(line.startswith("fatal") and "picture missing" in line and "a [b] 4" in line for line in lines)
    assert any(line.startswith("note") and "picture in POPE" in line for line in lines)
    assert lines[lines.index("picture missing:") + 1 :][:4] == [*(f"    no[bold]{n}.jpg" for n in range(3)), "    ..."]
    assert "VSR test: not looked for." in lines
    assert lines[-1] == "To be mended before training: 1."
    read = json.loads(json.dumps(to_json(report)))
    assert read["fatal"] is True
    assert read["findings"].keys() == KINDS.keys()
    assert read["findings"]["picture missing"] == {
        "severity": "fatal",
        "unit": "pictures",
        "count": 4,
        "by_source": {"a [b]": 4},
        "examples": [f"no[bold]{n}.jpg" for n in range(4)],
    }
    assert read["findings"]["picture in AI2D test"]["count"] == 0


def test_a_folder_without_faults_is_said_to_be_so(folder):
    output = StringIO()
    print_report(examined(folder, **SOUND), Console(file=output, width=160))
    assert output.getvalue().endswith("Nothing that was found stands against training.\n")
