"""The whole: all data sets below one root, through the commands that people type."""

import json
import os
import re
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet
import pytest
from miniatures import gqa, grit
from miniatures.files import write_picture
from small_data_sets import plan_of

from vlm.data.manifest import read_manifest
from vlm.data.mixtures import BENCHMARKS, INSTRUCT
from vlm.data.prepare import prepare
from vlm.data.readers import grit as grit_reader
from vlm.dataset import open_split, splits_of
from vlm.places import Place
from vlm.prompt import ORDERS, lay_out, singles
from vlm.sample import TASKS
from vlm.vocabulary import read_vocabulary

VOCABULARY = read_vocabulary("gpt-neox-20b")
GRID = (2, 2)


def files_in(folder: Path) -> dict[str, tuple[bool | bytes, int]]:
    """All below a folder, with what is in them and when that was written."""
    return {str(path): (path.is_file() and path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*")}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def copied(data_sets, tmp_path):
    """Data sets that a test may break."""
    return Path(shutil.copytree(data_sets, tmp_path / "copied"))


# What is prepared


def test_instruct_has_all_tasks_of_all_data_sets_and_counts_what_is_there(instruct):
    manifest = read_manifest(Place(str(instruct)))
    assert set(manifest.sets) == set(INSTRUCT)
    assert manifest.unchecked == ()
    assert set(manifest.splits["train"].tasks) == set(TASKS)
    for split, its in manifest.splits.items():
        rows = [row for file in its.files for row in pyarrow.parquet.read_table(instruct / file.name).to_pylist()]
        assert len(rows) == its.samples == sum(counts.kept for counts in counts_of(manifest, split).values())
        assert Counter(row["task"] for row in rows) == its.tasks
        kept: Counter[str] = Counter()
        for name, counts in counts_of(manifest, split).items():
            kept[name.removesuffix(" dense") if name.startswith("refcoco") else name] += counts.kept
        assert Counter(row["source"] for row in rows) == kept
        assert all(counts.kept == counts.samples > 0 for counts in counts_of(manifest, split).values())


def counts_of(manifest, split):
    return {name: facts.splits[split] for name, facts in manifest.sets.items() if split in facts.splits}


def test_all_that_is_trained_on_and_validated_with_can_be_laid_out_in_each_order(instruct):
    for split, samples in splits_of(instruct).items():
        for sample in samples:
            for order in ORDERS[:2]:
                layout = lay_out(sample, order, VOCABULARY, GRID)
                assert layout.targets > 0 and layout.answers_cut == 0
            if len(sample.replies) > 2:
                continue  # several answers that cannot stand alone
            for part in singles(sample):
                if split == "validation" and [question.answer for question in part.questions] == [""]:
                    continue  # most annotators said nothing: it is there to be scored by the others
                assert lay_out(part, "query-first", VOCABULARY, GRID).targets > 0


def test_each_sample_has_a_name_of_its_own_a_picture_that_opens_and_what_that_is_known_as(instruct):
    for samples in splits_of(instruct).values():
        named = Counter((sample.source, sample.id) for sample in samples)
        assert max(named.values()) == 1
        for sample in samples:
            assert samples.picture(sample.image).mode == "RGB"
            assert sample.known_as and all(":" in name for name in sample.known_as)


def test_a_picture_of_coco_and_one_of_visual_genome_are_known_by_their_numbers_to_all_that_have_them(instruct):
    places = {"coco/train2017": "coco", "coco/val2017": "coco", "gqa/images": "vg", "visual7w/images": "vg"}
    places |= {"visual_genome/VG_100K": "vg", "visual_genome/VG_100K_2": "vg"}
    seen = set()
    for samples in splits_of(instruct).values():
        for sample in samples:
            folder, _, name = sample.image.rpartition("/")
            if folder in places:
                number = int(Path(name).stem.removeprefix("v7w_"))
                assert f"{places[folder]}:{number}" in sample.known_as
                seen.add((folder, sample.source))
    assert {folder for folder, _ in seen} == set(places)
    assert len(seen) > 12


def test_benchmarks_can_be_asked_in_each_order_and_are_told_apart(data_sets, vlm, tmp_path):
    result = vlm("prepare", "benchmarks", "--root", data_sets, "--out", "benchmarks")
    assert result.code == 0, result.stderr
    samples = open_split(tmp_path / "benchmarks", "test")
    assert {sample.source for sample in samples} == {name for name, _ in BENCHMARKS}
    groups: dict[str, set[str]] = {}
    for sample in samples:
        groups.setdefault(sample.source, set()).add(sample.group)
        prompts = [lay_out(sample, order, VOCABULARY, GRID, with_answers=False) for order in ORDERS]
        assert len({len(prompt.ids) for prompt in prompts}) == 1 and all(prompt.targets == 0 for prompt in prompts)
        assert samples.picture(sample.image).mode == "RGB"
        if not sample.answered:
            assert sample.source == "gqa" and not any(question.answer for question in sample.questions)
        elif sample.task == "captioning":
            assert sample.caption in sample.references
        elif sample.task == "visual_grounding":
            assert len(sample.regions) == 1
        elif sample.task == "image_text_match":
            assert sample.matches is not None
        elif sample.source in ("vqa_v2", "text_vqa"):
            assert all(len(question.answers) == 10 for question in sample.questions)
        else:
            assert all(question.answer or "" in question.options for question in sample.questions)
    assert {name: found for name, found in groups.items() if found != {""}} == {
        "nocaps": {"near-domain", "out-domain"},
        "gqa": {"testdev", "test"},
        "vsr": {"at the right side of"},
        "refcoco": {"testA", "testB"},
        "refcoco+": {"testA", "testB"},
        "refcocog": {"test"},
    }


@pytest.mark.parametrize("mixture", ["align", "align-cc3m"])
def test_captions_of_the_first_stage_are_to_train_on_and_to_validate_with(mixture, data_sets, vlm, tmp_path):
    assert vlm("prepare", mixture, "--root", data_sets, "--out", "aligned").code == 0
    for split, samples in splits_of(tmp_path / "aligned").items():
        (sample,) = samples
        assert split in ("train", "validation")
        assert sample.prompt and sample.task == "captioning"
        assert lay_out(sample, "task-aware", VOCABULARY, GRID).targets > 0


# The same bytes


def test_two_processes_write_what_one_writes(data_sets, instruct, vlm, tmp_path):
    assert (
        vlm("prepare", "instruct", "--root", data_sets, "--out", instruct.parent / "by two", "--workers", 2).code == 0
    )
    assert bytes_of(instruct.parent / "by two") == bytes_of(instruct)
    shards = {sample.image.split("/")[-2] for sample in open_split(instruct, "train").of_tasks(["grounded_captioning"])}
    assert shards == {grit.FIRST, grit.SECOND}


class Killed(BaseException):
    """Stands for SIGKILL: nothing that is left to do is done."""


def test_killed_again_and_again_it_goes_on_to_the_same_bytes(data_sets, instruct, monkeypatch):
    out, replace = instruct.parent / "killed", os.replace
    left = 0

    def replace_until(*names):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        replace(*names)

    monkeypatch.setattr(os, "replace", replace_until)
    kills = 0
    while True:
        left = kills % 7
        try:
            prepare(plan_of("instruct"), data_sets, out)
            break
        except Killed:
            kills += 1
    assert kills > 20
    assert bytes_of(out) == bytes_of(instruct)


@pytest.mark.parametrize("name", ["add", "select"])
def test_killed_while_noun_phrases_of_grit_are_counted_it_goes_on_to_the_same_bytes(
    name, data_sets, instruct, monkeypatch
):
    out = instruct.parent / f"killed in {name}"
    method, calls = getattr(grit_reader.PhraseFilter, name), []

    def kill(*arguments):
        calls.append(name)
        if len(calls) == (3 if name == "add" else 1):
            raise Killed
        return method(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(grit_reader.PhraseFilter, name, kill)
        prepare(plan_of("instruct"), data_sets, out)
    assert list(out.glob(f"unfinished/scratch/*/{grit_reader.WORKING}"))
    prepare(plan_of("instruct"), data_sets, out)
    assert bytes_of(out) == bytes_of(instruct)


# A look that writes nothing


@pytest.fixture
def sound(copied):
    """Data sets without a picture that is missing."""
    coco, genome = copied / "coco" / "train2017", copied / "visual_genome" / "VG_100K"
    for picture in (coco / "000000000001", coco / "000000000002", coco / "000000098305", genome / "2343080"):
        write_picture(picture.with_suffix(".jpg"))
    write_picture(copied / "ocr_vqa" / "images" / "1416236414.jpg", 360, 400)
    return copied


def test_a_check_reads_everything_and_writes_nothing(sound, vlm, tmp_path):
    before = files_in(tmp_path)
    result = vlm("prepare", "instruct", "--root", sound, "--check")
    assert result.code == 0, result.stdout
    assert result.stdout.rstrip().endswith("0 of 773 records were broken and skipped.")
    assert all(f" {name} " in result.stdout for name in INSTRUCT)
    assert files_in(tmp_path) == before


def test_a_check_finds_a_broken_picture_and_writes_nothing(sound, vlm, tmp_path):
    picture = sound / "gqa" / "images" / f"{gqa.SKY}.jpg"
    picture.write_bytes(picture.read_bytes()[:-200])
    before = files_in(tmp_path)
    result = vlm("prepare", "instruct", "--root", sound, "--check")
    assert result.code == 1
    assert re.search(rf"1 picture truncated\n +gqa/images/{gqa.SKY}.jpg\n", result.stdout)
    assert files_in(tmp_path) == before
    assert vlm("prepare", "instruct", "--root", sound, "--check", "--trust-pictures").code == 0


def test_a_check_lists_what_is_missing_and_reads_the_others(copied, vlm):
    shutil.rmtree(copied / "gqa")
    (copied / "vsr" / "dev.jsonl").unlink()
    result = vlm("prepare", "instruct", "--root", copied, "--check")
    assert result.code == 1
    for name in ("gqa (train)", "gqa (validation)", "vsr (validation)"):
        assert f"{name} cannot be read: " in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["docvqa", "train"] in [line[:2] for line in lines] and ["vsr", "train"] in [line[:2] for line in lines]
    assert ["gqa", "train"] not in [line[:2] for line in lines]


# The doctor


@pytest.fixture
def examined(copied, tmp_path, vlm):
    """`vlm doctor` on the mixture of data sets that may be broken."""
    prepare(plan_of("instruct"), copied, tmp_path / "samples")

    def examine(folder="samples"):
        result = vlm("doctor", folder, "--json", "found.json")
        return result, json.loads((tmp_path / "found.json").read_text())

    return examine


def test_the_doctor_has_nothing_against_the_mixture_until_a_picture_breaks(examined, copied):
    result, found = examined()
    assert result.code == 0 and "Nothing that was found stands against training." in result.stdout
    assert not found["fatal"]
    assert not [kind for kind, one in found["findings"].items() if one["severity"] == "fatal" and one["count"]]
    assert sum(found["samples"]["train"].values()) > 200
    picture = copied / "docvqa" / "documents" / "xnbl0037_1.png"
    picture.write_bytes(picture.read_bytes()[:60])
    result, found = examined()
    assert result.code == 1 and "To be mended before training: 1." in result.stdout
    assert found["fatal"]
    assert found["findings"]["picture truncated"]["examples"] == ["docvqa/documents/xnbl0037_1.png"]


def test_the_doctor_finds_what_was_kept_of_test_sets(examined, copied, vlm):
    assert vlm("prepare", "instruct", "--root", copied, "--out", "kept", "--keep-contaminated").code == 0
    result, found = examined("kept")
    assert result.code == 1 and found["fatal"]
    fatal = {kind: one["count"] for kind, one in found["findings"].items() if one["severity"] == "fatal"}
    assert {kind: count for kind, count in fatal.items() if count} == {
        "picture in COCO Karpathy test": 15,
        "picture in RefCOCO test": 5,
        "picture in RefCOCO+ test": 5,
        "picture in RefCOCOg test": 2,
        "question in Visual7W test": 3,
    }


def test_annotations_in_a_zip_and_unpacked_give_the_same_samples(copied, instruct, tmp_path):
    for archive in copied.rglob("*.zip"):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(archive.parent)
        archive.unlink()
    prepare(plan_of("instruct"), copied, tmp_path / "unpacked")
    for split, samples in splits_of(instruct).items():
        assert list(open_split(tmp_path / "unpacked", split)) == list(samples)
