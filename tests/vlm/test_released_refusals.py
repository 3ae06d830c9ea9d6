"""Folders that `vlm import` refuses, each in a sentence on what is wrong with files, weights or config.json."""

import json
import os
import pickle
import re
import shutil
import zipfile

import pytest
import torch
from released_command import refused
from released_models import write
from safetensors.torch import load_file, save_file
from small_vlm import small_model

from backbones import load
from vlm.config import TrainConfig

WEIGHTS, SHARD, INDEX = "model.safetensors", "model-00002-of-00003.safetensors", "model.safetensors.index.json"


def bad(family="mamba", encoder="eva", change=None, **options):
    """A folder that is written with these options, and then changed."""

    def make(folder):
        write(folder, family, encoder, **options)
        if change:
            change(folder)

    return make


def without(*names):
    return bad(weights=dict.fromkeys(names))


def config(**settings):
    return bad(configured=settings)


def pythia(**settings):
    return bad("pythia", configured=settings)


def text_in(name, text):
    return lambda folder: (folder / name).write_text(text)


def cut(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-1000])


def index(change):
    def damage(folder):
        held = json.loads((folder / INDEX).read_text())
        change(held["weight_map"])
        (folder / INDEX).write_text(json.dumps(held))

    return damage


def double(folder):
    first, second = "model-00001-of-00003.safetensors", SHARD
    name = next(iter(load_file(folder / first)))
    save_file({**load_file(folder / second), name: torch.ones(1)}, folder / second)


class _Runs:
    """A pickle that would run a program."""

    def __reduce__(self):
        return os.system, ("touch was-run",)


def evil(folder):
    with open(folder / "pytorch_model.bin", "wb") as file:
        pickle.dump({"weight": _Runs()}, file)


def evil_archive(folder):
    torch.save({"weight": _Runs()}, folder / "pytorch_model.bin")
    assert zipfile.is_zipfile(folder / "pytorch_model.bin")


def only(*patterns):
    def remove(folder):
        kept = {path for pattern in patterns for path in folder.glob(pattern)}
        for path in set(folder.iterdir()) - kept:
            path.unlink()

    return remove


def bare_language_model(folder):
    load("tiny/mamba", vocabulary=50280).save_pretrained(folder)


def ours_already(folder):
    small_model().save_pretrained(folder)


def a_run(folder):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"kind": TrainConfig.__name__, "config": {}, "ran_with": []}))


def pixels_alone(folder):
    write(folder, "mamba")
    kept = {name: held for name, held in load_file(folder / WEIGHTS).items() if not name.startswith("vision_encoder")}
    save_file(kept, folder / WEIGHTS)


def pickled(value):
    def make(folder):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        torch.save(value, folder / "pytorch_model.bin")

    return make


BIAS = "vision_embed_tokens.2.bias"
EVA = "vision_encoder."
CLIP = f"{EVA}vision_model."
LAYER = "gpt_neox.layers.1."

BAD = {
    # Folders
    "nothing there": (lambda folder: None, "is not there: download the model"),
    "a file": (lambda folder: folder.write_text("x"), "is a file: name the folder"),
    "nothing in it": (lambda folder: folder.mkdir(), "has no weights: name a folder with model.safetensors"),
    "ours already": (ours_already, "is a model of this package already"),
    "a run of ours": (a_run, "is a run of this package"),
    "a language model alone": (bare_language_model, "is a language model without a vision part"),
    "pixels without an encoder": (pixels_alone, "reads pixels without a vision encoder, .* not supported"),
    "what a trainer needs": (
        bad(trainer_files=True, change=only("*.pt", "*.json", "*.pth")),
        r"has what a trainer needs to go on \(optimizer.pt, scheduler.pt\) and no weights",
    ),
    # Files
    "no config": (bad(change=lambda folder: (folder / "config.json").unlink()), "has no config.json: copy"),
    "a config that is no JSON": (bad(change=text_in("config.json", "{")), "cannot be read as JSON"),
    "a config that is a list": (bad(change=text_in("config.json", "[]")), "describes no model"),
    "no bytes": (bad(change=text_in(WEIGHTS, "")), "model.safetensors is empty: copy it again"),
    "a pointer": (bad(change=text_in(WEIGHTS, "version https://git-lfs.github.com/spec/v1\n")), "`git lfs pull`"),
    "text": (bad(change=text_in(WEIGHTS, "weights, perhaps")), "model.safetensors is broken"),
    "cut off": (bad(change=cut(WEIGHTS)), "model.safetensors is broken"),
    "a shard cut off": (bad(shards=3, change=cut(SHARD)), f"{SHARD} is broken"),
    "a shard that is a pointer": (bad(shards=3, change=text_in(SHARD, "version https://git-lfs")), "`git lfs pull`"),
    "no second shard": (bad(shards=3, change=lambda folder: (folder / SHARD).unlink()), f"lacks its shard {SHARD}"),
    "no index": (bad(shards=3, change=lambda folder: (folder / INDEX).unlink()), "copy the model's index.json"),
    "an index that is no index": (bad(shards=3, change=text_in(INDEX, "{}")), "is no index of weights"),
    "an empty index": (bad(shards=3, change=text_in(INDEX, '{"weight_map": {}}')), "does not name files beside it"),
    "an index of files elsewhere": (
        bad(shards=3, change=text_in(INDEX, '{"weight_map": {"a": "../model.safetensors"}}')),
        "does not name files beside it",
    ),
    "an index with more": (
        bad(shards=3, change=index(lambda held: held.update(more=SHARD))),
        r"names more \(1 in all\), which no shard has",
    ),
    "an index with less": (
        bad(shards=3, change=index(lambda held: held.pop(BIAS))),
        rf"does not say that {BIAS} is in model-",
    ),
    "an index that confuses": (
        bad(shards=3, change=index(lambda held: held.update({BIAS: "model-00001-of-00003.safetensors"}))),
        "does not say that",
    ),
    "a shard too many": (
        bad(shards=3, change=lambda folder: shutil.copy(folder / SHARD, folder / "model-00004-of-00003.safetensors")),
        "does not name model-00004-of-00003.safetensors beside it",
    ),
    "a weight in two shards": (bad(shards=3, change=double), "in two shards"),
    "a pickle cut off": (
        bad(form="bin", change=cut("pytorch_model.bin")),
        "pytorch_model.bin is broken, or holds more",
    ),
    "a pickle that would run": (bad(change=evil, form="bin"), "more than plain tensors, which is not run"),
    "an archive that would run": (bad(change=evil_archive, form="bin"), "more than plain tensors, which is not run"),
    "a pickle of a list": (pickled([torch.ones(1)]), "holds other things than weights by name"),
    "a pickle of numbers": (pickled({"a": 1}), "holds other things than weights by name"),
    # Weights
    "one missing": (without(BIAS), r"lacks vision_embed_tokens\.2\.bias \(1 in all\)\."),
    "many missing": (
        without(*(f"backbone.layers.{n}.mixer.dt_proj.bias" for n in range(3)), BIAS),
        r"lacks backbone\.layers\.0\.mixer\.dt_proj\.bias, .*1.*, .*2.* \(4 in all\)\.",
    ),
    "one unknown": (bad(weights={"backbone.extra": torch.ones(1)}), r"has unknown backbone\.extra \(1 in all\)\."),
    "one of another shape": (
        bad(weights={BIAS: torch.ones(37)}),
        r"has of another shape vision_embed_tokens\.2\.bias \(1 in all\)\.",
    ),
    "a flat one": (
        bad("pythia", weights={f"{LAYER}mlp.dense_h_to_4h.weight": torch.ones(1)}),
        r"has of another shape gpt_neox\.layers\.1\.mlp\.dense_h_to_4h\.weight",
    ),
    "a whole layer missing": (
        bad(
            "pythia",
            change=lambda folder: save_file(
                {n: t for n, t in load_file(folder / WEIGHTS).items() if not n.startswith(LAYER)}, folder / WEIGHTS
            ),
        ),
        "has num_hidden_layers 3 and the weights 2",
    ),
    "norms half with biases": (
        without("backbone.layers.1.norm.bias"),
        r"lacks backbone\.layers\.1\.norm\.bias \(1 in all\), and other norms have biases",
    ),
    "another output": (bad(head="conflicting"), "is not the embedding, which this model's output is tied to"),
    "nan": (bad(weights={BIAS: torch.full((36,), torch.nan)}), rf"{BIAS} in .* is nan or infinite"),
    "infinite": (bad(weights={BIAS: torch.full((36,), torch.inf)}), "is nan or infinite"),
    "whole numbers": (bad(weights={BIAS: torch.ones(36, dtype=torch.int64)}), "is of torch.int64, as no weights are"),
    "a type of its own": (
        bad(weights={BIAS: torch.ones(36, dtype=torch.int8)}),
        "has weights of type I8: only those of F64, F32",
    ),
    "both families": (bad(weights={"gpt_neox.final_layer_norm.bias": torch.ones(36)}), "both Mamba and Pythia"),
    "no embedding": (without("backbone.embedding.weight"), r"has no backbone\.embedding\.weight of the right shape"),
    "another vocabulary": (
        bad(weights={"backbone.embedding.weight": torch.ones(50_000, 36)}),
        "50,000 rows in its embedding and GPT-NeoX 50,277 tokens",
    ),
    "no table of positions": (without(f"{EVA}pos_embed"), "has no vision_encoder.pos_embed of the right shape"),
    "positions that are no square": (
        bad(weights={f"{EVA}pos_embed": torch.ones(1, 16, 64)}),
        r"has 16 rows in vision_encoder\.pos_embed, and n x n patches have 1 \+ n \* n",
    ),
    # config.json
    "another width": (config(d_model=40), "has d_model 40 and the weights 36"),
    "another hidden size": (config(hidden_size=40), "has hidden_size 40 and the weights 36"),
    "more layers": (config(n_layer=4), "has n_layer 4 and the weights 3"),
    "layers in words": (config(n_layer="three"), "has n_layer 'three', which is no whole number"),
    "other rows": (config(vocab_size=50_000), "has vocab_size 50000 and the weights 50280 rows"),
    "another size of pictures": (config(image_size=336), "give --image-size 56 if the weights are right"),
    "class tokens among features": (config(select_feature="cls_patch"), "select_feature 'cls_patch'"),
    "no encoder named": (config(vision_encoder_name=None), "does not name the vision encoder: .* --vision"),
    "another encoder named": (config(vision_encoder_name="timm/eva02_large_patch14_clip_336"), "with --vision"),
    "an unknown encoder": (config(vision_encoder_name="timm/eva99"), "cannot be had .* with --vision"),
    "CLIP named and EVA there": (
        config(vision_encoder_name="openai/clip-vit-large-patch14-336"),
        "weights are of an EVA: name it as timm/MODEL with --vision",
    ),
    "EVA named and CLIP there": (
        bad(encoder="clip", configured={"vision_encoder_name": "timm/eva02_large_patch14_clip_336"}),
        "weights are of a CLIP: name it as clip/HUB-NAME-OR-FOLDER with --vision",
    ),
    "a layer that CLIP has not": (bad(encoder="clip", configured={"select_layer": -9}), "has 3 layers"),
    "another inner width": (pythia(intermediate_size=100), "has intermediate_size 100 and the weights 128"),
    "no heads": (pythia(num_attention_heads=None), "lacks num_attention_heads"),
    "no rotary share": (pythia(rotary_pct=None), "lacks rotary_pct"),
    "scaled rotary positions": (pythia(rope_scaling={"type": "linear", "factor": 2.0}), "has rope_scaling"),
    "heads that do not divide": (pythia(num_attention_heads=5), "describes no gpt_neox"),
    "heads in words": (pythia(num_attention_heads="two"), "describes no gpt_neox"),
    "an unknown activation": (pythia(hidden_act="loud"), "language model that cannot be made"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_imported_is_refused_in_a_sentence(vlm, tmp_path, case):
    make, sentence = BAD[case]
    folder = tmp_path / "work" / "released"
    folder.parent.mkdir()
    make(folder)
    said = refused(vlm, folder)
    assert re.search(sentence, said), said
    assert not list(tmp_path.rglob("was-run"))
