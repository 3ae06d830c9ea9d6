"""Samples as Parquet, read by number: on a disk, in an object store, with pictures inside or beside."""

import dataclasses
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pytest
from miniatures import coco, vqa_v2

from training.config import ConfigError
from vlm.data import prepare
from vlm.data.how import How
from vlm.data.mixtures import entries_of
from vlm.data.plan import Plan
from vlm.dataset import digest_of, open_split
from vlm.pictures import PictureError
from vlm.stream import random_order

MEMORY = "memory://bucket/vqa"


def prepared(root: Path, out: Path, name: str = "vqa_v2", **plan) -> Path:
    entries = tuple(entries_of(name, weights={}, caps={}))
    prepare.prepare(Plan(mixture=name, entries=entries, how=How(), **plan), root, out)
    return out


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data sets")
    vqa_v2.write(root)
    coco.write(root)
    return root


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    return prepared(root, tmp_path_factory.mktemp("prepared") / "vqa")


@pytest.fixture(scope="module")
def embedded(root, tmp_path_factory):
    return prepared(root, tmp_path_factory.mktemp("embedded") / "vqa", embeds=True)


@pytest.fixture
def store(embedded):
    """The same in an object store."""
    system = fsspec.filesystem("memory")
    system.put(str(embedded), MEMORY, recursive=True)
    yield MEMORY
    system.rm(MEMORY, recursive=True)


def test_pictures_stay_where_they_are_and_are_found_from_a_moved_folder_too(root, folder, tmp_path):
    samples = open_split(folder, "train")
    assert samples[0].image.startswith("coco/")
    assert samples.picture(samples[0].image).size in ((64, 48), (30, 90))
    both = tmp_path / "moved"
    shutil.copytree(root, both / root.name)
    shutil.copytree(folder, both / folder.parent.name / folder.name)
    moved = open_split(both / folder.parent.name / folder.name, "train")
    assert Path(moved.pictures.of(moved[0].image)).resolve().is_relative_to(both.resolve())
    assert list(moved) == list(samples)


def test_embedded_pictures_are_read_without_the_data_sets(folder, embedded, store):
    beside = list(open_split(folder, "train"))
    for place in (embedded, store):
        samples = open_split(place, "train")
        assert [dataclasses.replace(one, image=one.image.partition("@")[0]) for one in samples] == beside
        for one, other in zip(samples, beside, strict=True):
            assert samples.picture_file(one.image) == open_split(folder, "train").picture_file(other.image)
            assert samples.picture(one.image).mode == "RGB"


def test_a_store_and_its_copy_are_the_same_to_a_run(embedded, store):
    assert digest_of(store) == digest_of(embedded)


def test_a_url_that_leads_nowhere_ends_in_a_sentence():
    for url in ("memory://nothing/here", "nosuchscheme://bucket/data"):
        with pytest.raises(ConfigError, match=r"name the URL|cannot be reached"):
            open_split(url, "train")


def test_parts_and_texts_are_those_of_the_samples(folder):
    samples = open_split(folder, "train")
    assert list(samples.texts("id")) == [one.id for one in samples]
    assert samples.parts().tolist() == [len(one.questions) for one in samples]


def test_one_question_at_a_time(folder):
    samples = open_split(folder, "train").one_by_one()
    assert len(samples) == 25
    assert all(len(one.questions) == 1 for one in samples)
    assert len(set(samples.texts("id"))) == 25


def test_a_task_that_is_not_there_leaves_nothing(folder):
    assert len(open_split(folder, "train").of_tasks(["chat"])) == 0
    assert len(open_split(folder, "train").of_tasks(["vqa"])) == 3


@pytest.mark.parametrize("rows, group", [(1, 1), (2, 1), (3, 2)])
def test_a_random_order_reads_each_group_once_and_all_samples_once(root, tmp_path, monkeypatch, rows, group):
    monkeypatch.setattr(prepare, "ROWS", rows)
    monkeypatch.setattr(prepare, "GROUP", group)
    samples = open_split(prepared(root, tmp_path / "coco", "coco"), "train")
    ends = samples.ends
    assert len(ends) == sum(-(-file.rows // group) for file in samples.files)
    order = random_order(ends, seed=0, turn=0).numpy()
    assert sorted(order) == list(range(len(samples)))
    groups = np.searchsorted(ends, order, side="right")
    assert (np.diff(groups) != 0).sum() == len(ends) - 1, "no group is left and entered again"
    assert sorted(one.id for one in samples) == sorted(samples.texts("id"))


def test_a_split_that_is_missing_and_a_damaged_file_end_in_sentences(root, tmp_path):
    folder = prepared(root, tmp_path / "coco", "coco")
    samples = open_split(folder, "train")
    with pytest.raises(ConfigError, match="has no test samples, but train, validation: name another"):
        open_split(folder, "test")
    for path in folder.glob("train*"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ConfigError, match=r"train-00000.* cannot be read"):
        samples[0]
    with pytest.raises(PictureError, match="is not there"):
        samples.picture("coco/gone.jpg")


def test_a_manifest_of_another_version_or_cut_off_is_refused(root, tmp_path):
    folder = prepared(root, tmp_path / "coco", "coco")
    manifest = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(manifest.replace('"version": 1', '"version": 0'))
    with pytest.raises(ConfigError, match="is of version 0 and this is version 1: prepare the data again"):
        open_split(folder, "train")
    (folder / "manifest.json").write_text(manifest[:100])
    with pytest.raises(ConfigError, match="cannot be read"):
        open_split(folder, "train")


def test_hugging_face_datasets_opens_it_and_sees_the_pictures(embedded, tmp_path):
    from datasets import load_dataset

    read = load_dataset("parquet", data_dir=str(embedded), cache_dir=str(tmp_path), split="train")
    assert [row["id"] for row in read] == [one.id for one in open_split(embedded, "train")]
    assert read[0]["image"].size in ((64, 48), (30, 90))
    streamed = load_dataset("parquet", data_dir=str(embedded), split="train", streaming=True)
    assert next(iter(streamed))["questions"] == read[0]["questions"]
