"""What a run may begin with: another's weights, be its pictures larger; and what it may not."""

from dataclasses import replace

import pytest
import torch
from transformers import Mamba2Config, Mamba2ForCausalLM

from backbones.pairs import ModelError
from training.config import ConfigError
from training.run import Run
from vlm.assemble import assemble, check_start
from vlm.config import DataSettings, ModelSettings, TrainConfig, stage_optimisation
from vlm.prompt import PATCH
from vlm.train import starting_model
from vlm.vision import VisionSettings
from vlm.vocabulary import read_vocabulary

SMALL, LARGE = 32, 64  # 2 x 2 and 4 x 4 patches
PATCHES = VisionSettings(name="patches", image_size=32, patch_size=16)


def config(image_size, **others):
    vision = VisionSettings(name="timm/test_vit", image_size=image_size, pretrained=False)
    return TrainConfig(
        stage="instruct",
        model=ModelSettings(name="tiny/mamba", vision=vision, vocabulary="world"),
        data=DataSettings(folder="data", digest="0" * 12),
        optimisation=stage_optimisation("instruct", 2, batch=2),
        **others,
    )


@pytest.fixture
def before(tmp_path):
    """A run at the smaller size and the model it left, none of whose weights are those that it was made with."""
    start = config(SMALL)
    model = assemble(start.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    model.save_pretrained(Run(tmp_path, start).folder / "checkpoint")
    return start, model


def test_a_run_with_larger_pictures_begins_with_all_weights_of_its_start(tmp_path, before):
    start, old = before
    new = starting_model(config(LARGE, start=start, max_length=512), tmp_path)
    assert new.grid == (4, 4)
    assert (new.config.vision.image_size, new.config.max_length) == (LARGE, 512)
    there, here = old.state_dict(), new.state_dict()
    assert there.keys() == here.keys()
    other = {name for name in there if there[name].shape != here[name].shape}
    assert other == {"encoder.model.pos_embed"}
    assert all(torch.equal(there[name], here[name]) for name in there.keys() - other)


def test_a_start_with_larger_pictures_reads_them(tmp_path, before):
    start, _ = before
    model = starting_model(config(LARGE, start=start), tmp_path)
    features = model.features(torch.randn(1, 3, LARGE, LARGE))
    embeddings = model.embed(torch.tensor([[5, *[PATCH] * 16, 6]]), features)
    assert features.shape == (1, 16, model.encoder.width)
    assert torch.isfinite(embeddings).all()


def test_a_checkpoint_s_folder_is_a_start_with_larger_pictures_too(tmp_path, before):
    start, old = before
    folder = Run(tmp_path, start).folder / "checkpoint"
    new = starting_model(config(LARGE, start=str(folder)), tmp_path)
    assert torch.equal(new.connector[0].weight, old.connector[0].weight)


def test_nothing_but_the_size_of_pictures_may_be_another():
    start = config(SMALL)
    layer = replace(start.model, vision=replace(start.model.vision, layer=-1))
    with pytest.raises(ConfigError, match="goes on with the same model"):
        replace(config(LARGE, start=start), model=layer)


def test_a_checkpoint_of_another_size_is_refused(tmp_path):
    model = assemble(ModelSettings(name="tiny/mamba", vision=PATCHES, vocabulary="world"))
    model.save_pretrained(tmp_path / "tiny")
    with pytest.raises(ConfigError, match="holds a model of width 64 and 3 layers, and the run asks for small/mamba"):
        check_start(tmp_path / "tiny", ModelSettings(name="small/mamba", vision=PATCHES, vocabulary="world"))


def test_a_recurrent_model_that_mixes_packed_samples_is_refused(tmp_path):
    rows = read_vocabulary("world").rows
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_heads": 4, "head_dim": 16, "state_size": 8, "n_groups": 1}
    Mamba2ForCausalLM(Mamba2Config(vocab_size=rows, **sizes)).save_pretrained(tmp_path / "mamba2")
    read_vocabulary("world").save(tmp_path)
    with pytest.raises(ModelError, match="packed samples"):
        assemble(ModelSettings(name=str(tmp_path / "mamba2"), vision=PATCHES, vocabulary=str(tmp_path)))
