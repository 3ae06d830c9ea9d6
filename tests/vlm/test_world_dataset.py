"""A world on disk: the same bytes whoever draws it, completed where it was cut off, and never over something else."""

import json
import shutil

import pytest
from PIL import Image

from training.config import ConfigError
from vlm.sample import read_samples
from vlm.world import dataset
from vlm.world.dataset import make_world, read_world


def bytes_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def draw_small(out, images=3, **settings):
    return make_world(out, images, **{"size": 32, "evaluation_images": 2, **settings})


@pytest.fixture
def world(tmp_path):
    draw_small(tmp_path / "world")
    return tmp_path / "world"


def test_a_world_holds_the_pictures_and_samples_that_it_says(world):
    manifest = read_world(world)
    assert sorted(path.name for path in world.iterdir()) == [
        "images",
        "test.jsonl",
        "train.jsonl",
        "validation.jsonl",
        "world.json",
    ]
    for split, pictures in (("train", 3), ("validation", 2), ("test", 2)):
        samples = read_samples(world / f"{split}.jsonl")
        assert len(samples) == sum(manifest.samples[split].values())
        assert len({sample.image for sample in samples}) == pictures
        for sample in samples:
            with Image.open(world / sample.image) as picture:
                assert (picture.size, picture.mode) == ((32, 32), "RGB")


def test_any_number_of_workers_draws_the_same_bytes(tmp_path):
    draw_small(tmp_path / "one", 70)
    draw_small(tmp_path / "two", 70, workers=2)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_a_complete_world_is_left_as_it_is(world):
    before = {path: path.stat().st_mtime_ns for path in world.rglob("*")}
    assert draw_small(world) == read_world(world)
    assert {path: path.stat().st_mtime_ns for path in world.rglob("*")} == before


@pytest.mark.parametrize("drawn", [0, 1, 4, 6])
def test_an_interrupted_world_is_refused_until_it_is_completed_and_then_like_any_other(
    world, tmp_path, monkeypatch, drawn
):
    cut, original, calls = tmp_path / "cut", dataset.draw, []

    def cut_off(*arguments):
        if len(calls) == drawn:
            raise KeyboardInterrupt
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(dataset, "draw", cut_off)
    with pytest.raises(KeyboardInterrupt):
        draw_small(cut)
    with pytest.raises(ConfigError, match="is unfinished"):
        read_world(cut)
    with pytest.raises(ConfigError, match="an unfinished world of other settings"):
        draw_small(cut, seed=1)

    monkeypatch.setattr(dataset, "draw", lambda *arguments: calls.append(arguments) or original(*arguments))
    draw_small(cut)
    assert len(calls) == 7, "no picture is drawn twice"
    assert bytes_of(cut) == bytes_of(world)


def test_another_seed_or_size_is_another_world(world, tmp_path):
    other = draw_small(tmp_path / "other", seed=1)
    assert other.sha256.keys() == read_world(world).sha256.keys()
    assert not set(other.sha256.values()) & set(read_world(world).sha256.values())
    larger = draw_small(tmp_path / "larger", size=40)
    assert larger.sha256 == read_world(world).sha256, "what is asked does not depend on the size"


def test_more_pictures_begin_with_the_same_ones(world, tmp_path):
    draw_small(tmp_path / "more", 5)
    first = (world / "train.jsonl").read_bytes()
    assert (tmp_path / "more" / "train.jsonl").read_bytes().startswith(first)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"images": 0}, "at least 1 picture"),
        ({"evaluation_images": 0}, "evaluation_images must be at least 1"),
        ({"size": 8}, "between 32 and 1,024"),
        ({"size": 5000}, "between 32 and 1,024"),
        ({"workers": 0}, "at least 1 worker"),
        ({"seed": 0.5}, "seed must be a whole number"),
    ],
)
def test_an_impossible_world_is_refused_before_anything_is_written(tmp_path, settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        draw_small(tmp_path / "world", **settings)
    assert not any(tmp_path.iterdir())


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path, world):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mother.txt").write_text("Dear mother")
    (tmp_path / "file").write_text("")
    before = bytes_of(tmp_path)
    for out, sentence in (
        (tmp_path / "letters", "is not empty and holds no world"),
        (tmp_path / "file", "is a file"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            draw_small(out)
    with pytest.raises(ConfigError, match="holds another world"):
        draw_small(world, seed=1)
    assert bytes_of(tmp_path) == before


def damage_samples(world):
    with open(world / "validation.jsonl", "a") as file:
        file.write("\n")


def damage_version(world):
    manifest = json.loads((world / "world.json").read_text())
    manifest["world"]["version"] = 0
    (world / "world.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (damage_samples, "validation.jsonl is missing or not what was drawn"),
        (lambda world: (world / "test.jsonl").unlink(), "test.jsonl is missing"),
        (lambda world: (world / "images/train/000001.png").unlink(), "has 2 of 3 pictures"),
        (lambda world: (world / "world.json").write_text("{"), "cannot be read"),
        (lambda world: (world / "world.json").write_text("[]"), "is of version None"),
        (lambda world: (world / "world.json").write_text('{"world": {"version": 1}}'), "is damaged"),
        (damage_version, "of version 0"),
        (shutil.rmtree, "holds no world"),
    ],
)
def test_a_world_that_is_none_or_damaged_is_refused(world, damage, sentence):
    damage(world)
    with pytest.raises(ConfigError, match=sentence):
        read_world(world)
