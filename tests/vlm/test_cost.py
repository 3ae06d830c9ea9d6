"""What runs take is counted from their configs: the paper's by hand, and any other without its weights."""

from dataclasses import replace
from itertools import pairwise

import pytest

from backbones.pairs import ModelError
from vlm.assemble import assemble
from vlm.config import DataSettings, ModelSettings
from vlm.cost import PEAK, TEXT_TOKENS, UTILISATION, gpu_hours
from vlm.plan import print_plan
from vlm.presets import preset_of

DATA = DataSettings(folder="data", digest="0" * 12)
ENCODER = 303_645_632
PATCHES, PICTURE = 576, 601


def run(name, stage="instruct", **settings):
    return replace(preset_of(name).run(stage, DATA), **settings)


def operations(config):
    """Of a sample."""
    samples = config.optimisation.steps * config.optimisation.batch
    return gpu_hours(config) * 3600 * PEAK * UTILISATION / samples


@pytest.mark.parametrize(
    ("stage", "again", "of_language_model"),
    [("align", False, 2 + 2), ("align", True, 4 + 2), ("instruct", False, 2 + 4), ("instruct", True, 4 + 4)],
)
def test_a_run_of_the_paper_takes_what_its_parameters_and_tokens_say(stage, again, of_language_model):
    config = run("1.4b/mamba", stage, checkpoint_activations=again)
    tokens = PICTURE + TEXT_TOKENS
    expected = of_language_model * 1_372_178_432 * tokens + 2 * ENCODER * PATCHES
    assert operations(config) == pytest.approx(expected)


def test_no_sample_is_taken_to_be_longer_than_it_may_be():
    config = run("1.4b/mamba", max_length=PICTURE + 7)
    assert operations(config) == pytest.approx(6 * 1_372_178_432 * (PICTURE + 7) + 2 * ENCODER * PATCHES)


def test_a_model_made_here_is_counted_by_its_shapes():
    config = run("tiny/mamba")
    model = assemble(config.model)
    parameters = sum(parameter.numel() for parameter in model.language_model.parameters())
    rows, columns = model.grid
    tokens = 1 + rows * (columns + 1) + TEXT_TOKENS
    encoder = sum(parameter.numel() for parameter in model.encoder.parameters())
    assert operations(config) == pytest.approx(6 * parameters * tokens + 2 * encoder * rows * columns)


def test_larger_pictures_take_longer():
    config = run("1.4b/pythia", max_length=2048)
    visions = [replace(config.model.vision, image_size=size) for size in (336, 448, 560)]
    hours = [gpu_hours(replace(config, model=replace(config.model, vision=vision))) for vision in visions]
    assert all(smaller < larger for smaller, larger in pairwise(hours))


def test_a_plan_says_the_hours_of_each_run_and_of_all(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    configs = [run("1.4b/mamba"), run("1.4b/pythia"), run("tiny/mamba")]
    print_plan(configs, tmp_path)
    said = capsys.readouterr().out
    for config in configs[:2]:
        assert f"{gpu_hours(config):,.1f}" in said
    assert "< 0.1" in said
    assert f"{sum(map(gpu_hours, configs)):,.1f} hours of one H100 at 40% of its peak" in said
    assert "not known" not in said


def test_a_plan_is_made_of_models_that_cannot_be_reached(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    elsewhere = run("1.4b/mamba", model=ModelSettings(name=str(tmp_path / "nowhere")))
    with pytest.raises(ModelError):
        gpu_hours(elsewhere)
    print_plan([elsewhere, run("1.4b/mamba")], tmp_path)
    said = capsys.readouterr().out
    assert "?" in said
    assert "and those that are not known" in said


def test_a_plan_says_once_what_all_runs_share(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    print_plan([run("1.4b/mamba"), run("1.4b/pythia")], tmp_path)
    said = capsys.readouterr().out
    assert said.count("task-agnostic") == said.count("96,875") == 1
    assert "All: stage instruct; order task-agnostic; encoder timm/eva02_large_patch14_clip_336; pixels 336" in said
