"""Malformed annotation files, for every data set that can be read: a sentence that names the file, or a record that is
skipped and named. Never a traceback, never a sample that cannot be written."""

import copy
import functools
import importlib
import io
import itertools
import json
import pickle
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from golden_samples import source_of

from vlm.cli import main
from vlm.data.columns import from_columns, to_columns
from vlm.data.errors import DataError
from vlm.data.pickles import plain_value
from vlm.data.registry import DATA_SETS
from vlm.data.source import Source

MANY = 5
"""Annotation files that are tried, where each record has one."""

SPLITS = [(name, split) for name, data_set in DATA_SETS.items() for split in data_set.splits]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """The miniature of a data set, which is that of its reader's module: written once, and left as it is."""
    return functools.cache(lambda name: _written(name, tmp_path_factory.mktemp("pristine")))


def _written(name, root):
    read = DATA_SETS[name].read
    module = getattr(read, "func", read).__module__.rpartition(".")[2]
    importlib.import_module(f"miniatures.{module}").write(root)
    return root


def attempt(name, split, root, scratch):
    """All samples and what was counted; or the sentence that refuses them. Anything else is a failure."""
    scratch.mkdir(exist_ok=True)
    data_set = DATA_SETS[name]
    source = source_of(data_set, root, split, scratch)
    samples = []
    try:
        if data_set.before is not None:
            data_set.before(source)
        for piece in data_set.pieces(source.path, split):
            source.piece = piece
            samples += data_set.read(source)
        source.tally.require_few_skipped()
    except DataError as error:
        return SimpleNamespace(refused=str(error), samples=samples, tally=source.tally)
    return SimpleNamespace(refused=None, samples=samples, tally=source.tally)


def annotations_of(name, split, root, scratch):
    """The annotation files that are opened, by their paths in the folder of the data set, with their contents."""
    found = {}
    opening = Source.open

    def noted(source, asked):
        with opening(source, asked) as file:
            found[source.path / asked] = file.read()
        return opening(source, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "open", noted)
        assert attempt(name, split, root, scratch).samples, f"the miniature of {name} has no {split} sample"
    if len(found) > MANY:  # a file for each record
        found = dict(list(found.items())[:MANY])
    if not found:  # read by themselves, such as shards
        folder = root / DATA_SETS[name].folder
        found = {path: path.read_bytes() for path in folder.rglob("*") if path.suffix in (".json", ".parquet")}
    return found


def require_told(result, path, unbroken):
    """What is wrong with a file is told with its name, or the samples are the same as those of the unbroken file.

    None for these says that they need not be: one byte may break the name of a field that may be missing.
    """
    if result.refused is not None:
        assert path.name in result.refused or str(path.parent) in result.refused, result.refused
        assert "\n" not in result.refused
        assert result.refused.endswith(".")
    elif result.tally.skipped:
        assert path.name in result.tally.named["skipped"][0]
    else:
        assert unbroken is None or result.samples == unbroken


def require_sound(result, root):
    """Whatever was made of the rest can be written, and its pictures lie below the root."""
    if result.samples:
        assert list(from_columns(to_columns(result.samples))) == result.samples
    for sample in result.samples:
        assert (root / sample.image).resolve().is_relative_to(root.resolve())
        assert (root / sample.image).exists()


def changed(path, content):
    """Writes a file, beside the zip that it is from where it was packed; gives back how to undo that."""
    was = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return lambda: path.unlink() if was is None else path.write_bytes(was)


BROKEN = {
    "empty": lambda content: b"",
    "a list": lambda content: b"[]",
    "an object": lambda content: b"{}",
    "null": lambda content: b"null",
    "a text": lambda content: b'"x"',
    "a page": lambda content: b"<!DOCTYPE html>\n<html><body>404: Not Found</body></html>\n",
    "cut in half": lambda content: content[: len(content) // 2],
    "cut by its last sign": lambda content: content.rstrip()[:-1],
    "not UTF-8": lambda content: b"\xff".join((content[: len(content) // 2], content[len(content) // 2 :])),
    "UTF-16": lambda content: content.decode("utf-8", "replace").encode("utf-16"),
    "a zip": lambda content: b"PK\3\4" + bytes(range(256)) * 4,
}


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_a_file_that_is_not_what_it_should_be_is_named(name, split, pristine, tmp_path):
    root = pristine(name)
    before = attempt(name, split, root, tmp_path / "scratch")
    assert before.refused is None
    for path, content in annotations_of(name, split, root, tmp_path / "scratch").items():
        for how, broken in BROKEN.items():
            undo = changed(path, broken(content))
            try:
                result = attempt(name, split, root, tmp_path / "scratch")
            finally:
                undo()
            try:
                require_told(result, path, None if how == "not UTF-8" else before.samples)
                require_sound(result, root)
            except AssertionError as error:
                raise AssertionError(f"{path.name}, {how}: {error}") from error


WRONG = (5, -1.5, "text", "", [], {}, [None], True, float("nan"), 10**30, "\ud800", "../../../etc/passwd", "a\0")


def places_in(value, depth=5):
    """Paths to all that can be replaced in the first record: the first of each list, all of each object's fields."""
    if isinstance(value, list) and value and depth:
        yield (0,)
        yield from ((0, *path) for path in places_in(value[0], depth - 1))
    elif isinstance(value, dict) and depth:
        are_records = len(value) > 1 and all(isinstance(one, dict) for one in value.values())
        for key in list(value)[: 1 if are_records else None]:
            yield (key,)
            yield from ((key, *path) for path in places_in(value[key], depth - 1))


def parsed(path, content):
    """What a file holds, and how it is written; nothing where it has no fields."""
    if path.suffix == ".p":
        return plain_value(io.BytesIO(content), path.name), functools.partial(pickle.dumps, protocol=2)
    if path.suffix not in (".json", ".jsonl"):
        return None, None
    try:
        return json.loads(content), lambda value: json.dumps(value).encode()
    except ValueError:  # JSON lines
        first, *others = content.splitlines()
        return json.loads(first), lambda value: b"\n".join([json.dumps(value).encode(), *others])


def variants_of(value):
    """The document with each field removed, and replaced by what it should not be: each by some, all in turn."""
    turns = itertools.cycle(WRONG)
    for place in places_in(value):
        for wrong in ("removed", None, *itertools.islice(turns, 2)):
            document = copy.deepcopy(value)
            inner = functools.reduce(lambda one, key: one[key], place[:-1], document)
            if wrong == "removed":
                del inner[place[-1]]
            else:
                inner[place[-1]] = wrong
            yield f"{place} = {wrong!r}", document


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_a_field_that_is_missing_or_of_a_wrong_type_is_no_crash(name, split, pristine, tmp_path):
    root = pristine(name)
    for path, content in annotations_of(name, split, root, tmp_path / "scratch").items():
        document, written = parsed(path, content)
        if document is None:
            continue
        for how, variant in variants_of(document):
            undo = changed(path, written(variant))
            try:
                result = attempt(name, split, root, tmp_path / "scratch")
                require_sound(result, root)
            except Exception as error:
                raise AssertionError(f"{path.name}, {how}: {error!r}") from error
            finally:
                undo()
            if result.refused is None and result.tally.skipped:
                assert path.name in result.tally.named["skipped"][0] or "record" in result.tally.named["skipped"][0], (
                    how
                )
            if result.refused is not None:
                assert result.refused.endswith("."), how
                assert "\n" not in result.refused


@pytest.fixture
def vlm(tmp_path, monkeypatch, capfd):
    """Types `vlm prepare` and these arguments in an empty folder, in this process: code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def typed(*arguments):
        monkeypatch.setattr(sys, "argv", ["vlm", "prepare", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return SimpleNamespace(code=ended.value.code or 0, stdout=said.out, stderr=said.err)

    return typed


@pytest.fixture
def pope(pristine, tmp_path):
    """A root with POPE alone: 150 questions of each kind."""
    shutil.copytree(pristine("pope_random"), tmp_path / "root")
    path = tmp_path / "root" / "coco" / "coco_pope_random.json"
    line = json.loads(path.read_text().splitlines()[0])
    path.write_text("".join(json.dumps({**line, "question_id": number}) + "\n" for number in range(1, 151)))
    return path


def require_refused(result, said, out=Path("out")):
    assert result.code == 2, result
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists() or not [path for path in out.iterdir() if path.name != "unfinished"]


def with_broken(path, count):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(['{"question_id": 5}'] * count + lines[count:]))


def test_one_broken_record_among_many_is_skipped_and_named_and_counted_last(vlm, pope):
    with_broken(pope, 1)
    result = vlm("pope_random", "--root", "root", "--out", "out")
    assert result.code == 0, result.stderr
    assert "coco_pope_random.json, line 1: 'image' is missing." in result.stdout
    assert result.stdout.strip().splitlines()[-1] == "1 of 150 records were broken and skipped."


def test_two_broken_records_in_a_hundred_and_fifty_are_too_many(vlm, pope):
    with_broken(pope, 2)
    result = vlm("pope_random", "--root", "root", "--out", "out")
    require_refused(result, "2 of 150 records cannot be used, more than 1%")
    assert "line 1: 'image' is missing." in result.stderr


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"<html>", b"\xff\xfe\0", b"\x80" * 99])
def test_a_file_that_is_none_ends_the_command_with_its_name(content, vlm, pope):
    pope.write_bytes(content)
    require_refused(vlm("pope_random", "--root", "root", "--out", "out"), "coco_pope_random.json")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("popular", "--root", "root", "--out", "out"), "a mixture or a data set must be one of "),
        ((), "name what to prepare"),
        (("pope_random", "--out", "out"), "name the folder that the data sets are in with --root"),
        (("pope_random", "--root", "root"), "name a folder for the samples with --out"),
        (("pope_random", "--root", "nowhere", "--out", "out"), "nowhere is no folder"),
        (("vsr", "--root", "root", "--out", "out"), "vsr is missing: put the files of VSR there"),
        (("pope_random", "--root", "root", "--out", "out", "--cap", "pope_random=x"), "--cap is NAME=COUNT"),
        (("pope_random", "--root", "root", "--out", "out", "--weight", "1"), "a data set must be one of "),
        (
            ("pope_random", "--root", "root", "--out", "out", "--weight", "vsr=nan"),
            "the weight of vsr must lie above 0",
        ),
        (("pope_random", "--root", "root", "--out", "out", "--without", "x"), "a data set must be one of "),
        (("pope_random", "--root", "root", "--out", "out", "--without", "pope_random"), "nothing is left of"),
    ],
)
def test_what_a_person_gets_wrong_ends_in_a_sentence_and_writes_nothing(arguments, said, vlm, pope):
    result = vlm(*arguments)
    require_refused(result, said)
    assert not Path("out").exists()


def test_a_folder_of_samples_that_is_a_file_is_refused(vlm, pope):
    Path("out").write_text("mine")
    result = vlm("pope_random", "--root", "root", "--out", "out")
    assert result.code == 2
    assert "Traceback" not in result.stderr
    assert Path("out").read_text() == "mine"


def test_pictures_that_are_not_there_end_the_command_before_anything_is_written(vlm, pope):
    for folder in ("train2017", "val2017"):
        shutil.rmtree(Path("root") / "coco" / folder, ignore_errors=True)
    result = vlm("pope_random", "--root", "root", "--out", "out")
    require_refused(result, "there are no pictures in ")
    assert not Path("out").exists()
