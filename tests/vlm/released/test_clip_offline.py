"""The CLIPs of OpenAI are known by name: a checkpoint that holds all weights of one is read without a connection."""

import pytest
import torch
from released_shapes import shapes
from transformers import AutoConfig, CLIPVisionConfig, CLIPVisionModel

from vlm.vision import VisionError, VisionSettings, build_encoder, outline_of
from vlm.vision.clip_encoder import KNOWN

LARGE = "openai/clip-vit-large-patch14-336"
PARAMETERS = {
    "openai/clip-vit-base-patch32": 87_456_000,
    "openai/clip-vit-base-patch16": 85_799_424,
    "openai/clip-vit-large-patch14": 303_179_776,
    LARGE: 303_507_456,
}
"""Of the vision models."""


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Whoever asks the hub for a config is told that there is none."""

    def unreachable(source):
        raise OSError(f"no connection to ask for {source}")

    monkeypatch.setattr(AutoConfig, "from_pretrained", unreachable)


def settings_of(name, image_size, **options):
    return VisionSettings(name=f"clip/{name}", image_size=image_size, pretrained=False, **options)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_known_clip_has_its_size_and_activation_without_the_hub(name):
    encoder = outline_of(settings_of(name, KNOWN[name]["image_size"]))
    assert sum(parameter.numel() for parameter in encoder.model.parameters()) == PARAMETERS[name]
    assert encoder.model.config.hidden_act == "quick_gelu"


def test_the_large_clip_has_the_names_and_shapes_of_the_released_checkpoints():
    encoder = outline_of(settings_of(LARGE, 336, layer=-2))
    assert encoder.grid == (24, 24)
    prefix = "vision_encoder.vision_model."
    released = {name: shape for name, shape in shapes("mamba", "790m", "clip").items() if name.startswith(prefix)}
    ours = {prefix + name: tuple(tensor.shape) for name, tensor in encoder.model.state_dict().items()}
    assert ours == released


def test_a_clip_that_is_not_known_still_needs_the_hub():
    with pytest.raises(VisionError, match="no connection to ask for somebody/clip"):
        outline_of(settings_of("somebody/clip", 336))


def test_a_folder_of_the_name_of_a_known_clip_is_read_as_a_folder(tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    CLIPVisionModel(CLIPVisionConfig(**shape, image_size=32, patch_size=8)).save_pretrained(LARGE)
    assert build_encoder(settings_of(LARGE, 32))(torch.zeros(1, 3, 32, 32)).shape == (1, 16, 16)
