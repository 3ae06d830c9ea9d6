"""Pretraining: what is asked, that both families see the same, and that its weights go on into the probe."""

import dataclasses
import hashlib
import json
import math
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from transformers import MambaForCausalLM

from backbones import load
from backbones.pairs import FAMILIES
from probe.language import Language
from probe.pretrain import NextToken, PretrainConfig, run_pretrain, sequences_digest
from training.config import ConfigError, Optimisation, identity
from training.run import read_curve, read_ran_with, run_folders

LANGUAGE = Language(length=12, alphabet=6, shortest=2, longest=3)
SHORT = Optimisation(steps=12, evaluations=3, batch=8, learning_rate=2e-3)


def config_of(name="tiny/pythia", **changes):
    return PretrainConfig(
        **{"name": name, "corpus": LANGUAGE, "optimisation": SHORT, "held_out_sequences": 40, **changes}
    )


class Oracle(torch.nn.Module):
    """Knows the sequences of one split, and says each next token; a wrong one at the position that is given."""

    def __init__(self, sequences, wrong=None):
        super().__init__()
        self.rows = {tuple(row[:-1]): row[1:] for row in sequences.tolist()}
        self.wrong = wrong
        self.anything = torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids, **_):
        said = torch.tensor([self.rows[tuple(row)] for row in input_ids.tolist()])
        if self.wrong is not None:
            said[:, self.wrong] = 0
        return SimpleNamespace(logits=50.0 * torch.nn.functional.one_hot(said, 300).float())


@pytest.mark.parametrize("wrong", [None, 7])
def test_predictable_tokens_are_counted_by_their_place_in_the_sequence(wrong):
    config = config_of(held_out_sequences=300)  # more than are judged at once
    tokens, predictable = LANGUAGE.sequences("held-out", torch.arange(300))
    record = NextToken(config).evaluate(Oracle(tokens, wrong), Accelerator(), {})
    assert record["asked"] == predictable[:, 1:].sum(dim=0).tolist()
    expected = [0 if place == wrong else asked for place, asked in enumerate(record["asked"])]
    assert record["correct"] == expected
    assert (record["held_out_loss"] < 1e-3) == (wrong is None)


def test_every_next_token_carries_the_loss():
    tokens, _ = LANGUAGE.sequences("train", torch.arange(8, 24))
    loss = NextToken(config_of()).loss(Oracle(tokens, wrong=3), 8, 16)
    assert loss.item() == pytest.approx(50 / 11, rel=1e-3), "one of eleven is wrong by 50 nats"


@pytest.mark.parametrize("name", [f"tiny/{family}" for family in FAMILIES])
def test_a_run_repeats_to_the_bit_and_its_weights_go_on_into_the_probe(name, tmp_path):
    first, second = (run_pretrain(config_of(name), tmp_path / place) for place in "ab")
    curves = [[{**line, "seconds": 0} for line in read_curve(run.folder)] for run in (first, second)]
    assert curves[0] == curves[1] and [line["step"] for line in curves[0]] == [4, 8, 12]
    assert math.isfinite(curves[0][-1]["held_out_loss"])
    assert load(str(first.folder / "checkpoint")).config.vocab_size == 258


@pytest.mark.slow
@pytest.mark.parametrize(("name", "steps"), [("tiny/pythia", 600), ("tiny/mamba", 1_500)])
def test_the_language_teaches_retrieval_from_the_context(name, steps, tmp_path):
    easy = Language(length=24, alphabet=32, shortest=3, longest=8)
    optimisation = Optimisation(steps=steps, evaluations=1, learning_rate=1e-3, schedule="constant")
    run = run_pretrain(config_of(name, corpus=easy, optimisation=optimisation), tmp_path)
    (line,) = read_curve(run.folder)
    assert sum(line["correct"]) / sum(line["asked"]) > 0.5, "chance is 1 in 32"


def test_both_families_of_a_pair_are_one_config_but_for_the_name():
    pythia, mamba = (config_of(f"tiny/{family}") for family in FAMILIES)
    assert pythia.corpus == mamba.corpus and pythia.optimisation == mamba.optimisation
    assert identity(pythia) != identity(mamba)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "1.4b/mamba"}, "is not made here"),
        ({"vocabulary": 7}, "has room for 5 tokens of a corpus, and not for 6"),
        ({"held_out_sequences": 0}, "at least 1 held-out"),
        ({"corpus": SHORT}, "corpus must be a Language"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        config_of(**changes)


def test_the_digest_of_the_sequences_is_the_same_for_both_models_and_no_other_data():
    pythia, mamba, other = (
        sequences_digest(config_of(f"tiny/{family}", corpus=dataclasses.replace(LANGUAGE, seed=seed)))
        for family, seed in (*((family, 0) for family in FAMILIES), ("mamba", 1))
    )
    assert pythia == mamba != other
    read = LANGUAGE.sequences("train", torch.arange(SHORT.steps * SHORT.batch)).tokens
    assert pythia == hashlib.sha256(read.numpy().astype("<i8").tobytes()).hexdigest()


COMMAND = ["pretrain", "--length", 12, "--alphabet", 6, "--shortest", 2, "--longest", 3]
SETTINGS = ["--steps", 8, "--evaluations", 2, "--batch", 8, "--out", "runs"]


def test_the_command_pretrains_both_families_and_the_probe_starts_from_them(cli, tmp_path):
    result = cli(*COMMAND, *SETTINGS)
    assert result.returncode == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert said.count("reads 768 tokens") == 2 and "2 finished" in said
    assert said.count(sequences_digest(config_of(optimisation=Optimisation(steps=8, evaluations=2, batch=8)))) == 2
    folders = run_folders(tmp_path / "runs")
    for folder in folders:
        assert read_ran_with(folder)["command"].startswith("probe pretrain --length 12")
    told = cli("status", "runs")
    assert told.returncode == 0 and "2 finished" in told.stdout
    refused = cli("plot", "runs", "--out", "figures")
    assert refused.returncode == 2 and "holds no runs" in refused.stderr
    configs = [json.loads((folder / "config.json").read_text()) for folder in folders]
    assert {config["config"]["name"] for config in configs} == {"tiny/pythia", "tiny/mamba"}
    mamba = next(f for f, c in zip(folders, configs, strict=True) if c["config"]["name"] == "tiny/mamba")
    probed = cli("train", "--pretrained", mamba / "checkpoint", "--length", 6, "--steps", 4, "--evaluations", 1,
                 "--batch", 8, "--held-out-examples", 60, "--out", "probed")  # fmt: skip
    assert probed.returncode == 0, probed.stderr
    (folder,) = run_folders(tmp_path / "probed")
    assert MambaForCausalLM.from_pretrained(folder / "checkpoint").config.vocab_size == 258 + 7


def test_text_is_an_option_of_the_command(cli, tmp_path):
    (tmp_path / "book.txt").write_bytes(bytes(range(256)) * 3)
    result = cli("pretrain", "--family", "pythia", "--text", "book.txt", "--length", 16, *SETTINGS)
    assert result.returncode == 0, result.stderr
    assert "1 finished" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--family", "rnn"], "family must be one of"),
        (["--pair", "1.4b"], "is not made here"),
        (["--text", "nowhere.txt"], "cannot be read as text"),
        (["--longest", 11], "choose a length from 13"),
        (["--learning-rate", 0], "learning rate must be a positive number"),
        (["--alphabet", 300], "and not for 300: take a smaller alphabet"),
    ],
)
def test_bad_settings_end_in_a_sentence_with_nothing_written(cli, tmp_path, arguments, said):
    result = cli(*COMMAND, *SETTINGS, *arguments)
    assert result.returncode == 2, result.stderr
    assert said in result.stderr and len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert not (tmp_path / "runs").exists()
