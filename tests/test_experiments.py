"""The experiments: every file yields the runs that its figure needs, and the demo works from end to end in short."""

import dataclasses
import itertools
import json
import math
from functools import partial
from pathlib import Path

import pytest

from backbones.pairs import FAMILIES
from probe.config import ProbeConfig
from probe.figures import draw_all
from probe.pretrain import PretrainConfig
from probe.protocol import LEARNING_RATES
from probe.trainer import run_probe
from training.config import ConfigError, identity, to_dict
from training.sweep import read_experiment, sweep
from vlm.config import TrainConfig
from vlm.protocol import ALIGN, FINE_TUNING, FINE_TUNING_RATES, IMAGE_SIZES, INSTRUCT
from vlm.vision import image_tokens

ROOT = Path(__file__).parents[1]

FILES = sorted((ROOT / "experiments").glob("*.py"))
PAPER = {
    "figure6_sample_efficiency": ("suffix", 54),
    "figure7_positions": ("suffix", 18),
    "figure12_prefix": ("prefix", 54),
}


KINDS = (ProbeConfig, PretrainConfig, TrainConfig)


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    """Starts a sweep where the paper's runs find their folders of samples; a world is as soon written as theirs."""

    def write(folder, *_, **__):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "train.jsonl").write_text(f"samples of {folder}\n")

    for folder in (ALIGN, INSTRUCT, *(folder for folder, _, _ in FINE_TUNING.values())):
        write(folder)
    monkeypatch.setattr("vlm.world.dataset.make_world", write)
    monkeypatch.chdir(tmp_path)


def without_family(config):
    """All of a config, and of what it begins with, but its family; and which that is."""
    name = config.name if isinstance(config, PretrainConfig) else config.model.name
    family = name.partition("/")[2]
    return json.dumps(to_dict(config)).replace(f"/{family}", ""), family


def of_paper(name):
    """The runs of one of the paper's experiments with vision-language models."""
    return read_experiment(ROOT / "experiments" / f"{name}.py", TrainConfig)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_experiment_yields_matched_runs_and_says_what_it_is(file):
    configs = read_experiment(file, KINDS)
    settings = [without_family(config) for config in configs]
    pythia, mamba = ({rest for rest, its_family in settings if its_family == family} for family in FAMILIES)
    assert pythia == mamba, "the two families differ in nothing but the family"
    assert len(configs) == len(pythia) + len(mamba)
    text = file.read_text()
    for said in ("Claim", "Command", "Expected", "Cost"):
        assert said in text


@pytest.mark.parametrize("name", PAPER)
def test_the_paper_s_grids_are_its_own(name):
    order, count = PAPER[name]
    configs = read_experiment(ROOT / "experiments" / f"{name}.py", ProbeConfig)
    assert len(configs) == count
    for config in configs:
        assert config.task.order == order and config.model.is_pretrained and config.optimisation.batch == 64
        assert config.optimisation.steps == 78_125 == config.train_examples * 5 // 64
        assert (config.train_examples, config.held_out_examples, config.threshold) == (1_000_000, 100_000, 0.95)
        assert config.optimisation.evaluations == 100
    assert {c.optimisation.learning_rate for c in configs} == set(LEARNING_RATES)
    assert {c.model.init_seed for c in configs} == {0, 1, 2}


def test_the_runs_of_figure_7_are_among_those_of_figure_6():
    six, seven = (
        {identity(c) for c in read_experiment(ROOT / "experiments" / f"{name}.py", ProbeConfig)}
        for name in ("figure6_sample_efficiency", "figure7_positions")
    )
    assert seven < six


def test_the_runs_of_the_demo_are_among_those_of_the_whole_comparison():
    demo, whole = (
        {identity(c) for c in read_experiment(ROOT / "experiments" / f"{name}.py", ProbeConfig)}
        for name in ("quick", "pretraining_matters")
    )
    assert demo < whole


def test_tables_1_and_2_are_the_same_runs_with_the_settings_of_table_8():
    configs = of_paper("table1_coarse")
    assert configs == of_paper("table2_fine")
    assert [config.model.name for config in configs] == [
        f"{pair}/{family}" for pair in ("1b", "1.4b", "2.8b") for family in FAMILIES
    ]
    for config in configs:
        align, is_largest = config.start, config.model.name.startswith("2.8b")
        assert (config.stage, config.data.folder, config.data.tasks) == ("instruct", "data/instruct", ())
        assert (align.stage, align.data.folder, align.data.tasks) == ("align", "data/align", ("captioning",))
        assert align.start is None
        assert align.optimisation.steps == 10_901 == math.ceil(5 * 558_128 / 256)
        assert config.optimisation.steps == 96_875 == 2 * 6_200_000 // 128
        for one, batch, rate in ((align, 256, 1e-3), (config, 128, 2e-5)):
            optimisation = one.optimisation
            assert (optimisation.batch, optimisation.learning_rate, optimisation.precision) == (batch, rate, "bf16")
            assert (optimisation.schedule, optimisation.warmup, optimisation.clip) == ("cosine", 0.03, 1.0)
            assert batch % optimisation.micro_batch == 0
            assert (one.model.vision.source, one.model.vision.image_size) == ("eva02_large_patch14_clip_336", 336)
            assert (one.max_length, one.order) == (800 if is_largest else 1024, "task-agnostic")
            assert one.checkpoint_activations == is_largest


def test_figure_4_differs_from_table_1_in_order_only_and_in_instruct_only():
    agnostic, aware = (
        [config for config in of_paper("figure4_order") if config.order == order]
        for order in ("task-agnostic", "task-aware")
    )
    assert agnostic == [config for config in of_paper("table1_coarse") if config.model.name.startswith("1.4b")]
    assert aware == [dataclasses.replace(config, order="task-aware") for config in agnostic]


def test_figure_3_goes_on_from_the_runs_of_table_1_with_larger_pictures():
    starts = {config for config in of_paper("table1_coarse") if config.model.name.startswith("1.4b")}
    configs = of_paper("figure3_resolution")
    assert {config.start for config in configs} == starts
    asked = {(c.model.name, c.data.folder, c.model.vision.image_size, c.optimisation.learning_rate) for c in configs}
    names = {start.model.name for start in starts}
    folders = ("data/vqa_v2", "data/refcocog")
    assert asked == set(itertools.product(names, folders, IMAGE_SIZES, FINE_TUNING_RATES))
    assert len(configs) == len(asked) == 36
    for config in configs:
        grid = (config.model.vision.image_size // 14,) * 2
        assert config.max_length - image_tokens(grid) == 407, "as much text at every size"
        assert config.max_length <= 2048, "what the language models were pretrained with"
        passes, pictures = {"data/vqa_v2": (1, 82_783), "data/refcocog": (3, 21_899)}[config.data.folder]
        assert config.optimisation.batch == 64
        assert 0 <= config.optimisation.steps * 64 - passes * pictures < 64
        assert (config.stage, config.order) == ("instruct", "task-agnostic")


@pytest.mark.parametrize("name", ["table1_coarse", "table2_fine", "figure3_resolution", "figure4_order"])
def test_without_its_samples_an_experiment_says_which_are_missing(name, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(ConfigError, match=r"data/align holds neither manifest\.json nor train\.jsonl: name a folder"):
        of_paper(name)
    assert list(Path().iterdir()) == []


def test_the_demo_in_short_draws_its_figures(tmp_path):
    configs = [
        dataclasses.replace(
            config,
            optimisation=dataclasses.replace(config.optimisation, steps=6, evaluations=3, batch=8),
            held_out_examples=config.task.length * 4,
        )
        for config in read_experiment(ROOT / "experiments" / "quick.py", ProbeConfig)
    ]
    outcomes = sweep(configs, tmp_path / "runs", partial(run_probe, out=tmp_path / "runs"))
    assert {outcome.state for outcome in outcomes} == {"finished"}
    drawn = {path.name for path in draw_all(tmp_path / "runs", tmp_path / "figures")}
    kept = {path.name for path in (ROOT / "figures" / "quick").iterdir()}
    assert drawn == kept, "figures/quick holds what the demo draws"


def test_notebooks_are_kept_without_errors():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            assert not any(output["output_type"] == "error" for output in cell.get("outputs", []))
