"""Features that are kept are those of the encoder for the picture, whatever it is called and wherever it lies."""

import dataclasses

import pytest
import torch
from PIL import Image
from small_vlm import PATCHES

from vlm.feature_cache import FeatureCache
from vlm.pictures import PictureError, open_picture
from vlm.pixels import to_pixels
from vlm.places import Place
from vlm.samples import Listed
from vlm.vision import build_encoder

COLORS = ("red", "green", "blue")


def paint(path, color):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), color).save(path)


@pytest.fixture
def encoder():
    return build_encoder(PATCHES)


def counted(encoder):
    seen = []
    encoder.register_forward_hook(lambda *_: seen.append(1))
    return seen


def below(folder):
    return Listed([], Place(str(folder)))


def directly(encoder, path):
    return encoder(to_pixels(open_picture(path), 32, encoder.normalisation)[None])[0]


def test_a_picture_is_encoded_once_and_its_features_are_the_same_ever_after(tmp_path, encoder):
    images = [f"images/{color}.png" for color in COLORS]
    for image, color in zip(images, COLORS, strict=True):
        paint(tmp_path / image, color)
    expected = torch.stack([directly(encoder, tmp_path / image) for image in images])
    seen = counted(encoder)
    for order in (images, images[::-1], [images[0]] * 3):
        cache = FeatureCache(tmp_path / "kept", encoder, PATCHES)
        assert torch.equal(cache.features(order, below(tmp_path)), expected[[images.index(image) for image in order]])
    assert len(seen) == 3


def test_pictures_that_differ_in_their_ending_or_folder_alone_have_their_own_features(tmp_path, encoder):
    paint(tmp_path / "one/a.png", "red")
    paint(tmp_path / "one/a.bmp", "green")
    paint(tmp_path / "two/a.png", "blue")
    for folder, image in (("one", "a.png"), ("one", "a.bmp"), ("two", "a.png"), ("two", "../one/a.png")):
        cache = FeatureCache(tmp_path / "kept", encoder, PATCHES)
        assert torch.equal(
            cache.features([image], below(tmp_path / folder))[0], directly(encoder, tmp_path / folder / image)
        )
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["a.bmp", "a.png"], "nothing is left there"


def test_a_picture_that_was_drawn_anew_is_encoded_anew(tmp_path, encoder):
    cache = FeatureCache(tmp_path / "kept", encoder, PATCHES)
    paint(tmp_path / "a.png", "red")
    before = cache.features(["a.png"], below(tmp_path))
    paint(tmp_path / "a.png", "green")
    assert not torch.equal(cache.features(["a.png"], below(tmp_path)), before)


def test_other_settings_and_other_weights_have_features_of_their_own(tmp_path):
    paint(tmp_path / "a.png", "red")
    settings = dataclasses.replace(PATCHES, name="timm/test_vit", image_size=160, patch_size=None, pretrained=False)
    found = []
    for seed, changes in ((0, {}), (1, {}), (0, {"layer": -1})):
        torch.manual_seed(seed)
        own = dataclasses.replace(settings, **changes)
        found.append(FeatureCache(tmp_path / "kept", build_encoder(own), own).features(["a.png"], below(tmp_path)))
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert len(list((tmp_path / "kept").iterdir())) == 3


def test_a_missing_picture_is_refused_also_where_features_are_kept(tmp_path, encoder):
    with pytest.raises(PictureError, match="is not there or no file"):
        FeatureCache(tmp_path / "kept", encoder, PATCHES).features(["a.png"], below(tmp_path))
