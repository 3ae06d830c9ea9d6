"""A picture has a fault exactly where it could not be opened in training, whatever is done to its file."""

import io
import os
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from miniatures.files import write_picture
from PIL import Image

from vlm.data import picture_check
from vlm.data.picture_check import PictureChecker, Verdict, check_picture
from vlm.pictures import LARGEST, PictureError, open_picture

pytestmark = pytest.mark.filterwarnings("ignore")  # of Pillow, of what is broken

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (33, 50, 3), dtype=np.uint8))
TURNED = Image.Exif()
TURNED[0x0112] = 6


def saved(kind, image=NOISE, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


JPEGS = {
    "baseline": saved("JPEG"),
    "fine": saved("JPEG", subsampling=0, quality=98),
    "restarts": saved("JPEG", restart_marker_blocks=3, exif=TURNED),
    "progressive": saved("JPEG", progressive=True),
    "grey": saved("JPEG", NOISE.convert("L")),
    "cmyk": saved("JPEG", NOISE.convert("CMYK")),
    "cmyk progressive": saved("JPEG", NOISE.convert("CMYK"), progressive=True),
    "narrow": saved("JPEG", NOISE.resize((3, 40))),
    "of two": saved("MPO", save_all=True, append_images=[NOISE]),
}
DEEP = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100)
OTHERS = {
    "png": saved("PNG"),
    "deep png": saved("PNG", DEEP),
    "palette": saved("PNG", NOISE.convert("P"), transparency=3),
    "animation": saved("GIF", save_all=True, append_images=[NOISE.rotate(90)]),
    "webp": saved("WEBP"),
    "bmp": saved("BMP"),
    "tiff": saved("TIFF"),
    "ppm": saved("PPM"),
}
SOUND = JPEGS | OTHERS


def png_that_claims(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    packed = (struct.pack(">I", len(data)) + k + data + struct.pack(">I", zlib.crc32(k + data)) for k, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def opens(path):
    try:
        open_picture(path)
    except PictureError:
        return False
    return True


def verdict_of(path, content):
    path.write_bytes(content)
    verdict = check_picture(path)
    assert (verdict.fault is None) == opens(path), verdict
    return verdict


@pytest.mark.parametrize("name", SOUND)
def test_sound_pictures_of_every_kind_have_no_fault(tmp_path, name):
    verdict = verdict_of(tmp_path / "picture", SOUND[name])
    assert verdict.fault is None
    assert verdict.size == {"deep png": (30, 20), "narrow": (3, 40)}.get(name, (50, 33))
    expected = "JPEG" if name in JPEGS else "PNG" if name == "palette" else name.split()[-1].upper()
    assert verdict.kind == expected.replace("ANIMATION", "GIF")


@pytest.mark.parametrize("name", sorted(JPEGS.keys() - {"of two"}))
def test_a_jpeg_cut_at_any_byte_is_found(tmp_path, name):
    whole = JPEGS[name]
    for end in range(1, len(whole) - 2, 13):
        verdict = verdict_of(tmp_path / "cut.jpg", whole[:end])
        assert verdict.fault == ("truncated" if end > 1 else "no picture"), end


@pytest.mark.parametrize("name", SOUND)
@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=15, deadline=None)
def test_a_file_cut_short_is_judged_as_in_training(tmp_path_factory, name, share):
    verdict_of(tmp_path_factory.mktemp("cut") / "picture", SOUND[name][: int(share * len(SOUND[name]))])


@pytest.mark.parametrize("name", sorted(SOUND.keys() - {"of two"}))  # of which the first is whole then
def test_a_file_cut_in_the_middle_is_called_truncated(tmp_path, name):
    assert verdict_of(tmp_path / "half", SOUND[name][: len(SOUND[name]) // 2]).fault == "truncated"


@given(name=st.sampled_from(sorted(JPEGS)), seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_a_jpeg_with_wrong_bytes_is_judged_as_in_training(tmp_path_factory, name, seed):
    content, chance = bytearray(JPEGS[name]), random.Random(seed)
    for _ in range(chance.randint(1, 5)):
        content[chance.randrange(chance.choice((len(content), 300)))] = chance.randrange(256)
    verdict_of(tmp_path_factory.mktemp("wrong") / "picture.jpg", content)


def test_a_jpeg_is_not_decoded_at_its_full_size(tmp_path, monkeypatch):
    path = write_picture(tmp_path / "large.jpg", 640, 480)
    decoded = []
    transpose = picture_check.ImageOps.exif_transpose
    monkeypatch.setattr(picture_check.ImageOps, "exif_transpose", lambda im: decoded.append(im.size) or transpose(im))
    assert check_picture(path) == Verdict(None, "JPEG", False, (640, 480))
    assert decoded == [(80, 60)]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b"A text.", "no picture"),
        (b"BMW has a new car.", "no picture"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "no picture"),
        (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", "no picture"),
        (bytes(5_000), "no picture"),
        (SOUND["png"].replace(b"IDAT", b"IDAX"), "unreadable"),
        (png_that_claims(LARGEST, 2), "too large"),
        (png_that_claims(10_000, 8_001), "too large"),
        (png_that_claims(60_000, 60_000), "too large"),
    ],
)
def test_what_is_no_picture_or_none_to_decode_is_told_apart(tmp_path, content, fault):
    assert verdict_of(tmp_path / "picture.jpg", content).fault == fault


def test_what_is_not_there_or_no_file_is_found_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "file").write_text("")
    faults = {
        "pipe.jpg": "no picture",
        "folder.jpg": "no picture",
        "lost.jpg": "missing",
        "nowhere.jpg": "missing",
        "file/in.jpg": "missing",
        "nul\0.jpg": "missing",
        "x" * 300 + ".jpg": "unreadable",
    }
    assert {name: check_picture(tmp_path / name).fault for name in faults} == faults


@pytest.mark.skipif(os.geteuid() == 0, reason="everything can be read")
def test_a_file_that_must_not_be_read_is_unreadable(tmp_path):
    path = write_picture(tmp_path / "secret.jpg")
    path.chmod(0)
    assert check_picture(path).fault == "unreadable"


def test_a_picture_of_another_kind_than_its_name_says_is_told(tmp_path):
    verdict = verdict_of(tmp_path / "cover.jpg", SOUND["animation"])
    assert (verdict.fault, verdict.kind, verdict.mistyped) == (None, "GIF", True)
    assert not verdict_of(tmp_path / "cover.GIF", SOUND["animation"]).mistyped
    assert not verdict_of(tmp_path / "cover.jpeg", JPEGS["of two"]).mistyped
    assert not verdict_of(tmp_path / "cover", SOUND["animation"]).mistyped


def test_a_checker_reads_a_picture_once_while_it_remembers_it(tmp_path, monkeypatch):
    names = ["a.jpg", "b.jpg", "c.jpg"]
    write_picture(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(JPEGS["baseline"][:500])
    read = []
    monkeypatch.setattr(picture_check, "check_picture", lambda path: read.append(path.name) or check_picture(path))
    checker = PictureChecker(kept=2)
    faults = [checker.verdict(tmp_path / name).fault for name in [*names[:2], *names[:2], *names]]
    assert faults == [None, "truncated"] * 2 + [None, "truncated", "missing"]
    assert read == names
    checker.verdict(tmp_path / "b.jpg")
    checker.verdict(tmp_path / "a.jpg")  # the one that was not asked for longest was forgotten
    assert read == [*names, "a.jpg"]
