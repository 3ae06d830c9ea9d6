"""Boxes of others are in one space, which is declared and held against the numbers."""

import json

import pytest
from miniatures.files import write_json
from published_files import published
from result_files import drawn
from score_command import overall, refused, scored


def in_pixels(text, width=640, height=480):
    return [side * value for side, value in zip((width, height) * 2, json.loads(text), strict=True)]


def test_boxes_in_pixels_are_declared_and_score_the_same(vlm, tmp_path):
    some = drawn("refcoco")
    value = published(some)
    for output in value["outputs"]:
        output |= {name: in_pixels(output[name]) for name in ("prediction", "target")}
    results = write_json(tmp_path / "results.json", value)
    found = scored(vlm, "refcoco", results, "--coordinates", "pixels")
    assert overall(found) == pytest.approx(some.score) and some.score > 0
    refused(vlm("score", "refcoco", "--predictions", results), "has its boxes in pixels, and not in shares: say")


def test_boxes_in_two_spaces_cannot_be_scored(vlm, tmp_path):
    value = published(drawn("refcoco"))
    for output in value["outputs"]:
        output["target"] = in_pixels(output["target"])
    results = write_json(tmp_path / "results.json", value)
    for coordinates in ("shares", "pixels"):
        refused(
            vlm("score", "refcoco", "--predictions", results, "--coordinates", coordinates),
            "has its boxes in shares and the true ones are in pixels: that cannot be scored without the sizes",
        )


def test_coordinates_are_a_choice_for_boxes_alone(vlm, tmp_path):
    results = write_json(tmp_path / "results.json", published(drawn("refcoco")))
    refused(vlm("score", "refcoco", "--predictions", results, "--coordinates", "xywh"), "must be one of shares, pixels")
    refused(vlm("score", "gqa", "--predictions", results, "--coordinates", "pixels"), "answers of gqa are no boxes")
    refused(
        vlm("score", "refcoco", "--predictions", results, "--coordinates", "pixels"),
        "has its boxes in shares, and not in pixels: say --coordinates shares",
    )
