"""`vlm prepare`: killed and begun again, in one process or in several, the same bytes; what is wrong harms nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from miniatures import coco, llava, vqa_v2

from training.config import ConfigError
from training.lock import Lock
from vlm.data import parts
from vlm.data.errors import DataError
from vlm.data.how import How
from vlm.data.mixtures import entries_of
from vlm.data.plan import Plan
from vlm.data.prepare import UNFINISHED, prepare
from vlm.dataset import digest_of, open_split


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    for data_set in (vqa_v2, coco, llava):
        data_set.write(root)
    return root


def plan_of(name="coco", weights=(), caps=(), **others):
    how = How(**{key: others.pop(key) for key in ("seed", "as_published") if key in others})
    return Plan(
        mixture=name, entries=tuple(entries_of(name, weights=dict(weights), caps=dict(caps))), how=how, **others
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_command_again_does_nothing_and_another_one_is_refused(root, tmp_path):
    out = tmp_path / "out"
    first = prepare(plan_of(), root, out)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert prepare(plan_of(), root, out) == first
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before
    with pytest.raises(ConfigError, match="holds other samples than these: name a new folder"):
        prepare(plan_of(seed=1), root, out)
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_any_number_of_processes_gives_the_same_bytes(root, tmp_path):
    prepare(plan_of("vqa_v2"), root, tmp_path / "one")
    prepare(plan_of("vqa_v2"), root, tmp_path / "two", workers=2)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


class Killed(BaseException):
    """Stands for SIGKILL: nothing that is left to do is done."""


def test_killed_whenever_a_file_takes_its_place_it_goes_on_to_the_same_bytes(root, tmp_path, monkeypatch):
    prepare(plan_of(), root, tmp_path / "whole")
    expected = files_of(tmp_path / "whole")
    os_replace, path_replace = os.replace, Path.replace
    left = 0

    def counted(replace, *arguments):
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return replace(*arguments)

    monkeypatch.setattr(os, "replace", lambda *names: counted(os_replace, *names))
    monkeypatch.setattr(Path, "replace", lambda *names: counted(path_replace, *names))
    kills = 0
    while True:
        out, left = tmp_path / f"killed {kills}", kills
        try:
            prepare(plan_of(), root, out)
            break
        except Killed:
            kills += 1
        left = 1_000
        prepare(plan_of(), root, out)
        assert files_of(out) == expected, f"killed after {kills - 1} files"
    assert kills > 8


def test_a_process_that_is_killed_leaves_nothing_that_hinders_the_next(root, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "vlm", "prepare", "coco", "--root", str(root), "--out", str(out)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path.cwd())
    while running.poll() is None and not list(out.glob(f"{UNFINISHED}/*.arrow")):
        pass
    running.send_signal(signal.SIGKILL)
    running.wait()
    prepare(plan_of(), root, out)
    prepare(plan_of(), root, tmp_path / "whole")
    assert files_of(out) == files_of(tmp_path / "whole")


def test_two_at_once_do_not_write_into_one_folder(root, tmp_path):
    out = tmp_path / "out"
    (out / UNFINISHED).mkdir(parents=True)
    other = Lock(out / UNFINISHED)
    other.take()
    try:
        with pytest.raises(ConfigError, match="is being run by process"):
            prepare(plan_of(), root, out)
    finally:
        other.release()
    prepare(plan_of(), root, out)


def test_annotations_that_changed_meanwhile_are_noticed(root, tmp_path, monkeypatch):
    out = tmp_path / "out"

    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("vlm.data.prepare._mix", fail)
        prepare(plan_of(), root, out)
    path = root / "coco" / "caption_datasets.zip"
    os.utime(path, ns=(0, 0))
    with pytest.raises(ConfigError, match="was begun with another files: name a new folder, or delete it"):
        prepare(plan_of(), root, out)


def test_a_folder_of_something_else_is_left_as_it_is(root, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("done")
    with pytest.raises(ConfigError, match="is not empty and holds no samples"):
        prepare(plan_of(), root, tmp_path / "mine")
    assert files_of(tmp_path / "mine") == {"thesis.txt": b"done"}


def test_what_is_missing_is_listed_before_anything_is_written(root, tmp_path):
    with pytest.raises(DataError) as raised:
        prepare(plan_of("instruct"), root, tmp_path / "out")
    sentences = str(raised.value).splitlines()
    assert sentences[0].endswith("splits cannot be read (--without NAME leaves one out):")
    assert any(line.startswith("  gqa (train): ") and "gqa is missing" in line for line in sentences)
    assert not (tmp_path / "out").exists()


def test_broken_pictures_are_left_out_and_counted(root, tmp_path):
    before = prepare(plan_of(), root, tmp_path / "sound")
    named = [one.image for one in open_split(tmp_path / "sound", "train")]
    broken = root / named[0]
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    manifest = prepare(plan_of(), root, tmp_path / "out")
    dropped = manifest.sets["coco"].splits["train"].dropped
    assert dropped["picture truncated"] == named.count(named[0])
    assert manifest.splits["train"].samples == before.splits["train"].samples - named.count(named[0])
    trusted = prepare(plan_of(checks_pictures=False), root, tmp_path / "trusted")
    assert trusted.splits["train"].samples == before.splits["train"].samples


def test_weights_and_caps_are_of_training_alone(root, tmp_path):
    plain = prepare(plan_of("vqa_v2"), root, tmp_path / "plain")
    changed = prepare(plan_of("vqa_v2", weights={"vqa_v2": 2}, caps={"vqa_v2": 5}), root, tmp_path / "changed")
    assert plain.splits["train"].samples == 3
    assert changed.splits["train"].samples == changed.sets["vqa_v2"].splits["train"].kept == 5
    assert changed.splits["validation"] == plain.splits["validation"]
    assert len(set(open_split(tmp_path / "changed", "train").texts("id"))) == 5


def test_the_manifest_tells_licences_hashes_and_counts(root, tmp_path):
    manifest = prepare(plan_of("vqa_v2"), root, tmp_path / "out")
    assert manifest.sets["vqa_v2"].licence
    assert manifest.splits["train"].tasks == {"vqa": 3}
    assert set(manifest.sources) == {
        f"coco/{name}"
        for year in ("train2014", "val2014")
        for name in (f"v2_OpenEnded_mscoco_{year}_questions.json", f"v2_mscoco_{year}_annotations.json")
    }
    assert len(digest_of(tmp_path / "out")) == 12
    read = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert read["pictures"] == "../root"


def test_the_splits_of_a_data_set_can_be_named(root, tmp_path):
    entries = tuple(entries_of("vqa_v2", weights={}, caps={}, splits=["test"]))
    manifest = prepare(Plan(mixture="vqa_v2", entries=entries, how=How()), root, tmp_path / "out")
    assert {split: its.samples for split, its in manifest.splits.items()} == {"test": 2}


def test_the_order_is_another_for_another_seed(root, tmp_path):
    prepare(plan_of("vqa_v2"), root, tmp_path / "a")
    prepare(plan_of("vqa_v2", seed=1), root, tmp_path / "b")
    one, other = (list(open_split(tmp_path / name, "train").texts("id")) for name in "ab")
    assert sorted(one) == sorted(other)


def test_parts_with_odd_names_have_files_of_their_own():
    names = {parts.Part(data_set="grit", split="train", piece=piece).name for piece in ("a/b", "a_b", "a b", "é" * 300)}
    assert len(names) == 4
    assert all(len(name) < 200 and "/" not in name for name in names)


def test_a_folder_that_is_no_longer_whole_or_of_another_root_is_not_called_complete(root, tmp_path):
    out = tmp_path / "out"
    prepare(plan_of(), root, out)
    with pytest.raises(ConfigError, match="name a new folder"):
        prepare(plan_of(), tmp_path / "elsewhere", out)
    [path] = out.glob("train*")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ConfigError, match=r"train-.* is missing or not what was written: delete"):
        prepare(plan_of(), root, out)
    path.unlink()
    with pytest.raises(ConfigError, match=r"train-.* is missing or not what was written: delete"):
        prepare(plan_of(), root, out)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_is_interrupted_ends_at_once_with_a_sentence(root, tmp_path, number, workers):
    out = tmp_path / "out"
    path = root / "coco" / "v2_OpenEnded_mscoco_train2014_questions.json"
    read = json.loads(path.read_text())
    read["questions"] *= 4_000  # so that it is at it for long; each is named by its place in the pack
    path.write_text(json.dumps(read))
    command = [sys.executable, "-m", "vlm", "prepare", "vqa_v2", "--root", str(root), "--out", str(out)]
    running = subprocess.Popen(
        [*command, "--workers", workers], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=Path.cwd()
    )
    while running.poll() is None and not list(out.glob(f"{UNFINISHED}/vqa_v2.train.arrow*")):
        pass
    running.send_signal(number)
    stderr = running.communicate()[1].decode()
    assert running.returncode == 130
    assert "Interrupted. The same command goes on where it was." in stderr
    assert "Traceback" not in stderr
    assert not (out / "manifest.json").exists()
