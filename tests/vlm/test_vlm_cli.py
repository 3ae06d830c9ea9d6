"""The command line of `vlm`: from a drawn world to an answer, and one sentence for whatever a person gets wrong."""

import dataclasses
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image
from small_world import FAMILIES, vlm_config
from transformers import MambaConfig, MambaForCausalLM

from training.config import ConfigError
from training.run import Run, read_ran_with, read_status, run_folders
from vlm.cli import main
from vlm.evaluate import answer, evaluate
from vlm.runs import find_models

SMALL = ["--image-size", 32, "--patch-size", 16, "--steps", 2, "--batch", 8, "--validation-samples", 8]


def refused(result, said):
    """One sentence on stderr that says this, exit code 2, no traceback."""
    assert result.code == 2, result
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr


def files_in(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def trained(world, tmp_path_factory):
    """Runs of both stages, by family, as `vlm train` leaves them: one in this process, one in its own."""
    out = tmp_path_factory.mktemp("trained")
    command = ["vlm", "train", "--data", world, *SMALL, "--align-steps", 1]
    commands = {family: [*map(str, command), "--family", family, "--out", str(out / family)] for family in FAMILIES}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", commands["pythia"])
        main()
    assert ended.value.code == 0
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-m", *commands["mamba"]], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "2 finished" in result.stdout and "(the connector and the language model)" in result.stderr
    return {family: out / family for family in FAMILIES}


def run_of(folder, stage="instruct"):
    (run,) = [
        run for run in run_folders(folder) if json.loads((run / "config.json").read_text())["config"]["stage"] == stage
    ]
    return run


# What works


@pytest.mark.parametrize("family", FAMILIES)
def test_a_world_leads_to_a_model_that_is_evaluated_and_answers(family, trained, vlm, tmp_path):
    assert vlm("world", "--out", "data", "--images", 2, "--evaluation-images", 1).code == 0
    result = vlm("evaluate", trained[family], "--limit", 2, "--out", "results")
    assert result.code == 0, result.stderr
    kept = {path.stem for path in (tmp_path / "results" / f"{family}-task-agnostic").glob("*.jsonl")}
    assert len(kept) == 6 and all(name in result.stdout for name in kept)
    written = {path.name for path in (tmp_path / "results").iterdir()}
    assert written >= {"benchmarks.csv", "benchmarks.png", "differences.csv"}
    image = tmp_path / "data" / "images" / "test" / "000000.png"
    lines = ["What colour is the circle?", ""]
    for task in ("vqa", "visual_grounding"):
        said = vlm("chat", trained[family], "--image", image, "--task", task, stdin="\n".join(lines) + "\n")
        assert said.code == 0 and not said.stderr, said.stderr
    asked = vlm("generate", trained[family], "--samples", "data/test.jsonl", "--out", "said.jsonl", "--batch", 3)
    assert asked.code == 0, asked.stderr
    answers = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert len(answers) >= len((tmp_path / "data" / "test.jsonl").read_text().splitlines())
    assert all(answer.keys() == {"id", "image", "text"} for answer in answers)
    before = files_in(tmp_path)
    refused(vlm("generate", trained[family], "--samples", "data/test.jsonl", "--out", "said.jsonl"), "exists")
    assert files_in(tmp_path) == before


def test_status_knows_the_stages_and_training_again_does_nothing(trained, world, vlm):
    shown = vlm("status", trained["mamba"])
    assert shown.code == 0 and "align" in shown.stdout and "instruct" in shown.stdout and "2 finished" in shown.stdout
    before = files_in(trained["mamba"])
    again = vlm("train", "--data", world, *SMALL, "--align-steps", 1, "--out", trained["mamba"])
    assert again.code == 0 and "finished" in again.stdout
    assert files_in(trained["mamba"]) == before


def test_a_stage_that_begins_with_a_run_keeps_its_parts(trained, world, vlm, tmp_path):
    out = shutil.copytree(trained["pythia"], tmp_path / "runs")
    start = run_of(out, "align")
    begun = ["train", "--data", world, "--stage", "instruct", "--start", start, "--steps", 1, "--batch", 4]
    result = vlm(*begun, "--evaluations", 1)
    assert result.code == 0, result.stderr
    (run,) = set(run_folders(out)) - {out / folder.name for folder in run_folders(trained["pythia"])}
    written = json.loads((run / "config.json").read_text())["config"]
    assert written["model"] == written["start"]["model"] and written["model"]["name"] == "tiny/pythia"
    checkpoint = shutil.copytree(start / "checkpoint", tmp_path / "checkpoint")
    begun[begun.index(start)] = checkpoint
    assert vlm(*begun, "--evaluations", 1, "--out", "other").code == 0
    (run,) = run_folders(tmp_path / "other")
    assert json.loads((run / "config.json").read_text())["config"]["model"]["vision"]["image_size"] == 32


def test_a_sweep_is_planned_and_carried_out_with_what_its_runs_begin_with(world, vlm, tmp_path):
    (tmp_path / "experiment.py").write_text(
        "from pathlib import Path\n"
        "from small_world import both_stages\n"
        "def runs():\n"
        f"    yield both_stages(Path({str(world)!r}), 'tiny/pythia', steps=1, evaluations=1)\n"
    )
    planned = vlm("sweep", "experiment.py", "--out", "runs", "--dry-run")
    assert planned.code == 0 and "2 runs, 16 samples" in planned.stdout, planned.stderr
    assert not (tmp_path / "runs").exists()
    done = vlm("sweep", "experiment.py", "--out", "runs")
    assert done.code == 0 and "2 finished" in done.stdout, done.stderr
    assert "finished" in vlm("sweep", "experiment.py", "--out", "runs", "--dry-run").stdout


def test_samples_that_are_cut_or_left_out_are_counted_and_said(uneven, vlm, tmp_path):
    said = ["train", "--data", uneven, *SMALL, "--stage", "instruct", "--max-length", 256, "--out", "runs"]
    result = vlm(*said)
    assert result.code == 0, result.stderr
    (run,) = run_folders(tmp_path / "runs")
    facts = read_ran_with(run)
    cut, left_out = facts["samples_with_answers_cut"], facts["samples_left_out"]
    assert cut > 0 and left_out > 0
    assert f"{cut} lose answers to max_length" in result.stderr and f"{left_out} left out" in result.stderr


def test_an_evaluation_that_is_interrupted_goes_on_where_it_was(trained, vlm, tmp_path, monkeypatch):
    of_vqa = ["evaluate", trained["mamba"], "--benchmark", "world-vqa", "--batch", 5, "--out"]
    assert vlm(*of_vqa, "whole").code == 0
    calls = []
    original = answer.ask

    def ask(model, prompts, *arguments, **options):
        calls.append(len(prompts))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(model, prompts, *arguments, **options)

    monkeypatch.setattr(answer, "ask", ask)
    stopped = vlm(*of_vqa, "stopped")
    assert (stopped.code, stopped.stderr.strip()) == (130, "Interrupted. The same command goes on.")
    said = tmp_path / "stopped" / "mamba-task-agnostic" / "world-vqa.said"
    assert len(said.read_text().splitlines()) == 10
    lines = said.read_text().splitlines(keepends=True)
    said.write_text("".join([*lines[:9], "{damaged\n", *lines[9:]]))
    again = vlm(*of_vqa, "stopped")
    assert again.code == 0 and not said.exists()
    whole, stopped = (tmp_path / name / "mamba-task-agnostic" / "world-vqa.jsonl" for name in ("whole", "stopped"))
    assert whole.read_text() == stopped.read_text()
    questions = len(whole.read_text().splitlines())
    assert sum(calls[2:]) == questions - 9 + calls[2], "nothing that was said is asked again"


# Pictures


def header_of(width, height):
    """A PNG that claims a size and holds nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def write_picture(kind, folder):
    path = folder / f"{kind}.png"
    picture = Image.new("RGB", (40, 30), "red")
    if kind == "truncated":
        Image.effect_noise((64, 64), 90).save(path)
        path.write_bytes(path.read_bytes()[:-900])
    elif kind == "text":
        path.write_text("not a picture")
    elif kind == "bomb":
        path.write_bytes(header_of(50_000, 50_000))
    elif kind == "pixel":
        picture.resize((1, 1)).save(path)
    elif kind == "cmyk":
        path = folder / "cmyk.jpg"
        picture.convert("CMYK").save(path)
    elif kind == "deep":
        Image.new("I;16", (20, 20), 40_000).save(path)
    elif kind == "animated":
        path = folder / "animated.gif"
        picture.save(path, save_all=True, append_images=[Image.new("RGB", (40, 30), "blue")])
    elif kind == "rotated":
        path = folder / "rotated.jpg"
        exif = Image.Exif()
        exif[0x0112] = 6
        picture.save(path, exif=exif)
    return path


@pytest.mark.parametrize("kind", ["pixel", "cmyk", "deep", "animated", "rotated"])
def test_a_picture_that_is_odd_is_answered_about(kind, trained, vlm, tmp_path):
    image = write_picture(kind, tmp_path)
    said = vlm("chat", trained["pythia"], "--image", image, "--max-new-tokens", 3, stdin="What is it?\n")
    assert said.code == 0 and not said.stderr, said.stderr


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "missing.png is not there or no file"),
        ("truncated", "cannot be read as a picture"),
        ("text", "is no picture"),
        ("bomb", "more than 80,000,000 pixels are not decoded"),
    ],
)
def test_a_picture_that_is_broken_ends_in_a_sentence_with_nothing_written(kind, said, trained, vlm, tmp_path):
    image = write_picture(kind, tmp_path)
    good = {
        "id": "0",
        "image": write_picture("pixel", tmp_path).name,
        "task": "captioning",
        "source": "a",
        "caption": "b",
    }
    lines = [good, {**good, "id": "1", "image": image.name}]
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = files_in(tmp_path)
    refused(vlm("chat", trained["mamba"], "--image", image, stdin="What is it?\n"), said)
    asked = ["generate", trained["mamba"], "--samples", "asked.jsonl", "--batch", 1, "--out", "said.jsonl"]
    refused(vlm(*asked), said)
    assert files_in(tmp_path) == before


# What cannot be


@pytest.fixture
def around(trained, world, tmp_path):
    """Files and folders that are not what they are taken for."""
    (tmp_path / "file").write_text("")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    MambaForCausalLM(MambaConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1)).save_pretrained(
        tmp_path / "plain"
    )
    (tmp_path / "unfinished").mkdir()
    run = Run(tmp_path / "unfinished", vlm_config(world))
    run.start({"device": "cpu"})
    shutil.copytree(run_of(trained["mamba"]) / "checkpoint", run.folder / "checkpoint")
    run.folder.rename(tmp_path / "stopped")
    (tmp_path / "unfinished").rmdir()
    checkpoint = shutil.copytree(run_of(trained["pythia"], "align") / "checkpoint", tmp_path / "pythia")
    shutil.copytree(checkpoint, tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--family", "rnn"], "family must be one of pythia, mamba"),
        (["--pair", "huge"], "pair must be one of tiny"),
        (["--order", "infix"], "order must be one of task-agnostic, task-aware, query-first"),
        (["--stage", "pretrain"], "stage must be one of align, instruct, both"),
        (["--task", "poetry"], "tasks must be one of vqa"),
        (["--task", "chat"], "has no train samples of chat"),
        (["--encoder", "resnet"], "the vision encoder must be one of patches"),
        (["--encoder", "timm/test_vit"], "leave patch_size out"),
        (["--image-size", 33], "do not divide into patches"),
        (["--norm", "layer", "--family", "pythia"], "a form of Mamba"),
        (["--norm", "batch"], "norm must be one of"),
        (["--case", "upper"], "case must be one of"),
        (["--precision", "fp16"], "precision"),
        (["--data", "nowhere"], "nowhere holds neither manifest.json nor train.jsonl"),
        (["--out", "file"], "file is a file"),
        (["--out", "run"], "is itself the folder of a run"),
        (["--features", "file"], "file is a file: name a folder for the features"),
        (["--max-length", 7], "a picture is 7 tokens and max_length 7"),
        (["--max-length", 10], "samples can be used; the first"),
        (["--pack-length", 10], "pack_length 10 is shorter than max_length"),
        (["--batch", 0], "batch must be at least 1"),
        (["--learning-rate", 0], "learning rate must be a positive number"),
        (["--steps", 0], "--steps"),
        (["--evaluations", 9], "do not fit into 2 steps"),
        (["--tracker", "paper"], "tracker must be one of"),
        (["--pretrained", "./nowhere", "--encoder", "patches"], "is no folder"),
        (["--start", "pythia"], "--start begins one stage"),
        (["--stage", "align", "--align-steps", 3], "--align-steps is of --stage both"),
        (["--stage", "instruct", "--start", "nowhere"], "nowhere holds no trained model"),
        (["--stage", "instruct", "--start", "plain"], "plain holds no trained model"),
        (["--stage", "instruct", "--start", "stopped"], "stopped is not finished"),
        (
            ["--stage", "instruct", "--start", "pythia", "--family", "mamba"],
            "holds a pythia model, and the run asks for",
        ),
        (["--stage", "instruct", "--start", "pythia", "--pair", "small", "--family", "pythia"], "of width 64"),
        (["--stage", "instruct", "--start", "pythia", "--image-size", 48, "--patch-size", 24], "make them the same"),
        (["--no-such-flag"], "No such option"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_bad_settings_end_in_a_sentence_with_nothing_written(arguments, said, around, world, vlm):
    before = files_in(around)
    refused(vlm("train", "--data", world, *SMALL, *arguments), said)
    assert files_in(around) == before


def test_a_run_does_not_begin_with_one_of_another_family_or_in_another_folder(trained, world, vlm, tmp_path):
    start = ["--stage", "instruct", "--start", run_of(trained["pythia"], "align")]
    before = files_in(trained["pythia"])
    refused(vlm("train", "--data", world, *start, "--family", "mamba"), "goes on with the same model")
    refused(vlm("train", "--data", world, *start, "--out", "other"), "is kept beside it")
    assert files_in(trained["pythia"]) == before and not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_refused(world, trained, vlm, tmp_path):
    (tmp_path / "kept").mkdir(mode=0o500)
    refused(vlm("train", "--data", world, *SMALL, "--out", "kept/runs"), "cannot be written to")
    refused(vlm("evaluate", trained["mamba"], "--out", "kept/results"), "cannot be written to")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "a", "image"', "line 205: not a sample"),
        ("\x00", "line 205: not a sample"),
        ("[]", "line 205: not a sample"),
        (
            '{"id": "a", "image": "a.png", "task": "visual_grounding", "source": "a", '
            '"regions": [{"box": [0.5, 0.5, 1.2, 0.9], "phrase": "the dog"}]}',
            "sample a: box [0.5, 0.5, 1.2, 0.9] does not lie inside the picture",
        ),
        ('{"id": "a", "image": "a.png", "task": "poetry", "source": "a"}', "the task must be one of"),
        ('{"id": "a", "image": "a.png", "task": "vqa", "source": "a"}', "has no questions"),
    ],
    ids=["cut", "null", "list", "box", "task", "empty"],
)
def test_a_damaged_line_is_named_with_nothing_written(line, said, trained, world, vlm, tmp_path):
    data = shutil.copytree(world, tmp_path / "data")
    with open(data / "train.jsonl", "a") as file:
        file.write(line + "\n")
    before = files_in(tmp_path)
    refused(vlm("train", "--data", "data", *SMALL, "--out", "runs"), said)
    refused(vlm("generate", trained["mamba"], "--samples", "data/train.jsonl", "--out", "said.jsonl"), said)
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["GOOD", "--benchmark", "world-poems"], "the benchmark must be one of world-caption"),
        (["GOOD", "--order", "infix"], "order must be one of task-agnostic"),
        (["GOOD", "--split", "train"], "split must be one of test, validation"),
        (["GOOD", "--data", "nowhere"], "nowhere is no folder: name one of samples"),
        (["GOOD", "--out", "file"], "file is a file"),
        (["GOOD", "GOOD"], "two of the models would be mamba-task-agnostic"),
        (["stopped"], "stopped is not finished"),
        (["plain"], "plain holds no trained model"),
        (["nowhere"], "nowhere holds no trained model"),
        (["run"], "run holds no trained model"),
        (["pythia"], "name the folder of samples with --data"),
        (["cut", "--data", "WORLD"], "is broken"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_cannot_be_evaluated_is_said_with_nothing_written(arguments, said, around, trained, world, vlm):
    places = {"GOOD": trained["mamba"], "WORLD": world}
    before = files_in(around)
    refused(vlm("evaluate", "--out", "results", *(places.get(word, word) for word in arguments)), said)
    assert files_in(around) == before


def test_a_benchmark_that_is_named_twice_is_asked_once_and_other_pictures_are_other_data(trained, world, vlm, tmp_path):
    data = shutil.copytree(world, tmp_path / "data")
    asked = ["evaluate", trained["mamba"], "--data", data, "--out", "results", "--limit", 2, "--benchmark", "world-vqa"]
    twice = vlm(*asked, "--benchmark", "world-vqa")
    assert twice.code == 0, twice.stderr
    manifest = data / "world.json"
    manifest.write_text(manifest.read_text().replace('"size": ', '"size": 1'))
    refused(vlm(*asked), "differ in data")
    asked[asked.index("results")] = "others"
    shutil.rmtree(data / "images" / "test")
    refused(vlm(*asked), ".png is not there")
    assert not (tmp_path / "others").exists()


def test_models_are_asked_the_same_data_or_nothing(trained, vlm, tmp_path):
    assert vlm("world", "--out", "data", "--images", 2, "--evaluation-images", 1).code == 0
    mamba, pythia = (find_models([trained[family]], None)[0] for family in ("mamba", "pythia"))
    with pytest.raises(ConfigError, match="were trained on several data sets"):
        evaluate.evaluate(
            [mamba, dataclasses.replace(pythia, data=str(tmp_path / "data"))], ["world-vqa"], tmp_path / "results"
        )
    assert not (tmp_path / "results").exists()


def test_models_of_several_pairs_have_places_of_their_own(trained, tmp_path, capfd):
    models = find_models(list(trained.values()), None)
    other = dataclasses.replace(models[-1], name="small")
    evaluate.evaluate([*models, other], ["world-vqa"], tmp_path, limit=2)
    family = other.architecture.family
    places = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert places == {"tiny-pythia-task-agnostic", "tiny-mamba-task-agnostic", f"small-{family}-task-agnostic"}
    assert "mamba - pythia, tiny, task-agnostic" in " ".join(capfd.readouterr().out.split())


def test_runs_that_are_left_out_are_named(trained, tmp_path, capfd):
    for family in FAMILIES:
        run = run_of(trained[family])
        shutil.copytree(run, tmp_path / run.name)
    status = json.loads((tmp_path / run.name / "status.json").read_text())
    (tmp_path / run.name / "status.json").write_text(json.dumps(status | {"state": "interrupted"}))
    assert len(find_models([tmp_path], None)) == 1
    assert f"{run.name} is interrupted" in capfd.readouterr().err


def test_predictions_of_something_else_are_left_as_they_are(trained, vlm, tmp_path):
    of_vqa = ["evaluate", "--benchmark", "world-vqa", "--out", "results"]
    assert vlm(*of_vqa, trained["mamba"], "--limit", 2).code == 0
    before = files_in(tmp_path)
    both = [trained["pythia"], trained["mamba"]]  # the first of them could be
    refused(vlm(*of_vqa, *both, "--limit", 1), "mamba-task-agnostic has answers to 1 other questions of world-vqa")
    refused(vlm(*of_vqa, run_of(trained["mamba"], "align"), "--limit", 2), "differ in model")
    assert files_in(tmp_path) == before
    (tmp_path / "results" / "mamba-task-agnostic" / "asked.json").write_text("{half")
    refused(vlm(*of_vqa, trained["mamba"], "--limit", 2), "asked.json cannot be read")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chat", "GOOD", "--image", "pixel.png", "--task", "captioning"], "task must be one of vqa, visual_grounding"),
        (["chat", "GOOD", "--image", "pixel.png", "--order", "infix"], "order must be one of"),
        (["chat", "plain", "--image", "pixel.png"], "plain holds no trained model"),
        (["chat", "cut", "--image", "pixel.png"], "is broken"),
        (["chat", "GOOD", "--image", "plain"], "is not there or no file"),
        (["chat", "GOOD", "--image", "x" * 300], "cannot be read as a picture"),
        (["chat", "cut", "--image", "pixel.png", "--top-p", 0], "--top-p is a share above 0"),
        (["generate", "GOOD", "--samples", "nowhere.jsonl", "--out", "a"], "cannot be read as a file of samples"),
        (["generate", "GOOD", "--samples", "file", "--out", "a"], "file is empty"),
        (["generate", "GOOD", "--samples", "WORLD/test.jsonl", "--out", "file/a"], "file is a file"),
        (["status", "nowhere"], "holds no runs"),
        (["sweep", "nowhere.py", "--out", "runs"], "does not exist"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_cannot_be_answered_is_said_with_nothing_written(arguments, said, around, trained, world, vlm):
    write_picture("pixel", around)
    places = {"GOOD": trained["mamba"], "WORLD/test.jsonl": world / "test.jsonl"}
    before = files_in(around)
    refused(vlm(*(places.get(word, word) for word in arguments), stdin="What?\n"), said)
    assert files_in(around) == before


def test_help_is_quick_and_names_every_command(vlm):
    shown = vlm("--help")
    assert shown.code == 0
    assert all(name in shown.stdout for name in ("world", "train", "sweep", "status", "evaluate", "chat", "generate"))
    heavy = "('torch', 'transformers', 'pandas', 'matplotlib', 'timm')"
    code = f"import sys, vlm.cli; print([m for m in {heavy} if m in sys.modules])"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert loaded.stdout.strip() == "[]"


def test_samples_without_answers_are_answered(trained, vlm, world, tmp_path):
    shutil.copytree(world / "images" / "test", tmp_path / "images")
    asked = [
        {"task": "vqa", "questions": [{"question": "What is this?"}, {"question": "And that?", "answer": ""}]},
        {"task": "visual_grounding", "regions": [{"phrase": "the circle"}]},
        {"task": "chat", "replies": ["Hello.", "Hi.", "What is this?"]},
    ]
    lines = [{"id": str(n), "image": "images/000000.png", "source": "own"} | one for n, one in enumerate(asked)]
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = vlm("generate", trained["mamba"], "--samples", "asked.jsonl", "--out", "new/folder/said.jsonl")
    assert result.code == 0, result.stderr
    said = (tmp_path / "new" / "folder" / "said.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in said] == ["0.0", "0.1", "1", "2"]


def test_bytes_that_are_no_text_are_a_question_like_others(trained, vlm, world):
    image = world / "images" / "test" / "000000.png"
    result = vlm("chat", trained["mamba"], "--image", image, stdin=b"What \xff?\n")
    assert result.code == 0 and result.stdout, result.stderr


def test_inspect_shows_what_a_trained_model_reads(trained, vlm, world, tmp_path):
    assert vlm("inspect", world, "--index", 0, "--model", trained["mamba"], "--out", "its.html").code == 0
    own = ["--grid", "2x2", "--vocabulary", run_of(trained["mamba"]) / "checkpoint"]
    assert vlm("inspect", world, "--index", 0, *own, "--out", "own.html").code == 0
    assert (tmp_path / "its.html").read_text() == (tmp_path / "own.html").read_text()
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "train.jsonl").touch()
    for what in (["--pack", 2], ["--index", 0], ["--sheet"]):
        refused(vlm("inspect", "none", *what, "--out", "a.html"), "none has no train samples")
    refused(vlm("inspect", world, "--pack", 2, "--out", "a.txt"), "must end in .html or .png")


def test_a_run_that_fails_is_said_and_ends_with_1(world, vlm, tmp_path):
    data = shutil.copytree(world, tmp_path / "data")
    for path in (data / "images" / "train").glob("*.png"):
        path.write_text("gone")
    result = vlm("train", "--data", "data", *SMALL, "--stage", "instruct", "--out", "runs")
    assert result.code == 1 and "is no picture" in result.stderr.splitlines()[-1]
    (run,) = run_folders(tmp_path / "runs")
    assert read_status(run)["state"] == "failed"
