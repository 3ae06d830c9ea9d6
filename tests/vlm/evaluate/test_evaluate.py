"""`vlm evaluate` on every benchmark of the paper: one process or two, at once or bit by bit, killed or not, the files
are the same."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from small_data_sets import plan_of, write_all
from small_vlm import small_model

from training.lock import Lock
from vlm.data.mixtures import BENCHMARKS as PREPARED
from vlm.data.prepare import prepare
from vlm.evaluate import answer
from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.predictions import answered, read_predictions
from vlm.evaluate.said import Said

ROOT = Path(__file__).parents[3]
PLACE = "mamba-task-agnostic"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """`vlm prepare benchmarks`."""
    folder = tmp_path_factory.mktemp("benchmarks")
    prepare(plan_of("benchmarks"), write_all(folder / "root"), folder / "data")
    return folder / "data"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A checkpoint of each family, whose weights were drawn: what they say differs from prompt to prompt."""
    folder = tmp_path_factory.mktemp("models")
    for family in ("pythia", "mamba"):
        model = small_model(family)
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(0)
            for name, weight in model.language_model.named_parameters():
                if "embed" in name or "norm" in name:
                    weight.normal_()
        model.save_pretrained(folder / family)
    return folder


def evaluating(models, data, out, *arguments):
    return ["evaluate", models / "mamba", "--data", data, "--out", out, "--batch", 3, *arguments]


@pytest.fixture(scope="module")
def whole(models, data, tmp_path_factory):
    """What is left of an evaluation in one process, that nothing happened to."""
    out = tmp_path_factory.mktemp("whole") / "out"
    in_processes(1, evaluating(models, data, out))
    return out


def in_processes(count, arguments, expected=0):
    """Types `vlm` and these arguments in new processes."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", count] if count > 1 else []
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "ACCELERATE_USE_CPU": "1",
    }
    command = [sys.executable, *map(str, launch), "-m", "vlm", *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == expected, result.stderr[-3000:]
    return result


def kept(out):
    """Predictions, scores and files for servers."""
    files = {path.name: path.read_bytes() for path in (out / PLACE).iterdir()}
    return {**files, "benchmarks.csv": (out / "benchmarks.csv").read_bytes()}


def test_every_benchmark_of_the_paper_is_asked_and_scored(whole):
    expected = {name.replace(" ", "-") for name, _ in PREPARED}
    assert {path.stem for path in (whole / PLACE).glob("*.jsonl")} == expected
    table = pd.read_csv(whole / "benchmarks.csv", keep_default_na=False)
    assert set(table["benchmark"]) == expected <= BENCHMARKS.keys()
    for name in expected:
        benchmark, predictions = BENCHMARKS[name], read_predictions(whole / PLACE / f"{name}.jsonl")
        assert answered(predictions, [one.prediction for one in predictions]) == predictions
        assert all(one.number and one.image for one in predictions)
        rows = table[(table["benchmark"] == name) & (table["family"] == "mamba")]
        computed = {one.name for one in benchmark.metric.further if not one.lacking()}
        assert set(rows["metric"]) == {benchmark.metric.name} | computed
        scored = [one.score for one in predictions if one.score is not None]
        row = rows[(rows["metric"] == benchmark.metric.name) & (rows["group"] == "all") & (rows["kind"] == "all")]
        assert row["score"].item() == pytest.approx(sum(scored) / len(scored))
    said = {one.prediction for path in (whole / PLACE).glob("*.jsonl") for one in read_predictions(path)}
    assert len(said) > 3, "not the same to everything"


def test_packed_questions_are_asked_one_by_one_and_parts_are_reported_apart(whole):
    table = pd.read_csv(whole / "benchmarks.csv", keep_default_na=False)
    assert len(read_predictions(whole / PLACE / "vqa_v2.jsonl")) == 26
    groups = {name: set(table[table["benchmark"] == name]["group"]) - {"all"} for name in BENCHMARKS}
    assert groups["refcoco"] == {"testA", "testB"} and groups["refcocog"] == {"test"}
    assert groups["nocaps"] >= {"near-domain", "out-domain"} and groups["vsr"] == {"at the right side of"}
    assert set(table[table["benchmark"] == "gqa"]["kind"]) >= {"all", "verify"}


def test_files_for_test_servers_have_their_fields_and_what_the_server_alone_can_score(whole):
    def sent(name):
        return json.loads((whole / PLACE / f"{name}.submission.json").read_text())

    hidden = [one for one in read_predictions(whole / PLACE / "gqa.jsonl") if one.score is None]
    assert [one["questionId"] for one in sent("gqa")] == [one.number for one in hidden] == ["201971873"]
    assert all(one.keys() == {"image_id", "caption"} for name in ("coco", "nocaps", "textcaps") for one in sent(name))
    assert all(one.keys() == {"question_id", "answer"} for name in ("vqa_v2", "text_vqa") for one in sent(name))
    assert isinstance(sent("coco")[0]["image_id"], int) and isinstance(sent("textcaps")[0]["image_id"], str)
    assert {one["question_id"] for one in sent("vqa_v2")} >= {57870000, 57870021}
    assert not (whole / PLACE / "vsr.submission.json").exists()


def test_a_test_set_without_answers_gives_a_file_for_its_server_and_no_score(models, data, vlm):
    root = data.parent / "root"
    assert vlm("prepare", "vqa_v2", "--split", "test", "--root", root, "--out", "hidden").code == 0
    result = vlm(*evaluating(models, "hidden", "out"))
    assert result.code == 0, result.stderr
    assert "vqa_v2.submission.json holds answers that its test server scores." in result.stdout
    assert not Path("out/benchmarks.csv").exists()
    predictions = read_predictions(Path("out") / PLACE / "vqa_v2.jsonl")
    assert {one.score for one in predictions} == {None}
    sent = json.loads((Path("out") / PLACE / "vqa_v2.submission.json").read_text())
    assert {str(one["question_id"]) for one in sent} == {one.number for one in predictions}


def test_two_processes_leave_the_same_files_as_one(models, data, whole, tmp_path):
    in_processes(2, evaluating(models, data, tmp_path / "out"))
    assert kept(tmp_path / "out") == kept(whole)


KILLED = """
import os, signal, sys
from vlm.evaluate import answer
from vlm.cli import main

original, calls = answer.ask, []


def ask(*arguments, **options):
    calls.append(1)
    if len(calls) == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)


answer.ask = ask
main()
"""


@pytest.mark.parametrize("at", [1, 6, 15])
def test_an_evaluation_that_is_killed_and_started_again_leaves_the_same_files(at, models, data, whole, tmp_path):
    arguments = list(map(str, evaluating(models, data, tmp_path / "out")))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED.format(at=at), *arguments]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr[-3000:]
    in_processes(1, arguments)
    assert kept(tmp_path / "out") == kept(whole)


def test_what_two_processes_said_before_they_were_killed_is_not_asked_again(models, data, whole, vlm, monkeypatch):
    predictions = read_predictions(whole / PLACE / "vqa_v2.jsonl")
    (Path("out") / PLACE).mkdir(parents=True)
    said = Said(Path("out") / PLACE / "vqa_v2.jsonl")
    for process, some in enumerate((predictions[:10], predictions[10:14])):
        with said.open(process) as file:
            file.writelines(json.dumps([one.id, one.prediction]) + "\n" for one in some)
    with said.open(1) as file:
        file.write('["vqa_v2-57870000.9", "hal')
    asked = []
    original = answer.ask
    monkeypatch.setattr(answer, "ask", lambda *a, **o: asked.extend(a[1]) or original(*a, **o))
    assert vlm(*evaluating(models, data, "out", "--benchmark", "vqa_v2")).code == 0
    assert {prompt.sample.id for prompt in asked} == {one.id for one in predictions[14:]}
    assert said.files() == []
    assert read_predictions(Path("out") / PLACE / "vqa_v2.jsonl") == predictions


def test_more_questions_are_asked_later_and_fewer_are_refused(models, data, whole, vlm, monkeypatch):
    asked = []
    original = answer.ask
    monkeypatch.setattr(answer, "ask", lambda *a, **o: asked.extend(a[1]) or original(*a, **o))
    assert vlm(*evaluating(models, data, "out", "--limit", 2)).code == 0
    first = {prompt.sample.id for prompt in asked}
    asked.clear()
    assert vlm(*evaluating(models, data, "out")).code == 0
    assert asked and first.isdisjoint(prompt.sample.id for prompt in asked)
    assert kept(Path("out")) == kept(whole)
    before = kept(Path("out"))
    refused = vlm(*evaluating(models, data, "out", "--limit", 2))
    assert refused.code == 2 and "other questions of" in refused.stderr
    assert kept(Path("out")) == before


def interrupted(at, arguments, vlm, monkeypatch):
    """Types `vlm` and these arguments, and Ctrl-C at a batch."""
    original, calls = answer.ask, []

    def ask(*of_it, **options):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return original(*of_it, **options)

    with monkeypatch.context() as patch:
        patch.setattr(answer, "ask", ask)
        assert vlm(*arguments).code == 130


def test_fewer_questions_do_not_take_away_what_an_interrupted_evaluation_has(models, data, vlm, monkeypatch):
    asking = evaluating(models, data, "out", "--benchmark", "vqa_v2")
    interrupted(4, asking, vlm, monkeypatch)
    (said,) = Said(Path("out") / PLACE / "vqa_v2.jsonl").files()
    before = said.read_bytes()
    refused = vlm(*asking, "--limit", 2)
    assert refused.code == 2 and "has answers to 7 other questions of vqa_v2" in refused.stderr
    assert said.read_bytes() == before


def test_in_bf16_what_was_interrupted_is_asked_in_the_same_batches(models, data, vlm, monkeypatch):
    asking = ["evaluate", models / "pythia", "--data", data, "--batch", 4, "--precision", "bf16"]
    asking += ["--benchmark", "vqa_v2", "--benchmark", "refcoco"]
    assert vlm(*asking, "--out", "whole").code == 0
    interrupted(6, [*asking, "--out", "out"], vlm, monkeypatch)
    seen = []
    original = answer.ask
    monkeypatch.setattr(answer, "ask", lambda *a, **o: seen.append(len(a[1])) or original(*a, **o))
    assert vlm(*asking, "--out", "out").code == 0
    assert seen == [4, 2, 4]  # the last batches of 26 questions, and of 4 expressions
    for name in ("vqa_v2.jsonl", "refcoco.jsonl"):
        kept_one, other = (Path(out) / "pythia-task-agnostic" / name for out in ("whole", "out"))
        assert kept_one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("kept_of_it", [0.5, 0.9])
def test_scores_that_were_cut_short_are_computed_again(kept_of_it, models, data, vlm):
    asking = evaluating(models, data, "out", "--benchmark", "vsr", "--benchmark", "gqa")
    assert vlm(*asking).code == 0
    table = Path("out/benchmarks.csv").read_bytes()
    for name in ("vsr.csv", "gqa.csv"):
        path = Path("out") / PLACE / name
        path.write_bytes(path.read_bytes()[: int(kept_of_it * path.stat().st_size)])
    assert vlm(*asking).code == 0
    assert Path("out/benchmarks.csv").read_bytes() == table


def test_two_evaluations_do_not_write_into_one_folder(models, data, vlm):
    place = Path("out") / PLACE
    place.mkdir(parents=True)
    lock = Lock(place)
    lock.take()
    refused = vlm(*evaluating(models, data, "out", "--benchmark", "gqa"))
    lock.release()
    assert refused.code == 2 and "is being run by" in refused.stderr
    assert {path.name for path in place.iterdir()} == {"lock"}


def test_another_architecture_under_the_same_weights_is_another_model(models, data, vlm):
    shutil.copytree(models / "mamba", "mamba")
    asking = ["evaluate", "mamba", "--data", data, "--out", "out", "--benchmark", "gqa"]
    assert vlm(*asking).code == 0
    config = json.loads(Path("mamba/config.json").read_text())
    Path("mamba/config.json").write_text(json.dumps(config | {"case": "lowered"}))
    refused = vlm(*asking)
    assert refused.code == 2 and "differ in model" in refused.stderr


def test_samples_of_ones_own_need_numbers_where_a_server_asks_for_them(models, vlm, world):
    shutil.copytree(world, "own")
    line = (world / "test.jsonl").read_text().splitlines()[0]
    sample = json.loads(line) | {"id": "mine", "source": "coco", "task": "captioning", "caption": "A star."}
    Path("own/test.jsonl").write_text(json.dumps(sample) + "\n")
    refused = vlm(*evaluating(models, "own", "out"))
    assert refused.code == 2 and "sample mine of coco has no number" in refused.stderr
    assert not Path("out").exists()


def test_one_expression_of_each_object_is_the_last_one(models, data, whole, vlm):
    result = vlm(*evaluating(models, data, "out", "--one-expression", "--benchmark", "refcoco", "--benchmark", "gqa"))
    assert result.code == 0, result.stderr
    all_of_them = read_predictions(whole / PLACE / "refcoco.jsonl")
    last = {}
    for one in sorted(all_of_them, key=lambda one: int(one.number.partition(".")[2])):
        last[one.number.partition(".")[0]] = one
    found = read_predictions(Path("out") / PLACE / "refcoco.jsonl")
    assert sorted(one.id for one in found) == sorted(one.id for one in last.values())
    assert len(found) < len(all_of_them)


def test_models_of_both_families_are_asked_in_one_precision(models, data, vlm, monkeypatch):
    seen = set()
    original = answer.ask

    def ask(model, *arguments, **options):
        weights = {str(weight.dtype) for weight in model.parameters()}
        product = torch.ones(1, 1) @ torch.ones(1, 1)  # what autocast makes of it
        seen.add((model.family, *sorted(weights), str(product.dtype)))
        return original(model, *arguments, **options)

    monkeypatch.setattr(answer, "ask", ask)
    both = ["evaluate", models / "mamba", models / "pythia", "--data", data, "--out", "out", "--benchmark", "gqa"]
    assert vlm(*both).code == 0
    assert seen == {("mamba", "torch.float32", "torch.float32"), ("pythia", "torch.float32", "torch.float32")}
    seen.clear()
    refused = vlm(*both, "--precision", "bf16")
    assert refused.code == 2 and "holds predictions that differ in precision" in refused.stderr
    both[both.index("out")] = "other"
    assert vlm(*both, "--precision", "bf16").code == 0
    assert seen == {("mamba", "torch.float32", "torch.bfloat16"), ("pythia", "torch.float32", "torch.bfloat16")}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--benchmark", "world-vqa"], "there are no samples of world-vqa in"),
        (["--benchmark", "flickr"], "the benchmark must be one of world-caption"),
        (["--split", "validation"], "has no validation samples"),
        (["--data", "empty"], "cannot be read as a file of samples"),
        (["--data", "nowhere"], "nowhere is no folder: name one of samples"),
    ],
)
def test_what_the_data_do_not_have_is_said_before_anything_is_written(arguments, sentence, models, data, vlm):
    Path("empty").mkdir()
    refused = vlm(*evaluating(models, data, "out", *arguments))
    assert refused.code == 2 and sentence in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not Path("out").exists()


def test_predictions_of_hidden_answers_are_read_back_without_scores(whole):
    predictions = read_predictions(whole / PLACE / "gqa.jsonl")
    again = answered([dataclasses.replace(one, parsed=False) for one in predictions], ["Yes."] * len(predictions))
    assert [(one.score is None, one.parsed) for one in again] == [(one.score is None, True) for one in predictions]
