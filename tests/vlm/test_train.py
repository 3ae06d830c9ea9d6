"""What a stage trains, that a step is the same however it is divided, and where a run may begin."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from small_world import (
    FAMILIES,
    PATCHES,
    TIMM,
    assert_same_weights,
    both_stages,
    changed_parts,
    curve_of,
    small_world,
    vlm_config,
    weights_of,
)

from training.config import ConfigError
from training.run import read_ran_with, read_status, run_folders
from vlm.assemble import assemble
from vlm.feature_cache import FeatureCache
from vlm.model import VisionLanguageModel
from vlm.packing import batch_of
from vlm.pictures import PictureError
from vlm.places import Place
from vlm.sample import SampleError
from vlm.samples import Listed
from vlm.train import check, prepare, run_vlm
from vlm.vision import VisionSettings

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")

# Of ten steps of eight, some samples are too long, and the others of very different lengths.
UNEVEN = {"steps": 10, "evaluations": 10, "learning_rate": 1e-3}
# A process has one sample of a step, and now and then none that fits.
ALONE = {"steps": 8, "evaluations": 4, "batch": 2}
EXPERIMENT = f"""
from pathlib import Path
from small_world import TIMM, vlm_config

def runs():
    for family in ("pythia", "mamba"):
        yield vlm_config(Path(DATA), f"tiny/{{family}}", **{UNEVEN})
    yield vlm_config(Path(DATA), "tiny/pythia", **{ALONE})
    yield vlm_config(Path(DATA), "tiny/mamba", "align", vision=TIMM, **{ALONE})
"""


def launched(processes, data, out, *, config=None):
    """The runs of EXPERIMENT in this many processes; with a config of `experiments/accelerate`, in its way."""
    out.mkdir()
    (out / "experiment.py").write_text(EXPERIMENT.replace("DATA", repr(str(data))))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes, "-m", "vlm"]
    if config is not None:
        del environment["ACCELERATE_USE_CPU"]
        environment |= {"CUDA_VISIBLE_DEVICES": "", "PROGRAM": "vlm", "DS_ACCELERATOR": "cpu"}
        options = ["--config_file", ROOT / "experiments" / "accelerate" / f"{config}.yaml"]
        options += ["--num_processes", processes, "--main_process_port", 0]
        command = ["-m", "accelerate.commands.launch", *options, ROOT / "tests" / "launched_on_cpu.py"]
    command += ["sweep", out / "experiment.py", "--out", out / "runs"]
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    folders = run_folders(out / "runs")
    assert {read_ran_with(folder)["processes"] for folder in folders} == {processes}
    return folders


# What a stage trains


@pytest.mark.parametrize("family", FAMILIES)
def test_align_changes_the_connector_alone_and_instruct_all_but_the_encoder(family, world, tmp_path):
    config = both_stages(world, f"tiny/{family}", vision=TIMM)
    before = assemble(config.model).state_dict()
    align, instruct = run_vlm(config.start, tmp_path), run_vlm(config, tmp_path)
    aligned, instructed = weights_of(align), weights_of(instruct)
    before = {name: before[name] for name in aligned}
    assert changed_parts(before, aligned) == {"connector"}
    assert changed_parts(aligned, instructed) == {"connector", "language_model"}
    assert {name.partition(".")[0] for name in aligned} == {"encoder", "connector", "language_model"}


@pytest.mark.parametrize(("stage", "parts"), [("align", {"connector"}), ("instruct", {"connector", "language_model"})])
def test_the_optimizer_has_what_is_trained_and_nothing_else(stage, parts, world, tmp_path):
    optimised = []

    class Recording(torch.optim.AdamW):
        def __init__(self, parameters, **settings):
            parameters = list(parameters)
            optimised.extend(parameters)
            super().__init__(parameters, **settings)

    prepared = prepare(vlm_config(world, stage=stage, vision=TIMM), tmp_path, None, CPU)
    model = prepared.model
    names = {id(parameter): name.partition(".")[0] for name, parameter in model.named_parameters()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Recording)
        run_vlm(vlm_config(world, stage=stage, vision=TIMM), tmp_path)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert {names[id(parameter)] for parameter in trained} == parts
    assert [parameter.shape for parameter in optimised] == [parameter.shape for parameter in trained]
    assert prepared.facts["trained"] == sum(parameter.numel() for parameter in trained)
    assert prepared.facts["frozen"] + prepared.facts["trained"] == sum(p.numel() for p in model.parameters())


# A step is the same however it is divided


@pytest.fixture(scope="module")
def whole(uneven, tmp_path_factory):
    """Runs of EXPERIMENT in one process."""
    out = tmp_path_factory.mktemp("whole")
    configs = [vlm_config(uneven, f"tiny/{family}", **UNEVEN) for family in FAMILIES]
    configs += [vlm_config(uneven, "tiny/pythia", **ALONE)]
    configs += [vlm_config(uneven, "tiny/mamba", "align", vision=TIMM, **ALONE)]
    return [run_vlm(config, out) for config in configs]


def assert_same_training(one, two):
    first, second = curve_of(one), curve_of(two)
    assert len(first) == len(second) > 0
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys() and a["target_tokens"] == b["target_tokens"]
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-5)
        assert b["validation_loss"] == pytest.approx(a["validation_loss"], rel=1e-5)
    assert_same_weights(weights_of(one), weights_of(two), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_micro_batches_train_as_one_batch_does(family, whole, uneven, tmp_path):
    run = run_vlm(vlm_config(uneven, f"tiny/{family}", micro_batch=2, **UNEVEN), tmp_path)
    assert_same_training(whole[FAMILIES.index(family)], run)
    facts = read_ran_with(run.folder)
    assert facts["samples_left_out"] > 5 and facts["samples_with_answers_cut"] > 0


def test_two_processes_train_as_one_does(whole, uneven, tmp_path):
    objective = prepare(vlm_config(uneven, **ALONE), tmp_path, None, CPU).objective
    counts = [objective.counted(example, 1) for example in range(16)]
    assert (0, 1) in zip(counts[::2], counts[1::2], strict=True), "one process has no sample while the other has"
    folders = {folder.name: folder for folder in launched(2, uneven, tmp_path / "two")}
    for one in whole:
        assert_same_training(one, folders[one.folder.name])


def test_two_processes_that_share_a_model_out_train_as_one_does(whole, uneven, tmp_path):
    folders = {folder.name: folder for folder in launched(2, uneven, tmp_path / "two", config="fsdp")}
    for one in whole:
        folder = folders[one.folder.name]
        assert read_ran_with(folder)["distributed"] == "FSDP"
        assert_same_training(one, folder)
        model = VisionLanguageModel.from_pretrained(folder / "checkpoint")
        assert_same_weights(weights_of(folder), dict(model.named_parameters()))
        assert model.head.weight is model.language_model.get_input_embeddings().weight


def test_samples_weigh_alike_whatever_their_length_and_their_micro_batch(uneven, tmp_path):
    config = vlm_config(uneven, "tiny/pythia", batch=16, micro_batch=2)
    prepared = prepare(config, tmp_path, None, CPU)
    model, objective = prepared.model.eval(), prepared.objective
    counts = [objective.counted(first, 2) for first in range(0, 16, 2)]
    parts = [objective.loss(model, first, 2).item() for first in range(0, 16, 2)]
    alone = [objective.loss(model, example, 1).item() for example in range(16) if objective.counted(example, 1)]
    assert {0, 1, 2} >= set(counts) and set(counts) >= {1, 2} and sum(counts) == len(alone)
    together = objective.loss(model, 0, 16).item()
    assert together == pytest.approx(sum(alone) / len(alone), rel=1e-5)
    assert together == pytest.approx(sum(c * p for c, p in zip(counts, parts, strict=True)) / sum(counts), rel=1e-5)
    assert abs(together - sum(parts) / len(parts)) > 1e-3, "micro-batches that weigh alike would be found out"


def test_where_no_sample_fits_the_loss_is_nothing_and_has_gradients_all_the_same(uneven, tmp_path):
    prepared = prepare(vlm_config(uneven), tmp_path, None, CPU)
    model, objective = prepared.model, prepared.objective
    too_long = next(example for example in range(60) if not objective.counted(example, 1))
    loss = objective.loss(model, too_long, 1)
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("family", FAMILIES)
def test_activations_that_are_computed_again_train_the_same(family, whole, uneven, tmp_path):
    run = run_vlm(vlm_config(uneven, f"tiny/{family}", checkpoint_activations=True, **UNEVEN), tmp_path)
    assert curve_of(run) == curve_of(whole[FAMILIES.index(family)])


# The stream


def test_every_pass_reads_each_sample_once_and_an_example_depends_on_its_number_alone(world, tmp_path):
    streams = [
        prepare(vlm_config(world, name, order=order), tmp_path, None, CPU).objective.training
        for name, order in (("tiny/mamba", "task-agnostic"), ("tiny/pythia", "task-aware"))
    ]
    count = len(streams[0])
    first, second, third = ([streams[0].sample(turn * count + n).id for n in range(count)] for turn in range(3))
    assert sorted(first) == sorted(second) == sorted(third) == sorted(sample.id for sample in streams[0].samples)
    assert len({tuple(first), tuple(second), tuple(third)}) == 3
    backwards = [streams[1].sample(n).id for n in reversed(range(3 * count))][::-1]
    assert backwards == first + second + third, "the same in any family, order of the prompt and order of asking"
    assert streams[0].digest() == streams[1].digest()
    other = prepare(vlm_config(world, data_seed=1), tmp_path, None, CPU).objective.training
    assert [other.sample(n).id for n in range(count)] != first and other.digest() != streams[0].digest()


def test_pictures_are_opened_once_however_a_step_is_divided(world, tmp_path, monkeypatch):
    stream = prepare(vlm_config(world), tmp_path, None, CPU).objective.training
    opened = []
    original = stream._open
    monkeypatch.setattr(stream, "_open", lambda example: opened.append(example) or original(example))
    read = [stream.pixels(range(n, n + 2), range(n + 8, n + 10)) for n in range(0, 16, 2)]
    assert sorted(opened) == list(range(24)) and len(stream._coming) == 8
    for n, pixels in zip(range(0, 16, 2), read, strict=True):
        assert torch.equal(pixels, stream.pixels([n, n + 1]))


# The cache of features


def test_features_that_were_kept_are_those_of_the_encoder_and_train_the_same(world, tmp_path):
    config = vlm_config(world, "tiny/pythia", vision=TIMM)
    plain = run_vlm(config, tmp_path / "plain")
    filled = run_vlm(config, tmp_path / "filled", tmp_path / "features")
    files = sorted((tmp_path / "features").rglob("*.safetensors"))
    assert files and not list((tmp_path / "features").rglob("*.partial"))
    written = [path.stat().st_mtime_ns for path in files]
    used = run_vlm(config, tmp_path / "used", tmp_path / "features")
    assert [path.stat().st_mtime_ns for path in files] == written
    assert curve_of(filled) == curve_of(used)
    assert_same_weights(weights_of(filled), weights_of(used))
    for a, b in zip(curve_of(plain), curve_of(used), strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-5)


def test_a_picture_of_the_same_name_has_features_of_its_own(tmp_path):
    encoder = assemble(vlm_config(small_world(tmp_path / "world"), vision=TIMM).model).encoder
    found = []
    for colour in ("red", "blue"):
        (tmp_path / colour).mkdir()
        Image.new("RGB", (8, 8), colour).save(tmp_path / colour / "a.png")
        cache = FeatureCache(tmp_path / "features", encoder, TIMM)
        pictures = Listed([], Place(str(tmp_path / colour)))
        found.append(cache.features(["a.png"], pictures))
        assert torch.equal(found[-1], cache.features(["a.png"], pictures))
    assert not torch.equal(*found)
    with pytest.raises(PictureError, match=r"gone\.png is not there"):
        cache.features(["gone.png"], pictures)


# Where a run begins


@pytest.fixture(scope="module")
def trained(world, tmp_path_factory):
    """A finished run of the stage align, of a Mamba behind a small ViT."""
    config = vlm_config(world, stage="align", vision=TIMM, steps=1, evaluations=1)
    return run_vlm(config, tmp_path_factory.mktemp("out"))


def test_other_data_are_refused_before_anything_is_written(world, tmp_path):
    config = vlm_config(small_world(tmp_path / "world"))
    (tmp_path / "world" / "train.jsonl").write_text((world / "train.jsonl").read_text() * 2)
    for refuse in (lambda: check(config), lambda: run_vlm(config, tmp_path / "runs")):
        with pytest.raises(ConfigError, match="holds other samples than this run is for"):
            refuse()
    assert not (tmp_path / "runs").exists()


def test_a_stage_begins_with_the_weights_of_a_run_or_of_a_folder(trained, world, tmp_path):
    checkpoint = trained.folder / "checkpoint"
    of_run = vlm_config(world, vision=TIMM, steps=1, evaluations=1, start=trained.config)
    of_folder = dataclasses.replace(of_run, start=str(checkpoint))
    check(of_folder)
    one, two = run_vlm(of_run, trained.folder.parent), run_vlm(of_folder, tmp_path)
    assert curve_of(one) == curve_of(two)
    assert_same_weights(weights_of(one), weights_of(two))
    start = prepare(of_folder, tmp_path, None, CPU).model.state_dict()
    assert_same_weights(weights_of(trained), {name: start[name] for name in weights_of(trained)})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "tiny/pythia"}, "holds a mamba model, and the run asks for tiny/pythia"),
        ({"name": "small/mamba"}, "holds a model of width 64 and 3 layers, and the run asks for small/mamba"),
        ({"vision": PATCHES}, "has the vision encoder timm/test_vit, and the run asks for patches"),
        ({"vision": dataclasses.replace(TIMM, layer=-2)}, "with other settings: make them the same"),
        ({"norm": "layer"}, "has norm rms, and the run asks for layer"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused_before_anything_is_written(changes, said, trained, world, tmp_path):
    config = vlm_config(world, **{"vision": TIMM, **changes}, start=str(trained.folder / "checkpoint"))
    for refuse in (lambda: check(config), lambda: run_vlm(config, tmp_path / "runs")):
        with pytest.raises(ConfigError, match=said):
            refuse()
    assert not (tmp_path / "runs").exists()
    if "name" in changes or "norm" in changes:
        with pytest.raises(ConfigError, match="goes on with the same model"):
            dataclasses.replace(config, start=trained.config)


def test_a_stage_with_larger_pictures_resamples_the_positions_of_the_encoder(trained, world, tmp_path):
    larger = dataclasses.replace(TIMM, image_size=64)
    run = run_vlm(vlm_config(world, vision=larger, start=trained.config), trained.folder.parent)
    before, after = weights_of(trained), weights_of(run)
    differing = {name for name in before if name.startswith("encoder.") and not before[name].equal(after[name])}
    assert {before[name].shape for name in after if name.endswith("pos_embed")} == {(1, 5, 64)}, "2 x 2 and a class"
    assert after["encoder.model.pos_embed"].shape == (1, 17, 64) and differing == {"encoder.model.pos_embed"}
    assert VisionLanguageModel.from_pretrained(run.folder / "checkpoint").grid == (4, 4)


# What cannot be trained on


def test_samples_that_are_all_too_long_are_refused_and_a_few_are_counted(uneven, tmp_path):
    config = vlm_config(uneven, max_length=12)
    for refuse in (lambda: check(config), lambda: run_vlm(config, tmp_path / "runs")):
        with pytest.raises(SampleError, match=r"none of the 60 samples can be used; the first: .* max_length is 12"):
            refuse()
    assert not (tmp_path / "runs").exists()
    with pytest.raises(ConfigError, match="a picture is 7 tokens and max_length 7"):
        check(vlm_config(uneven, max_length=7))


def test_an_encoder_that_cannot_be_had_is_refused_before_anything_is_written(world):
    for vision, said in (
        (VisionSettings(name="timm/test_vat", image_size=32, pretrained=False), "timm has no ViT or EVA called"),
        (dataclasses.replace(TIMM, image_size=33), "do not divide into patches"),
        (dataclasses.replace(TIMM, pretrained=True), "cannot be had"),
    ):
        with pytest.raises(ConfigError, match=said):
            check(vlm_config(world, vision=vision))


def test_a_task_that_the_data_do_not_have_is_refused(world):
    with pytest.raises(ConfigError, match="has no train samples of chat: name others"):
        check(vlm_config(world, tasks=("chat",)))


def test_what_was_learned_is_recorded_beside_what_it_was_learned_from(trained):
    facts = read_ran_with(trained.folder)
    assert facts["parameters"].keys() == {"encoder", "connector", "language_model"}
    assert facts["examples"] == 8 and facts["samples"] == 204 and facts["samples_left_out"] == 0
    assert json.loads((trained.folder / "config.json").read_text())["config"]["data"]["digest"]
    assert read_status(trained.folder)["state"] == "finished"


def test_an_evaluation_counts_every_target_of_the_samples_that_fit(uneven, tmp_path):
    prepared = prepare(vlm_config(uneven), tmp_path, None, CPU)
    with torch.no_grad():
        record = prepared.objective.evaluate(prepared.model.eval(), Accelerator(), {})
    layouts = [prepared.objective.validation.layout(n) for n in range(16)]
    assert record["target_tokens"] == sum(layout.targets for layout in layouts if layout is not None)
    assert prepared.objective.accuracy(record) == record["correct_tokens"] / record["target_tokens"]


def test_an_evaluation_counts_samples_without_targets_with_a_loss_of_zero_as_published(uneven, tmp_path):
    prepared = prepare(vlm_config(uneven), tmp_path, None, CPU)
    model, stream = prepared.model.eval(), prepared.objective.validation
    published = [dataclasses.replace(sample, as_published=True) for sample in stream.samples]
    stream.samples = Listed(published, stream.samples.pictures)
    stream.max_length = 40
    layouts = [stream.layout(n) for n in range(16)]
    assert {layout.targets == 0 for layout in layouts} == {True, False}
    with torch.no_grad():
        record = prepared.objective.evaluate(model, Accelerator(), {})
        losses = [model(batch_of([layout], 1), stream.pixels([n])).loss.item() for n, layout in enumerate(layouts)]
    assert record["validation_loss"] == pytest.approx(sum(losses) / 16)
