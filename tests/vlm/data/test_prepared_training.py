"""Training on, and looking at, a folder that was prepared of all data sets: on a disk, and in an object store."""

import os
import signal
import xml.etree.ElementTree as ElementTree

import fsspec
import pytest
from small_data_sets import plan_of
from small_runs import at_step
from small_world import TIMM, assert_same_weights, curve_of, vlm_config, weights_of

from training.config import ConfigError
from training.loop import Interrupted
from training.run import read_ran_with, read_state
from vlm.data import prepare as preparing
from vlm.data.prepare import prepare
from vlm.dataset import digest_of, open_split
from vlm.prompt import ORDERS
from vlm.sample import TASKS
from vlm.stream import Stream
from vlm.train import run_vlm
from vlm.vocabulary import read_vocabulary

MEMORY = "memory://bucket/instruct"
ROWS, GROUP = 64, 8
STEPS = {"steps": 6, "evaluations": 3, "batch": 8, "max_length": 512, "pack_length": 1024}


@pytest.fixture(scope="module")
def folders(data_sets):
    """The mixture in several files of several groups: beside its pictures, and with them inside."""
    out = {name: data_sets.parent / f"{name}, in groups" for name in ("beside", "embedded")}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ROWS", "EMBEDDED_ROWS"):
            patch.setattr(preparing, name, ROWS)
        for name in ("GROUP", "EMBEDDED_GROUP"):
            patch.setattr(preparing, name, GROUP)
        for name, folder in out.items():
            prepare(plan_of("instruct", embeds=name == "embedded"), data_sets, folder)
    return out


@pytest.fixture(scope="module")
def store(folders):
    """The one with its pictures, in an object store."""
    system = fsspec.filesystem("memory")
    system.put(str(folders["embedded"]), MEMORY, recursive=True)
    yield MEMORY
    system.rm(MEMORY, recursive=True)


@pytest.fixture(scope="module")
def trained(folders, tmp_path_factory):
    """A run on the folder beside its pictures."""
    return run_vlm(vlm_config(folders["beside"], **STEPS), tmp_path_factory.mktemp("trained"))


def test_from_an_object_store_a_run_reads_and_learns_the_same(folders, store, trained, tmp_path):
    assert digest_of(store) != digest_of(folders["beside"])
    run = run_vlm(vlm_config(store, **STEPS), tmp_path)
    assert curve_of(run) == curve_of(trained) and len(curve_of(run)) == 3
    assert_same_weights(weights_of(run), weights_of(trained))
    facts, others = read_ran_with(run.folder), read_ran_with(trained.folder)
    for name in ("samples", "samples_left_out", "samples_with_answers_cut", "tokens", "order_of_samples"):
        assert facts[name] == others[name]


@pytest.mark.parametrize("place", ["beside", "store"])
def test_a_run_that_is_interrupted_goes_on_with_the_same_samples(place, folders, store, trained, tmp_path, monkeypatch):
    config = vlm_config(store if place == "store" else folders["beside"], **STEPS)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        at_step(patch, 3, lambda: os.kill(os.getpid(), signal.SIGTERM))
        run_vlm(config, tmp_path)
    run = run_vlm(config, tmp_path)
    assert read_state(run.folder) == "finished"
    assert curve_of(run) == curve_of(trained)
    assert_same_weights(weights_of(run), weights_of(trained))


def test_features_that_are_kept_are_those_of_the_right_pictures(folders, store, tmp_path):
    kept = {
        place: curve_of(
            run_vlm(vlm_config(place, vision=TIMM, **STEPS), tmp_path / name, features=tmp_path / name / "f")
        )
        for name, place in (("beside", folders["beside"]), ("store", store))
    }
    computed = curve_of(run_vlm(vlm_config(store, vision=TIMM, **STEPS), tmp_path))
    assert kept[folders["beside"]] == kept[store] == computed


@pytest.mark.parametrize("order", ORDERS[1:])
def test_it_is_trained_on_in_each_order(order, folders, tmp_path):
    run = run_vlm(vlm_config(folders["beside"], order=order, **STEPS), tmp_path)
    assert read_state(run.folder) == "finished"


def test_it_is_trained_on_with_some_of_its_tasks(folders, tmp_path):
    tasks = ("dense_captioning", "vqa")
    samples = open_split(folders["beside"], "train").of_tasks(tasks)
    assert {sample.task for sample in samples} == set(tasks)
    run = run_vlm(vlm_config(folders["beside"], tasks=tasks, **STEPS), tmp_path)
    assert read_state(run.folder) == "finished"
    assert read_ran_with(run.folder)["samples"] == len(samples)


@pytest.mark.parametrize("task", ["chat", "grounded_captioning"])
def test_a_task_that_nothing_is_validated_with_is_refused_alone(task, folders, tmp_path):
    with pytest.raises(ConfigError, match=f"has no validation samples of {task}: name others"):
        run_vlm(vlm_config(folders["beside"], tasks=(task,), **STEPS), tmp_path)


def test_what_is_prepared_as_published_is_trained_on_with_its_case_lowered(published, tmp_path):
    run = run_vlm(vlm_config(published, case="lowered", norm="layer", **STEPS), tmp_path)
    assert read_state(run.folder) == "finished"


def test_captions_of_the_first_stage_are_aligned_with(data_sets, tmp_path):
    prepare(plan_of("align"), data_sets, tmp_path / "align")
    run = run_vlm(vlm_config(tmp_path / "align", stage="align", **STEPS), tmp_path / "runs")
    assert read_state(run.folder) == "finished"


# The order of samples


def stream_of(folder, order="task-agnostic"):
    samples = open_split(folder, "train")
    return Stream(samples, read_vocabulary("world"), (2, 2), lambda image: image, order=order, seed=3)


@pytest.mark.parametrize("order", ["task-agnostic", "query-first"])
def test_an_example_is_the_same_wherever_one_begins_to_read(order, folders, store):
    whole = stream_of(folders["beside"], order)
    assert len(open_split(folders["beside"], "train").files) > 3
    assert len(whole.samples.ends) > 30
    count = len(whole)
    seen = [whole.sample(example).id for example in range(2 * count)]
    assert sorted(seen[:count]) == sorted(seen[count:]) == sorted(whole.samples.texts("id"))
    assert seen[:count] != seen[count:]
    for begun in (0, 1, GROUP - 1, GROUP, ROWS, count - 1, count, count + 17):
        again = stream_of(store, order)
        assert [again.sample(example).id for example in range(begun, begun + 5)] == seen[begun : begun + 5]


# Looking at it


@pytest.mark.parametrize("place", ["beside", "embedded", "store"])
def test_each_way_of_looking_shows_what_was_prepared(place, folders, store, vlm, tmp_path):
    data = MEMORY if place == "store" else folders[place]
    samples = open_split(data, "train")
    number = next(n for n, sample in enumerate(samples) if sample.task == "visual_grounding")
    for name, ways in {
        "index.html": ("--index", number),
        "index.png": ("--index", number),
        "id.html": ("--id", samples[number].id, "--order", "query-first"),
        "pack.html": ("--pack", 12),
        "sheet.html": ("--sheet",),
    }.items():
        result = vlm("inspect", data, *ways, "--out", name)
        assert result.code == 0, result.stderr
        assert (tmp_path / name).stat().st_size > 1_000
    assert (tmp_path / "index.html").read_text().count("data:image/jpeg;base64,") == 1
    sheet = (tmp_path / "sheet.html").read_text()
    assert all(task in sheet for task in TASKS)


def test_what_can_only_be_asked_is_looked_at_too(data_sets, vlm, tmp_path):
    assert vlm("prepare", "benchmarks", "--root", data_sets, "--out", "asked", "--embed").code == 0
    samples = open_split(tmp_path / "asked", "test")
    hidden = next(sample for sample in samples if not sample.answered)
    for ways in (("--id", hidden.id), ("--index", 0), ("--sheet",)):
        result = vlm("inspect", "asked", "--split", "test", *ways, "--out", f"{ways[0][2:]}.html")
        assert result.code == 0, result.stderr
    shown = ElementTree.parse(tmp_path / "id.html").getroot()
    [tokens] = [element for element in shown.iter() if "tokens" in element.get("class", "").split()]
    assert "Question: Is there a fence?" in "".join(tokens.itertext())
    assert not [one for one in tokens.iter() if "target" in one.get("class", "").split()]
