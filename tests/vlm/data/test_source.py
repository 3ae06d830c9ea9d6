"""Where annotations and pictures are found, what may not be found, and what is drawn."""

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from miniatures.files import write_json, write_lines, write_picture

from vlm.data.errors import DataError, DroppedError, RecordError
from vlm.data.how import How
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import SampleError

HUNDRED = [{"n": number} for number in range(100)]


def source_of(root, **others):
    return Source(root=root, folder="set", split="train", **others)


def zip_of(path, members, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def read(source, *asked, **how):
    return [record.whole("n") for record in source.records(*asked, **how)]


@pytest.mark.parametrize("member", ["a.json", "annotations/v2/a.json"])
def test_an_annotation_file_is_read_from_the_zip_it_came_in_whatever_its_folder_there(tmp_path, member):
    zip_of(tmp_path / "set" / "other.zip", {"b.json": "[]"})
    archive = zip_of(tmp_path / "set" / "annotations.zip", {"__MACOSX/._a.json": "", member: json.dumps(HUNDRED)})
    source = source_of(tmp_path)
    assert source.has("a.json")
    assert read(source, "a.json") == list(range(100))
    assert source.opened == {"set/annotations.zip": len(json.dumps(HUNDRED))}
    assert archive.exists()


def test_an_unpacked_file_comes_before_the_zip(tmp_path):
    zip_of(tmp_path / "set" / "annotations.zip", {"a.json": '[{"n": 5}]'})
    write_json(tmp_path / "set" / "a.json", [{"n": 6}])
    assert read(source_of(tmp_path), "a.json") == [6]


def test_a_file_that_is_missing_is_named_with_its_folder(tmp_path):
    with pytest.raises(DataError) as refused:
        read(source_of(tmp_path), "a.json")
    assert str(refused.value) == f"{tmp_path}/set has no a.json: download it there from the data set's site."


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_that_is_broken_anywhere_ends_in_a_sentence(tmp_path, method):
    path = zip_of(tmp_path / "set" / "a.zip", {"a.json": json.dumps(HUNDRED)}, compression=method)
    content = path.read_bytes()
    for place in range(0, len(content), 3 if method else 17):
        for broken in (content[:place], content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :]):
            path.write_bytes(broken)
            try:
                assert read(source_of(tmp_path), "a.json") == list(range(100))
            except (DataError, RecordError) as error:
                assert "a.json" in str(error)


def test_a_zip_with_a_password_ends_in_a_sentence(tmp_path):
    path = zip_of(tmp_path / "set" / "a.zip", {"a.json": "[{}]"})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json cannot be read \(.*a\.zip is encrypted\): download it again\."):
        read(source_of(tmp_path), "a.json")


def test_a_folder_in_the_place_of_a_file_ends_in_a_sentence(tmp_path):
    (tmp_path / "set" / "a.json").mkdir(parents=True)
    with pytest.raises(DataError, match=r"has no a\.json"):
        read(source_of(tmp_path), "a.json")


def test_records_are_counted_told_of_and_skipped(tmp_path):
    path = write_lines(tmp_path / "set" / "a.jsonl", [*HUNDRED, 5])
    told = []
    source = source_of(tmp_path, told=told.append)
    assert read(source, "a.jsonl") == list(range(100))
    assert (source.tally.read, source.tally.skipped) == (101, 1)
    assert source.tally.named["skipped"] == [f"{path}, line 101: it should be an object and is 5."]
    assert sum(told) == path.stat().st_size


def test_a_first_look_reads_the_first_records_of_each_file(tmp_path):
    for name in ("a.json", "b.json"):
        write_json(tmp_path / "set" / name, HUNDRED)
    source = source_of(tmp_path, first=3)
    assert [record.ordinal for name in ("a.json", "b.json") for record in source.records(name)] == [1, 2, 3] * 2
    assert len(read(source_of(tmp_path, first=100), "a.json")) == 100


def test_what_is_wrong_with_a_record_is_counted_by_what_it_is(tmp_path):
    source, record = source_of(tmp_path), Record("a.json, record 1", {})
    for error in (DroppedError("too small", "x.jpg"), DroppedError("too small"), RecordError("y."), SampleError("z.")):
        with source.skipping(record):
            raise error
    assert (dict(source.tally.dropped), source.tally.skipped) == ({"too small": 2}, 2)
    assert source.tally.named == {"too small": ["x.jpg", "a.json, record 1"], "skipped": ["y.", "a.json, record 1: z."]}


@pytest.mark.parametrize("there", ["set/one/a.jpg", "set/two/a.jpg", "coco/train2017/a.jpg"])
def test_a_picture_is_found_in_any_of_its_folders(tmp_path, there):
    write_picture(tmp_path / there)
    found = source_of(tmp_path).picture("one/a.jpg", "two/a.jpg", "/coco/train2017/a.jpg")
    assert found == there


def test_a_picture_that_is_missing_among_others_is_dropped(tmp_path):
    write_picture(tmp_path / "set" / "images" / "a.jpg")
    with pytest.raises(DroppedError) as dropped:
        source_of(tmp_path).picture("images/b.jpg")
    assert (dropped.value.reason, dropped.value.what) == ("picture missing", f"{tmp_path}/set/images/b.jpg")


def test_a_folder_of_pictures_that_is_missing_or_empty_ends_the_work(tmp_path):
    (tmp_path / "coco" / "train2017").mkdir(parents=True)
    with pytest.raises(DataError) as refused:
        source_of(tmp_path).picture("images/00/a.jpg", "/coco/train2017/a.jpg")
    assert str(refused.value) == (
        f"there are no pictures in {tmp_path}/set/images or {tmp_path}/coco/train2017: "
        "unpack the data set's archive of pictures there."
    )


OUTSIDE = [
    "../outside.jpg",
    "../../etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "a/../../../outside.jpg",
    "..",
    ".",
    "",
    "a.jpg/",
    "a\0.jpg",
    "\0",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_out_of_the_folder_is_a_broken_record_and_nothing_is_looked_at(tmp_path, name):
    root = tmp_path / "root"
    write_picture(root / "set" / "images" / "a.jpg")
    write_picture(root / "set" / "outside.jpg")
    write_picture(tmp_path / "outside.jpg")
    source = source_of(root)
    with source.skipping(Record("a.json, record 1", {})):
        source.picture(f"images/{name}")
    assert source.tally.skipped == 1
    assert source.tally.named["skipped"][0].startswith("a.json, record 1: its picture has a name that no picture can")


@pytest.mark.parametrize("name", ["//etc/passwd", "/../outside.jpg", "../outside.jpg"])
def test_no_name_leads_out_of_the_root(tmp_path, name):
    write_picture(tmp_path / "outside.jpg")
    (tmp_path / "root" / "set").mkdir(parents=True)
    with pytest.raises(SampleError, match="its picture has a name that no picture can have"):
        source_of(tmp_path / "root").picture(name)


@pytest.mark.parametrize("name", ["a" * 10_000 + ".jpg", "a" * 10_000 + "/a.jpg", "é/\n.jpg", "a@b#1.jpg", "-rf", "*"])
def test_an_odd_name_is_no_more_than_missing(tmp_path, name):
    write_picture(tmp_path / "set" / "images" / "a.jpg")
    source = source_of(tmp_path)
    with pytest.raises(DroppedError, match="picture missing"):
        source.picture(f"images/{name}")


def test_a_picture_without_a_size_is_dropped(tmp_path):
    write_picture(tmp_path / "set" / "a.jpg", 40, 30)
    (tmp_path / "set" / "b.jpg").write_bytes(b"no picture")
    assert source_of(tmp_path).size("set/a.jpg") == (40, 30)
    with pytest.raises(DroppedError, match="picture unreadable"):
        source_of(tmp_path).size("set/b.jpg")


NUMBERS = st.floats(-1e6, 1e6)
SIDES = st.floats(1e-3, 1e6)
SHARES = st.floats(0, 1)


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), st.tuples(SIDES, SIDES))
def test_a_box_is_cut_at_the_border_or_left_out(corners, size):
    source = source_of(Path())
    box = source.box(corners, size, "here")
    if box is None:
        assert source.tally.named == {"box without an area": ["here"]}
        return
    x1, y1, x2, y2 = box
    assert 0 <= x1 < x2 <= 1
    assert 0 <= y1 < y2 <= 1
    shares = [corner / size[n % 2] for n, corner in enumerate(corners)]
    assert list(box) == [min(max(share, 0), 1) for share in shares]
    was_inside = all(0 <= share <= 1 for share in shares)
    assert dict(source.tally.changed) == ({} if was_inside else {"box cut at the border of its picture": 1})


@given(st.tuples(SHARES, SHARES, SHARES, SHARES))
def test_a_box_inside_is_as_it_was(shares):
    x1, x2, y1, y2 = *sorted(shares[:2]), *sorted(shares[2:])
    found = source_of(Path()).box((x1, y1, x2, y2), (1, 1), "here")
    assert found == ((x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None)


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-1, 10)])
def test_a_picture_without_an_area_has_no_boxes(size):
    with pytest.raises(RecordError, match=rf"^here: its picture is {size[0]} x {size[1]} pixels large\.$"):
        source_of(Path()).box((0, 0, 1, 1), size, "here")


NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(), max_size=3)


@given(st.integers(0, 9), NAMES, st.integers(0, 9), NAMES)
def test_what_is_drawn_depends_on_the_seed_and_on_what_it_is_for_alone(seed, names, other_seed, other_names):
    one = Source(root=Path("a"), folder="a", split="train", how=How(seed=seed))
    same = Source(root=Path("b"), folder="b", split="test", how=How(seed=seed), piece="5")
    other = Source(root=Path("a"), folder="a", split="train", how=How(seed=other_seed))
    assert one.chance(*names).random() == same.chance(*names).random()
    assert one.share(*names) == same.share(*names)
    assert 0 <= one.share(*names) < 1
    if [seed, *map(str, names)] != [other_seed, *map(str, other_names)] and "|" not in "".join(
        map(str, names + other_names)
    ):
        assert one.share(*names) != other.share(*other_names)
        assert one.chance(*names).random() != other.chance(*other_names).random()


def test_what_is_drawn_stays_the_same_from_version_to_version():
    source = source_of(Path())
    assert (round(source.share("a", 1), 6), round(source.chance("a", 1).random(), 6)) == (0.486086, 0.833723)


def test_shares_are_even():
    shares = [source_of(Path()).share("a", number) for number in range(2_000)]
    assert abs(sum(shares) / len(shares) - 0.5) < 0.02


def test_names_in_a_folder_come_sorted_whatever_the_disk_says(tmp_path):
    for name in ("b.json", "a.json", "c.txt"):
        (tmp_path / name).touch()
    assert source_of(tmp_path).listed("", lambda name: name.endswith(".json")) == ["a.json", "b.json"]
    assert source_of(tmp_path).listed("nowhere") == []


def test_many_folders_are_not_all_remembered(tmp_path, monkeypatch):
    source = source_of(tmp_path)
    for number in range(5_000):
        with pytest.raises(DataError):
            source.picture(f"{number}/a.jpg")
    assert len(source._listed) < 5_000
