"""Pictures of every kind open as a viewer shows them; what is broken is refused in a sentence, and never half read."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from transformers import CLIPImageProcessorPil

from training.config import ConfigError
from vlm.pictures import LARGEST, PictureError, open_picture
from vlm.pixels import CLIP, Normalisation, to_pixels

NOISE = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def png_that_claims(width, height):
    """A PNG that is a header and nothing to decode."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b""))]
    packed = (struct.pack(">I", len(data)) + k + data + struct.pack(">I", zlib.crc32(k + data)) for k, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def saved(image, path, **options):
    image.save(path, **options)
    return path


def as_array(path):
    image = open_picture(path)
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "ppm", "webp"])
def test_a_picture_opens_as_it_was_saved(tmp_path, kind):
    path = saved(Image.fromarray(NOISE), tmp_path / f"noise.{kind}", **({"lossless": True} if kind == "webp" else {}))
    assert (as_array(path) == NOISE).all()


def test_the_content_counts_and_not_the_ending_of_the_name(tmp_path):
    path = saved(Image.fromarray(NOISE), tmp_path / "noise.jpg", format="PNG")
    assert (as_array(path) == NOISE).all()


def test_exif_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned left: to be shown turned right
    path = saved(Image.fromarray(NOISE), tmp_path / "turned.png", exif=exif)
    assert (as_array(path) == np.rot90(NOISE, k=-1)).all()


def test_cmyk_keeps_its_colours(tmp_path):
    path = saved(Image.new("RGB", (8, 8), (200, 40, 90)).convert("CMYK"), tmp_path / "cmyk.jpg", quality=100)
    assert np.abs(as_array(path) - (200, 40, 90)).max() <= 4


@pytest.mark.parametrize("kind", ["png", "tiff", "pgm"])
def test_grey_of_16_bits_is_scaled_and_not_clipped(tmp_path, kind):
    grey = np.array([[0, 128, 129, 257, 32_768, 65_407, 65_535]], dtype=np.uint16)
    path = saved(Image.fromarray(grey), tmp_path / f"deep.{kind}")
    assert as_array(path)[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255, 255]


@pytest.mark.parametrize(
    ("grey", "said"), [(np.full((2, 2), 70_000, np.int32), "16 bits"), (np.ones((2, 2), np.float32), "fractions")]
)
def test_grey_of_an_unknown_scale_is_refused(tmp_path, grey, said):
    with pytest.raises(PictureError, match=said):
        open_picture(saved(Image.fromarray(grey), tmp_path / "measured.tiff"))


def transparent(mode):
    """Left half red at full strength (grey where there is no colour), right half nothing."""
    image = Image.new("RGBA", (4, 2), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (2, 0, 4, 2))
    return image if mode == "RGBA" else image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(tmp_path, mode):
    pixels = as_array(saved(transparent(mode), tmp_path / "halves.png"))
    assert (pixels[:, 2:] == 255).all()
    assert (pixels[:, :2] == ((255, 0, 0) if mode == "RGBA" else 76)).all()


def test_half_transparent_is_half_white(tmp_path):
    path = saved(Image.new("RGBA", (1, 1), (0, 0, 0, 128)), tmp_path / "veil.png")
    assert as_array(path).tolist() == [[[127] * 3]]


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_a_palette_with_a_transparent_colour_is_on_white(tmp_path, kind):
    image = Image.new("P", (4, 2), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (2, 0, 4, 2))
    pixels = as_array(saved(image, tmp_path / f"palette.{kind}", transparency=0))
    assert (pixels[:, :2] == 255).all()
    assert (pixels[:, 2:] == (200, 100, 50)).all()


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_of_an_animation_the_first_frame_is_seen(tmp_path, kind):
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "webp" else {}
    path = saved(frames[0], tmp_path / f"moving.{kind}", save_all=True, append_images=frames[1:], **options)
    assert (as_array(path) == (255, 0, 0)).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_a_picture_of_one_pixel_works(tmp_path, mode):
    path = saved(Image.new(mode, (1, 1)), tmp_path / "dot.png")
    assert to_pixels(open_picture(path), 28).shape == (3, 28, 28)


def test_what_is_no_picture_is_refused_in_a_sentence_with_its_name(tmp_path):
    (tmp_path / "text.png").write_text("This is not a picture.")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "program.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    for name, said in [
        ("missing.png", "check the path"),
        ("", "no file"),
        ("text.png", "no picture"),
        ("empty.png", "no picture"),
        ("program.eps", "no picture"),
    ]:
        with pytest.raises(ConfigError, match=said) as refused:
            open_picture(tmp_path / name)
        assert str(tmp_path / name) in str(refused.value)
        assert str(refused.value).endswith(".")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("width", "height"), [(50_000, 50_000), (12_000, 10_000), (LARGEST + 1, 1), (2**31 - 1, 2**31 - 1)]
)
@pytest.mark.parametrize("warn", ["error", "ignore"])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, width, height, warn):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(width, height))
    with warnings.catch_warnings():
        warnings.simplefilter(warn, Image.DecompressionBombWarning)
        with pytest.raises(PictureError, match=r"bomb\.png.*more than 80,000,000 pixels.*scale it down"):
            open_picture(path)


def test_pillow_keeps_its_own_protection():
    assert Image.MAX_IMAGE_PIXELS is not None
    assert LARGEST <= Image.MAX_IMAGE_PIXELS
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File Read", "ignore:Metadata Warning")
@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=40, deadline=None)
def test_a_file_cut_short_is_refused_or_whole(tmp_path_factory, kind, share):
    """Some formats end in bytes that no pixel needs: what is given without them must be the same picture."""
    image = Image.fromarray(NOISE)
    buffer = io.BytesIO()
    image.save(buffer, format=kind)
    folder = tmp_path_factory.mktemp("cut")
    whole, cut = folder / "whole", folder / "cut"
    whole.write_bytes(buffer.getvalue())
    cut.write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
    try:
        seen = as_array(cut)
    except PictureError as error:
        assert str(cut) in str(error)
    else:
        assert (seen == as_array(whole)).all()


def test_a_picture_cut_in_half_is_refused(tmp_path):
    path = saved(Image.fromarray(NOISE), tmp_path / "half.jpg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PictureError, match=r"half\.jpg cannot be read as a picture .*: copy or save it again\.$"):
        open_picture(path)


@pytest.mark.parametrize(("resampling", "code"), [("bilinear", 2), ("bicubic", 3)])
def test_pixels_are_those_of_the_clip_processor_without_its_crop(resampling, code):
    image = Image.fromarray(NOISE)
    processor = CLIPImageProcessorPil(
        size={"height": 30, "width": 30}, resample=code, do_center_crop=False, image_mean=CLIP.mean, image_std=CLIP.std
    )
    expected = processor(image, return_tensors="pt")["pixel_values"][0]
    pixels = to_pixels(image, 30, resampling=resampling)
    assert pixels.dtype == torch.float32
    assert pixels.is_contiguous()
    torch.testing.assert_close(pixels, expected)


def test_a_picture_is_squeezed_and_not_cropped():
    image = Image.new("RGB", (60, 20), "black")
    image.paste("white", (30, 0, 60, 20))
    plain = Normalisation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    pixels = to_pixels(image, 10, plain)
    assert pixels.shape == (3, 10, 10)
    assert pixels[:, :, :4].max() == 0
    assert pixels[:, :, 6:].min() == 1


def test_each_colour_has_its_own_mean_and_deviation():
    pixels = to_pixels(Image.new("RGB", (3, 3), (255, 0, 51)), 2)
    expected = [(value - mean) / std for value, mean, std in zip((1, 0, 0.2), CLIP.mean, CLIP.std, strict=True)]
    torch.testing.assert_close(pixels[:, 0, 0], torch.tensor(expected))
